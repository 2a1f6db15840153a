"""Offline, signed out, too late: no verdict is lost, in a real browser on the real server."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from labeling.models import Review, Verdict
from tests import factories as make
from tests.browser.station_story import (
    VERDICTS,
    Plant,
    is_ready,
    is_saved,
    notice,
    on_screen,
    open_station,
    sign_in,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_offline_the_work_goes_on_and_is_sent_when_the_line_is_back(
    page: Page, live_server: LiveServer, plant: Plant
) -> None:
    plant.parts(6)
    open_station(page, live_server, plant)
    expect(page.locator("#waiting")).to_have_text("6 waiting")
    expect(page.locator("#shot .layer")).to_have_count(5)  # the four ahead are decoded
    page.context.set_offline(True)
    page.keyboard.press("2")
    is_ready(page)
    page.keyboard.press("3")
    is_ready(page)
    expect(page.locator("#line")).to_have_text("Offline")
    notice(page, "No connection. 2 verdicts are kept here, 3 images ready.")
    for key in "145":
        is_ready(page)
        page.keyboard.press(key)
    expect(page.get_by_role("heading", name="Nothing more on this device")).to_be_visible()
    assert plant.verdicts() == []
    page.context.set_offline(False)
    is_saved(page)
    is_ready(page)  # the sixth
    said = [verdict.label.slug for verdict in plant.verdicts() if verdict.label]
    assert said == ["scratch", "dent", "ok", "stain", "hole"]
    notice(page, "Connected again. All verdicts are saved.")


def test_an_undo_without_a_line_takes_back_what_was_not_sent(page: Page, live_server: LiveServer, plant: Plant) -> None:
    first, _ = plant.parts(2)
    open_station(page, live_server, plant)
    page.wait_for_timeout(300)
    page.context.set_offline(True)
    page.keyboard.press("2")
    expect(page.locator("#line")).to_have_text("Offline")
    page.keyboard.press("z")
    on_screen(page, first)
    page.keyboard.press("5")
    is_ready(page)
    page.context.set_offline(False)
    is_saved(page)
    standing = Verdict.objects.current().get(review=first)
    assert standing.label is not None
    assert standing.label.slug == "hole"


def test_a_reload_sends_what_the_server_refused_to_take(page: Page, live_server: LiveServer, plant: Plant) -> None:
    first, second = plant.parts(2)
    open_station(page, live_server, plant)
    page.route(
        VERDICTS, lambda route: route.fulfill(status=503, json={"error": {"code": "busy", "message": "", "fields": {}}})
    )
    page.keyboard.press("2")
    notice(page, "The server does not answer. 1 verdict is kept here.")
    expect(page.locator("#line")).to_have_text("1 unsent")
    page.unroute(VERDICTS)
    page.reload()
    on_screen(page, second)
    is_saved(page)
    (verdict,) = plant.verdicts()
    assert verdict.review == first


def test_a_session_that_ended_keeps_the_verdict_until_the_sign_in(
    page: Page, live_server: LiveServer, plant: Plant
) -> None:
    plant.parts(2)
    open_station(page, live_server, plant)
    page.context.clear_cookies(name="sessionid")
    page.keyboard.press("2")
    notice(page, "You are signed out. 1 verdict is kept here. Sign in")
    assert plant.verdicts() == []
    sign_in(page, live_server)
    page.goto(plant.url)
    is_saved(page)
    is_ready(page)
    assert len(plant.verdicts()) == 1


def test_nobody_speaks_in_the_name_of_who_signed_in_later(page: Page, live_server: LiveServer, plant: Plant) -> None:
    make.make_member("inspector", user=make.make_user("bob"), registered_model=plant.model)
    plant.parts(2)
    open_station(page, live_server, plant)
    page.context.clear_cookies(name="sessionid")
    other_tab = page.context.new_page()
    other_tab.goto(f"{live_server.url}/login/?next=/admin/login/")  # a sign-in as it happens, with a new token
    other_tab.locator("input[name=username]").fill("bob")
    other_tab.locator("input[name=password]").fill(make.PASSWORD)
    other_tab.locator("form button[type=submit]").first.click()
    other_tab.wait_for_function("!location.pathname.startsWith('/login/')")
    page.bring_to_front()
    page.keyboard.press("2")
    notice(page, "Somebody else signed in on this browser. 1 verdict is kept here.")
    assert plant.verdicts() == []


def test_a_lost_lease_is_said_and_the_verdict_is_kept(page: Page, live_server: LiveServer, plant: Plant) -> None:
    bob = make.make_member("inspector", user=make.make_user("bob"), registered_model=plant.model)
    first, _ = plant.parts(2)
    open_station(page, live_server, plant)
    Review.objects.filter(pk=first.pk).update(claimed_by=bob, claim_expires_at=timezone.now() + timedelta(minutes=5))
    page.keyboard.press("2")
    notice(page, "The part went to a colleague meanwhile. Your verdict is kept too.")
    (verdict,) = plant.verdicts()
    assert (verdict.review, verdict.lease_lost) == (first, True)


def test_a_lease_that_ran_out_is_said_before_the_verdict(page: Page, live_server: LiveServer) -> None:
    plant = Plant(review={"lease_seconds": 10})
    bob = make.make_member("inspector", user=make.make_user("bob"), registered_model=plant.model)
    first = plant.part()
    open_station(page, live_server, plant)
    Review.objects.filter(pk=first.pk).update(claimed_by=bob, claim_expires_at=timezone.now() + timedelta(minutes=5))
    notice(page, "The time for this part ran out, so it may be with a colleague. Your verdict is kept too.")
    on_screen(page, first)


def test_what_cannot_be_stored_is_said(page: Page, live_server: LiveServer, plant: Plant) -> None:
    first, _ = plant.parts(2)
    open_station(page, live_server, plant)
    Review.objects.filter(pk=first.pk).update(status="cancelled", claimed_by=None, claim_expires_at=None)
    page.keyboard.press("2")
    notice(page, f"Not stored: scratch on part {first.inspection.part}. This review was cancelled meanwhile.")


def test_leaving_gives_the_parts_back(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.parts(6)
    open_station(page, live_server, plant)
    assert Review.objects.filter(claimed_by=plant.alice).count() == 5
    page.goto("/healthz")
    for _ in range(50):
        if not Review.objects.filter(claimed_by=plant.alice).exists():
            return
        page.wait_for_timeout(100)
    pytest.fail("the parts are still held")
