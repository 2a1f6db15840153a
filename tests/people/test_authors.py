"""A verdict is its author's, whoever is signed in when it is sent at last; without proof of that it is not recorded."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import signing
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from labeling.keys import forget_keys, issue_key
from labeling.models import Membership, Review, Verdict
from labeling.people.authors import author_token
from labeling.people.passes import set_pin
from tests import factories as make

pytestmark = pytest.mark.django_db


class Tablet:
    """alice said something here; now bob is signed in."""

    def __init__(self) -> None:
        self.station, self.version = make.make_station(), make.make_version()
        self.alice, self.bob = (
            make.make_inspector_at(self.station, one, version=self.version) for one in ("alice", "bob")
        )
        self.client = Client()
        self.device = make.make_device(station=self.station, client=self.client)
        self.client.force_login(self.bob)
        self.token = author_token(self.alice, device=self.device, now=timezone.now())
        self.review = self.part()

    def part(self) -> Review:
        inspection = make.make_inspection(station=self.station)
        return make.make_review(registered_model=self.version.registered_model, inspection=inspection)

    def send(self, token: str | None, *, client: Any = None, **said: Any) -> Any:
        body = {
            "client_id": str(uuid.uuid4()), "review": self.review.pk, "kind": "label", "label": "dent",
            "phase": "blind", "shown_at": "2026-11-23T14:00:00Z", "said_at": "2026-11-23T14:00:03Z", **said,
        }  # fmt: skip
        headers = {} if token is None else {"X-Verdict-Author": token}
        return (client or self.client).post("/api/v1/verdicts/", body, content_type="application/json", headers=headers)


@pytest.fixture
def tablet() -> Tablet:
    return Tablet()


def authors() -> list[str]:
    return list(Verdict.objects.order_by("pk").values_list("reviewer__username", flat=True))


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_with_her_token_it_is_alices_word_though_bob_is_signed_in(tablet: Tablet) -> None:
    said = {"client_id": str(uuid.uuid4())}
    assert [tablet.send(tablet.token, **said).status_code for _ in range(2)] == [201, 200]
    assert authors() == ["alice"]


def test_without_a_token_it_is_the_word_of_whoever_is_signed_in(tablet: Tablet) -> None:
    assert tablet.send(None).status_code == 201
    assert authors() == ["bob"]


def test_ones_own_token_is_good_anywhere(tablet: Tablet) -> None:
    elsewhere = Client()
    elsewhere.force_login(tablet.alice)
    assert tablet.send(tablet.token, client=elsewhere).status_code == 201
    assert authors() == ["alice"]


@pytest.mark.parametrize("token", ["", "nonsense", "a:b:c", "ÿ" * 40])
def test_what_is_no_token_of_ours_records_nothing(tablet: Tablet, token: str) -> None:
    assert refusal(tablet.send(token)) == (403, "author_unknown")
    assert authors() == []


def test_a_forged_or_foreign_token_records_nothing(tablet: Tablet) -> None:
    said = {"u": tablet.alice.pk, "t": timezone.now().timestamp()}
    forged = signing.Signer(key="guess", salt="labeling.author").sign_object(said)
    other_use = signing.Signer(salt="elsewhere").sign_object(said)
    of_nobody = signing.Signer(salt="labeling.author").sign_object({**said, "u": 0})
    without_stamp = signing.Signer(salt="labeling.author").sign_object(said)
    codes = [refusal(tablet.send(one))[1] for one in (forged, other_use, of_nobody, without_stamp)]
    assert codes == ["author_unknown", "author_unknown", "author_revoked", "author_revoked"]
    assert authors() == []


def test_twelve_hours_later_the_token_is_over(tablet: Tablet) -> None:
    almost, over = (
        author_token(tablet.alice, device=tablet.device, now=timezone.now() - timedelta(hours=hours))
        for hours in (11.9, 12.1)
    )
    assert refusal(tablet.send(over)) == (403, "author_expired")
    assert authors() == []
    assert tablet.send(almost).status_code == 201


def new_password(alice: User) -> None:
    alice.set_password("quite another one")
    alice.save()


def new_pin(alice: User) -> None:
    set_pin(user=alice, pin="8052", now=make.NOW)


def no_pin(alice: User) -> None:
    alice.pin.delete()


def deactivated(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)


@pytest.mark.parametrize("change", [new_password, new_pin, no_pin, deactivated])
def test_a_new_password_or_pin_and_a_closed_account_end_her_tokens(tablet: Tablet, change: Any) -> None:
    change(tablet.alice)
    assert refusal(tablet.send(tablet.token)) == (403, "author_revoked")
    assert authors() == []


def test_a_copy_of_the_token_is_good_at_no_other_screen(tablet: Tablet) -> None:
    elsewhere, unregistered = Client(), Client()
    make.make_device(station=tablet.station, client=elsewhere)
    for client in (elsewhere, unregistered):
        client.force_login(tablet.bob)
        assert refusal(tablet.send(tablet.token, client=client)) == (403, "author_elsewhere")
    unbound = author_token(tablet.alice, device=None, now=timezone.now())
    assert refusal(tablet.send(unbound)) == (403, "author_elsewhere")
    assert authors() == []


def test_a_token_alone_signs_nobody_in(tablet: Tablet) -> None:
    tablet.client.logout()
    assert tablet.send(tablet.token).status_code == 401


def test_a_system_with_a_key_cannot_speak_for_a_person(tablet: Tablet) -> None:
    forget_keys()
    _, text = issue_key(user=tablet.bob, name="line 3", now=make.NOW)
    system = Client(headers={"Authorization": f"Bearer {text}"})
    assert refusal(tablet.send(tablet.token, client=system)) == (403, "author_elsewhere")


def test_the_author_needs_the_right_to_judge_and_the_token_opens_nothing_else(tablet: Tablet) -> None:
    Membership.objects.filter(user=tablet.alice).delete()
    assert refusal(tablet.send(tablet.token)) == (404, "review_not_found")
    headers = {"X-Verdict-Author": tablet.token}
    tablet.client.logout()
    assert tablet.client.get("/api/v1/queues/", headers=headers).status_code == 401


def test_she_takes_back_under_her_name_and_nobody_takes_back_for_another(tablet: Tablet) -> None:
    said = str(uuid.uuid4())
    tablet.send(tablet.token, client_id=said)
    address, body = reverse("api-undo", args=[said]), {"client_id": str(uuid.uuid4())}
    assert tablet.client.post(address, body, content_type="application/json").status_code == 404
    headers = {"X-Verdict-Author": tablet.token}
    assert tablet.client.post(address, body, content_type="application/json", headers=headers).status_code == 200
    assert authors() == ["alice", "alice"]
