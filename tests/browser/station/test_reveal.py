"""What the model said of a part that was judged blind: shown to who asks, and from then on the first word stands."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from labeling.models import GroundTruth, Reveal
from tests import factories as make
from tests.browser.station_story import Plant, is_ready, is_saved, notice, open_station

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def judged_blind(page: Page, live_server: LiveServer, plant: Plant, *, key: str) -> None:
    """The model says scratch; somebody says otherwise, or the same, without having seen it."""
    first, _ = plant.part(blind=True), plant.part(blind=True)
    open_station(page, live_server, plant)
    is_ready(page)
    assert first.prediction is not None
    page.keyboard.press(key)
    is_saved(page)


def test_a_difference_is_shown_written_down_and_can_be_revised_beside_the_first_word(
    page: Page, live_server: LiveServer, plant: Plant
) -> None:
    judged_blind(page, live_server, plant, key="3")
    page.keyboard.press("c")
    expect(page.locator("#choose-title")).to_contain_text("you said dent, the model says scratch")
    page.locator("#choose-list button", has_text="Scratch").click()
    notice(page, "The first one is what counts.")
    is_saved(page)

    words = [(one.phase, one.label.slug) for one in plant.verdicts() if one.label]
    assert words == [("blind", "dent"), ("revealed", "scratch")]
    truth = GroundTruth.objects.get().label
    assert truth is not None
    assert truth.slug == "dent"
    assert Reveal.objects.get().was_decided
    expect(page.locator("#undo")).to_have_attribute("aria-disabled", "true")  # nothing blind could be said any more


def test_kept_is_kept_and_where_both_say_the_same_nothing_stands_in_the_way_of_undo(
    page: Page, live_server: LiveServer, plant: Plant
) -> None:
    judged_blind(page, live_server, plant, key="2")
    page.keyboard.press("c")
    notice(page, "The model says so too")
    assert not Reveal.objects.exists()
    expect(page.locator("#undo")).to_have_attribute("aria-disabled", "false")

    is_ready(page)
    page.keyboard.press("3")
    is_saved(page)
    page.keyboard.press("c")
    page.locator("#choose-list button", has_text="Keep dent").click()
    notice(page, "Kept: dent")
    assert [one.phase for one in plant.verdicts()] == ["blind", "blind"]


def test_what_was_judged_with_the_prediction_has_nothing_to_reveal(
    page: Page, live_server: LiveServer, plant: Plant
) -> None:
    plant.parts(2)
    open_station(page, live_server, plant)
    page.keyboard.press("2")
    is_saved(page)
    page.keyboard.press("c")
    notice(page, "after a label that was said blind")
    assert not Reveal.objects.exists()


def test_what_was_drawn_and_what_was_predicted_lie_on_the_part_once_more(
    page: Page, live_server: LiveServer, plant: Plant
) -> None:
    for _ in range(2):
        plant.part(blind=True, findings=make.drawn(make.a_box(80, 120, 200, 90)))
    open_station(page, live_server, plant)
    for key in ("r", "b", "Enter", "3", "Escape", "3"):
        page.keyboard.press(key)
    is_saved(page)
    page.keyboard.press("c")
    expect(page.locator("#choose .picture .tag")).to_have_text(["You: Dent", "Model: Scratch"])
    image = page.locator("#choose .picture img")
    expect(image).to_be_visible()
    assert image.evaluate("image => image.naturalWidth") == 640
    line = page.locator("#choose .voice-model .box-line").bounding_box()
    frame = image.bounding_box()
    assert line is not None
    assert frame is not None
    assert frame["x"] < line["x"] < frame["x"] + frame["width"] / 2
    page.locator("#choose-list button", has_text="Keep dent").click()
    notice(page, "Kept: dent")
