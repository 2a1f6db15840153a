"""Screens, badges, PINs and figures about people in the admin: secrets stay secret, and two people approve."""

from __future__ import annotations

import pytest
from django.test import Client

from labeling.models import Badge, PersonFigures, Pin, StationDevice
from labeling.people.passes import badge_of
from tests import factories as make
from tests.admin.doors import act, address

pytestmark = pytest.mark.django_db


def give(root: Client, typed: str) -> str:
    alice = make.make_user()
    answer = root.post(address(Badge, "add"), {"user": alice.pk, "name": "blue card", "typed": typed})
    return "" if answer.status_code == 302 else answer.content.decode()


def test_a_badge_is_given_by_putting_it_on_the_reader(root: Client) -> None:
    assert give(root, "%0009-88213?") == ""
    badge = badge_of("0009-88213")
    assert badge is not None
    assert (badge.user, badge.created_by, badge.name) == (make.make_user(), make.make_user("root"), "blue card")
    page = root.get(address(Badge, "change", badge.pk)).content.decode()
    assert "88213" not in page
    assert badge.digest not in page


def test_a_badge_of_another_or_of_nothing_is_refused_in_words(root: Client) -> None:
    make.make_badge(make.make_user("bob"), "0009-88213")
    assert "given out already" in give(root, "0009-88213")
    assert "6 to 64 letters" in give(root, "7")
    assert Badge.objects.get().user == make.make_user("bob")


@pytest.mark.parametrize(("model", "make_row"), [(Badge, make.make_badge), (StationDevice, make.make_device)])
def test_what_is_revoked_stays_in_the_list_and_is_revoked_once(
    root: Client, model: type[Badge], make_row: type
) -> None:
    row = make_row()
    assert "1 revoked" in act(root, [row], "revoke")[0]
    assert "revoked already" in act(root, [row], "revoke")[0]
    row.refresh_from_db()
    assert row.revoked_at is not None
    assert model.objects.count() == 1


def test_a_pin_can_be_taken_away_and_its_hash_is_not_shown(root: Client) -> None:
    pin = make.make_pin()
    assert pin.hash not in root.get(address(Pin, "change", pin.pk)).content.decode()
    assert root.post(address(Pin, "delete", pin.pk), {"post": "yes"}).status_code == 302
    assert not Pin.objects.exists()


def test_figures_about_a_person_need_somebody_else_to_approve(root: Client) -> None:
    alice = make.make_user()
    answer = root.post(address(PersonFigures, "add"), {"user": alice.pk, "purpose": "Training plan"})
    assert answer.status_code == 302
    row = PersonFigures.objects.get()
    assert (row.asked_by, row.approver) == (make.make_user("root"), None)
    assert "Another person approves" in act(root, [row], "approve")[0]
    other = Client()
    other.force_login(make.make_user("otto", is_staff=True, is_superuser=True))
    assert "are on, under your name" in act(other, [row], "approve")[0]
    row.refresh_from_db()
    assert row.approver == make.make_user("otto")
    assert act(other, [row], "end") == ["1 ended."]


def test_figures_that_are_asked_for_twice_are_refused_in_words(root: Client) -> None:
    alice = make.make_user()
    make.make_figures(user=alice)
    answer = root.post(address(PersonFigures, "add"), {"user": alice.pk, "purpose": "More"})
    assert answer.status_code == 200
    assert PersonFigures.objects.count() == 1
