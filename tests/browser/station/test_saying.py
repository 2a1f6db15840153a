"""Saying what a part is, in a real browser on the real server."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.browser.station_story import (
    Plant,
    is_empty,
    is_ready,
    is_saved,
    on_screen,
    open_station,
    sign_in,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_one_key_is_a_verdict_and_the_next_part_is_there(page: Page, live_server: LiveServer, plant: Plant) -> None:
    first, second = plant.parts(2)
    open_station(page, live_server, plant)
    on_screen(page, first)
    page.keyboard.press("3")
    on_screen(page, second)
    is_saved(page)
    (verdict,) = plant.verdicts()
    assert (verdict.review, verdict.kind, verdict.phase, verdict.reviewer) == (first, "label", "shown", plant.alice)
    assert verdict.label is not None
    assert verdict.label.slug == "dent"
    assert verdict.said_at - verdict.shown_at >= timedelta(milliseconds=250)
    assert verdict.shown["suggestion"]["label"] == "scratch"
    assert verdict.shown["image"] == "painted"
    assert [url.split("/")[4] for url in verdict.shown["items"]] == [
        str(item.public_id) for item in first.inspection.items.all()
    ]


def test_a_touch_on_a_label_and_enter_for_the_suggestion(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.parts(3)
    open_station(page, live_server, plant)
    page.locator("[data-label=hole]").click()
    is_ready(page)
    page.keyboard.press("Enter")  # the button that was touched does not keep the focus
    is_ready(page)
    page.get_by_role("button", name="Scratch, as suggested").click()
    is_empty(page)
    is_saved(page)
    assert [verdict.label.slug for verdict in plant.verdicts() if verdict.label] == ["hole", "scratch", "scratch"]


def test_without_suggestions_by_policy_enter_does_nothing(page: Page, live_server: LiveServer) -> None:
    plant = Plant(review={"allow_suggestion": False})
    plant.part()
    open_station(page, live_server, plant)
    expect(page.locator("#suggested")).to_have_count(0)
    page.keyboard.press("Enter")
    page.keyboard.press("2")
    is_empty(page)
    is_saved(page)
    assert len(plant.verdicts()) == 1


def test_unsure_and_bad_image(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.parts(2)
    open_station(page, live_server, plant)
    page.keyboard.press("u")
    is_ready(page)
    page.keyboard.press("b")
    is_empty(page)
    is_saved(page)
    assert [(verdict.kind, verdict.label) for verdict in plant.verdicts()] == [("unsure", None), ("bad_image", None)]


def test_a_blind_part_hides_the_prediction_on_the_wire_too(page: Page, live_server: LiveServer, plant: Plant) -> None:
    blind = plant.part(blind=True)
    plant.part()
    sign_in(page, live_server)
    with page.expect_response(re.compile("/reviews/claim/")) as claimed:
        page.goto(plant.url)
    payload = next(one for one in claimed.value.json()["reviews"] if one["id"] == blind.pk)
    assert payload["prediction"] is None
    assert "scratch" not in json.dumps(payload).lower()
    on_screen(page, blind)
    expect(page.locator("#what")).to_have_text("Hidden")
    expect(page.locator("#suggested")).not_to_be_visible()
    place = page.get_by_role("button", name="Dent").bounding_box()
    page.keyboard.press("Enter")  # there is nothing to take over
    on_screen(page, blind)
    page.keyboard.press("1")
    is_ready(page)
    expect(page.locator("#what")).to_have_text("Scratch")
    assert page.get_by_role("button", name="Dent").bounding_box() == place, "a label moved"
    is_saved(page)
    (verdict,) = plant.verdicts()
    assert (verdict.phase, verdict.shown["suggestion"]) == ("blind", None)


def test_first_labels_are_given_before_there_is_a_model(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.part(reason="first_labels")
    open_station(page, live_server, plant)
    expect(page.locator("#what")).to_have_text("None yet")
    page.keyboard.press("4")
    is_empty(page)
    is_saved(page)
    (verdict,) = plant.verdicts()
    assert verdict.label is not None
    assert verdict.label.slug == "stain"


def test_a_part_that_waits_comes_first_and_shows_how_long(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.parts(4)
    open_station(page, live_server, plant)
    waiting = plant.part(mode="blocking")
    page.keyboard.press("1")
    is_saved(page)
    is_ready(page)
    page.wait_for_timeout(300)  # the queue is filled up after each verdict
    page.keyboard.press("1")
    on_screen(page, waiting)
    expect(page.locator("#due")).to_contain_text(re.compile(r"Part waits: 8:\d\d left"))


def test_all_views_of_a_part_are_on_screen(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.part(views=["top", "side"])
    open_station(page, live_server, plant)
    expect(page.locator("#shot img")).to_have_count(2)
