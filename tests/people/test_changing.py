"""People change at a registered screen: a new session, narrower than one with a password, and written down."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from labeling import memory
from labeling.models import Badge, Membership, Review, Station, StationDevice, Switch
from labeling.people.passes import set_pin
from labeling.people.tries import clear_tries
from models_registry.models import ModelVersion
from tests import factories as make

pytestmark = pytest.mark.django_db


class Line:
    """A station, its screen, alice and bob who judge there, and charlie who does not."""

    def __init__(self) -> None:
        memory.forget()
        self.version: ModelVersion = make.make_version()
        self.station: Station = make.make_station()
        self.alice, self.bob = (make.make_inspector_at(self.station, name) for name in ("alice", "bob"))
        for one in (self.alice, self.bob):
            Membership.objects.create(user=one, role="inspector", registered_model=self.version.registered_model)
        make.make_deployment(station=self.station, version=self.version)
        self.client = Client()
        self.device: StationDevice = make.make_device(station=self.station, client=self.client)
        self.url = reverse("change-person", args=[self.station.slug])

    def take(self, client: Any = None, **said: Any) -> Any:
        return (client or self.client).post(self.url, said, headers={"Accept": "application/json"})

    def by_pin(self, user: User, secret: str = make.PIN, **said: Any) -> Any:
        return self.take(person=user.pk, secret=secret, **said)

    def holds(self, user: User) -> Review:
        return make.make_review(
            registered_model=self.version.registered_model,
            inspection=make.make_inspection(station=self.station),
            claimed_by=user,
            claim_expires_at=timezone.now() + timedelta(minutes=5),
        )


@pytest.fixture
def line() -> Line:
    return Line()


def signed_in(client: Client) -> int | None:
    user = client.get("/me/").context
    return user["user"].pk if user else None


def test_a_person_takes_the_screen_by_name_and_pin(line: Line) -> None:
    answer = line.by_pin(line.alice)
    assert (answer.status_code, answer.json()) == (200, {"url": f"/review/station/{line.station.slug}/"})
    assert signed_in(line.client) == line.alice.pk
    row = Switch.objects.get()
    assert (row.device, row.station, row.left, row.came, row.method) == (
        line.device, line.station, None, line.alice, "pin",
    )  # fmt: skip


def test_the_next_one_comes_by_badge_with_a_session_of_their_own(line: Line) -> None:
    make.make_badge(line.bob, make.BADGE)
    line.client.force_login(line.alice)
    session = line.client.session
    session["something"] = "of alice's"
    session.save()
    assert line.take(secret=f"%{make.BADGE}?").status_code == 200
    assert signed_in(line.client) == line.bob.pk
    assert line.client.session.session_key != session.session_key
    assert "something" not in line.client.session
    assert not session.exists(str(session.session_key))
    row = Switch.objects.get()
    assert (row.left, row.came, row.method) == (line.alice, line.bob, "badge")


def test_who_leaves_gives_back_what_they_hold_but_for_what_is_said_and_not_sent(line: Line) -> None:
    line.client.force_login(line.alice)
    held, said, of_bob = line.holds(line.alice), line.holds(line.alice), line.holds(line.bob)
    line.by_pin(line.bob, keep=f"{said.pk},nonsense,-4,{10**30}")
    holders = {one.pk: one.claimed_by for one in Review.objects.all()}
    assert holders == {held.pk: None, said.pk: line.alice, of_bob.pk: line.bob}


@pytest.mark.parametrize(
    "said",
    [{}, {"secret": "8050"}, {"secret": "unknown-badge"}, {"person": "x", "secret": "4711"},
     {"person": str(10**30), "secret": "4711"}, {"secret": "\x00" * 9}, {"person": "-1", "secret": "4711"}],
)  # fmt: skip
def test_nothing_that_is_wrong_signs_anybody_in_and_all_of_it_counts(line: Line, said: dict[str, str]) -> None:
    answer = line.take(**said)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_recognised")
    assert signed_in(line.client) is None
    line.device.refresh_from_db()
    assert line.device.n_failed == 1
    assert not Switch.objects.exists()


def test_a_wrong_pin_and_an_unknown_person_are_answered_alike(line: Line) -> None:
    make.make_pin(make.make_user("charlie"))  # has a PIN, but judges nothing here
    answers = [line.by_pin(line.alice, "8050"), line.by_pin(make.make_user("charlie")), line.by_pin(User(pk=9_999_999))]
    assert {answer.content for answer in answers} == {answers[0].content}
    assert {answer.status_code for answer in answers} == {403}


def test_elsewhere_a_pin_opens_nothing(line: Line) -> None:
    elsewhere = Client()
    answer = line.take(elsewhere, person=line.alice.pk, secret=make.PIN)
    assert (answer.status_code, elsewhere.get(line.url).status_code) == (403, 403)
    assert signed_in(elsewhere) is None
    other = make.make_device(client=elsewhere)
    assert line.take(elsewhere, person=line.alice.pk, secret=make.PIN).status_code == 403
    assert elsewhere.get(reverse("change-person", args=[other.station.slug])).status_code == 200


def test_a_screen_locks_after_twenty_wrong_badges(line: Line) -> None:
    for n in range(20):
        assert line.take(secret=f"guess-{n:06}").status_code == 403
    make.make_badge(line.bob, make.BADGE)
    answer = line.take(secret=make.BADGE)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "too_many_tries")
    clear_tries(line.device)
    assert line.take(secret=make.BADGE).status_code == 200


def test_a_pin_opens_judging_and_neither_the_admin_nor_a_decision(line: Line) -> None:
    User.objects.filter(pk=line.alice.pk).update(is_superuser=True, is_staff=True)
    line.by_pin(line.alice)
    model = line.version.registered_model
    assert line.client.get(reverse("station", args=[model.slug])).status_code == 200
    assert line.client.get("/admin/").status_code == 302
    assert line.client.get(reverse("screens", args=[line.station.slug])).status_code == 403
    assert line.client.post(reverse("retrain", args=[model.slug]), {"reason": "x"}).status_code == 403
    body = {"budget": 0.2}
    address = reverse("api-designs", args=[model.slug])
    assert line.client.post(address, body, content_type="application/json").status_code == 403
    line.client.post("/me/pin/", {"password": make.PASSWORD, "pin": "8052"})
    assert line.by_pin(line.alice, "8052").status_code == 403


def revoke_device(line: Line) -> None:
    StationDevice.objects.update(revoked_at=timezone.now())


def change_pin(line: Line) -> None:
    set_pin(user=line.alice, pin="8052", now=timezone.now())


def revoke_badge(line: Line) -> None:
    Badge.objects.update(revoked_at=timezone.now())


def deactivate(line: Line) -> None:
    User.objects.update(is_active=False)


@pytest.mark.parametrize(
    ("by_badge", "end"),
    [(False, revoke_device), (False, change_pin), (True, revoke_badge), (True, revoke_device), (True, deactivate)],
)
def test_the_session_is_over_with_what_opened_it(line: Line, by_badge: bool, end: Any) -> None:
    make.make_badge(line.alice, make.BADGE)
    assert (line.take(secret=make.BADGE) if by_badge else line.by_pin(line.alice)).status_code == 200
    assert line.client.get("/api/v1/queues/").status_code == 200
    end(line)
    memory.forget()  # or two seconds later
    assert line.client.get("/api/v1/queues/").status_code == 401
    assert line.client.get("/me/").status_code == 302


def test_the_screen_shows_those_who_judge_there_and_have_a_pin(line: Line) -> None:
    make.make_pin(make.make_user("charlie"))
    make.make_inspector_at(make.make_station(), "elsewhere")
    make.make_member(user=make.make_user("pinless"), registered_model=line.version.registered_model)
    page = line.client.get(line.url)
    assert [one.username for one in page.context["people"]] == ["alice", "bob"]
    assert 'name="person"' in page.content.decode()


def test_without_a_script_a_refusal_is_a_page_and_success_leads_on(line: Line) -> None:
    refused = line.client.post(line.url, {"person": line.alice.pk, "secret": "8050"})
    assert refused.status_code == 403
    assert "not known at this station" in refused.content.decode()
    done = line.client.post(line.url, {"person": line.alice.pk, "secret": make.PIN, "next": "/review/x/"})
    assert (done.status_code, done["Location"]) == (302, "/review/x/")
    away = line.client.post(line.url, {"person": line.alice.pk, "secret": make.PIN, "next": "https://evil.example/"})
    assert away["Location"] == f"/review/station/{line.station.slug}/"


def test_the_login_leads_to_badge_and_pin_at_a_registered_screen_only(line: Line) -> None:
    page = line.client.get("/login/?next=/review/x/").content.decode()
    assert f'href="{line.url}?next=/review/x/"' in page
    assert 'value="/review/x/"' in line.client.get(f"{line.url}?next=/review/x/").content.decode()
    assert line.url not in Client().get("/login/").content.decode()


def test_a_change_needs_the_pages_token(line: Line) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = line.client.cookies
    assert line.take(strict, person=line.alice.pk, secret=make.PIN).status_code == 403
    assert not Switch.objects.exists()


def test_a_lead_registers_the_screen_and_it_stays_registered_for_nobody_else(line: Line) -> None:
    lena, browser = make.make_member("lead", registered_model=line.version.registered_model), Client()
    browser.force_login(lena)
    address = reverse("screens", args=[line.station.slug])
    assert browser.get(address).status_code == 200
    answer = browser.post(address, {"name": "  Tablet  at the press "})
    cookie = answer.cookies["reviewapp_device"]
    assert (answer.status_code, cookie["httponly"], cookie["samesite"]) == (302, True, "Lax")
    device = StationDevice.objects.get(name="Tablet at the press")
    assert (device.registered_by, cookie.value in device.digest) == (lena, False)
    assert line.take(browser, person=line.alice.pk, secret=make.PIN).status_code == 200
    browser.force_login(line.alice)
    assert browser.post(address, {"name": "mine"}).status_code == 403
    browser.force_login(make.make_user("charlie"))
    assert browser.get(address).status_code == 404
