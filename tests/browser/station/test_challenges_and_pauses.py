"""At the station: a settled part is challenged, the answer is read there, and a pause is calm and holds nothing."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from labeling.models import Challenge, Review
from labeling.people.pauses import end_pause
from tests import factories as make
from tests.browser.axe import findings
from tests.browser.station_story import Plant, is_empty, is_ready, is_saved, notice, open_station
from tests.labeling.test_adjudication import say


def test_a_settled_part_is_challenged_and_the_answer_is_read_there(
    page: Page, live_server: LiveServer, plant: Plant
) -> None:
    plant.part()
    open_station(page, live_server, plant)
    page.keyboard.press("2")
    is_empty(page)
    is_saved(page)
    make.make_reveal(review=Review.objects.get(), person=plant.alice, was_decided=True)  # no change any more
    page.reload()
    page.get_by_role("button", name="Challenge scratch on part 88213").click()
    page.get_by_role("button", name="Ask for a second opinion").click()  # the browser asks for a reason
    assert not Challenge.objects.exists()
    assert findings(page, "challenge") == []
    page.get_by_label("What is wrong with it").fill("The line is the rim")
    page.get_by_role("button", name="Ask for a second opinion").click()
    notice(page, "Challenged: part 88213.")
    expect(page.locator("#recent li p")).to_have_text("Challenged: it waits for somebody who has not spoken.")
    assert Challenge.objects.get().reason == "The line is the rim"

    lena = make.make_member("adjudicator", user=make.make_user("lena"), registered_model=plant.model)
    say(lena, Review.objects.get(reason="adjudication"), "ok", note="Rim, not a scratch")
    page.reload()
    expect(page.locator("#recent li p")).to_have_text("Settled as OK: “Rim, not a scratch”")


def test_a_pause_gives_everything_back_and_says_since_when(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.parts(3)
    open_station(page, live_server, plant)
    page.get_by_label("Menu").click()
    page.get_by_role("button", name="Begin a pause").click()
    expect(page.get_by_role("heading", name="Paused since")).to_be_visible()
    assert not Review.objects.filter(claimed_by__isnull=False).exists()
    page.keyboard.press("2")
    page.reload()
    expect(page.get_by_role("heading", name="Paused since")).to_be_visible()
    assert findings(page, "paused") == []
    assert plant.verdicts() == []

    page.get_by_role("button", name="Resume").click()
    is_ready(page)
    assert Review.objects.filter(claimed_by=plant.alice).count() == 3
    assert not end_pause(user=plant.alice, now=make.NOW)
