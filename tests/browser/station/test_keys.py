"""Each key of the station, in a real browser on the real server."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from labeling.models import KeyMap, Review
from tests import factories as make
from tests.browser.station_story import (
    Plant,
    is_empty,
    is_ready,
    is_saved,
    notice,
    on_screen,
    open_station,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MANY = tuple((f"kind-{n}", f"Kind {n}", "") for n in range(12))


def look(page: Page, name: str) -> str:
    """A custom property of the stage: how the image is looked at."""
    return str(page.evaluate(f"document.getElementById('shot').style.getPropertyValue('{name}')"))


# ---------- how the image is looked at ----------


def test_zoom_and_place_stay_from_image_to_image(page: Page, live_server: LiveServer, plant: Plant) -> None:
    _, second = plant.parts(2)
    open_station(page, live_server, plant)
    page.keyboard.press("ArrowRight")  # nothing to move yet
    for _ in range(3):
        page.keyboard.press("+")
    assert look(page, "--zoom") == "3"
    page.keyboard.press("-")
    page.keyboard.press("ArrowRight")
    place = look(page, "--x")
    assert place.startswith("-")
    page.keyboard.press("2")
    on_screen(page, second)
    assert (look(page, "--zoom"), look(page, "--x")) == ("2", place)
    box = page.locator(".layer:not([aria-hidden]) img").bounding_box()
    frame = page.locator(".layer:not([aria-hidden]) .frame").bounding_box()
    assert box is not None
    assert frame is not None
    assert box["width"] == pytest.approx(2 * frame["width"])
    page.keyboard.press("0")
    assert look(page, "--zoom") == "1"
    is_saved(page)
    assert [verdict.shown["zoom"] for verdict in plant.verdicts()] == [2]


def test_the_image_is_moved_by_hand_and_never_out_of_its_frame(
    page: Page, live_server: LiveServer, plant: Plant
) -> None:
    plant.part()
    open_station(page, live_server, plant)
    page.keyboard.press("+")
    page.mouse.move(500, 400)
    page.mouse.down()
    page.mouse.move(450, 380, steps=3)
    page.mouse.up()
    assert float(look(page, "--x").rstrip("%")) < 0
    page.mouse.down()
    page.mouse.move(5000, 380, steps=2)
    page.mouse.up()
    assert look(page, "--x") == "25%"  # at one and a half: a quarter to each side
    page.mouse.move(500, 400)
    page.mouse.wheel(0, -300)
    page.wait_for_timeout(50)
    assert float(look(page, "--zoom")) > 1.5


def test_brightness_contrast_inverted_and_pixels(page: Page, live_server: LiveServer, plant: Plant) -> None:
    _, second = plant.parts(2)
    open_station(page, live_server, plant)
    for key in ("]", "]", "[", "}", "}", "{", "i", "p"):
        page.keyboard.press(key)
    assert look(page, "--look") == "brightness(1.1) contrast(1.1) invert(1)"
    image = page.locator(".layer:not([aria-hidden]) img")
    expect(image).to_have_css("image-rendering", "pixelated")
    page.keyboard.press("1")
    on_screen(page, second)
    expect(image).to_have_css("filter", "brightness(1.1) contrast(1.1) invert(1)")
    is_saved(page)
    (verdict,) = plant.verdicts()
    assert verdict.shown["look"] == {"brightness": 1.1, "contrast": 1.1, "invert": True, "pixels": True}


def test_overlays_are_hidden_while_the_key_is_held(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.part()
    open_station(page, live_server, plant)
    page.keyboard.down("h")
    expect(page.locator("body[data-hide]")).to_be_visible()
    page.keyboard.up("h")
    expect(page.locator("body:not([data-hide])")).to_be_visible()


def test_full_screen_and_back(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.part()
    open_station(page, live_server, plant)
    page.keyboard.press("f")
    page.wait_for_timeout(300)
    assert page.evaluate("document.fullscreenElement !== null")
    page.keyboard.press("f")
    page.wait_for_timeout(300)
    assert page.evaluate("document.fullscreenElement === null")


def test_the_golden_sample_stays_beside_the_image(page: Page, live_server: LiveServer, plant: Plant) -> None:
    _, second = plant.parts(2)
    make.make_golden(registered_model=plant.model, label="ok", caption="Certified in October")
    open_station(page, live_server, plant)
    page.keyboard.press("g")
    expect(page.get_by_role("img", name="Golden sample: OK")).to_be_visible()
    expect(page.locator("#golden")).to_contain_text("Certified in October")
    page.keyboard.press("1")
    on_screen(page, second)
    expect(page.locator("#golden")).to_be_visible()
    image, golden = (
        page.locator(".layer:not([aria-hidden]) .frame").bounding_box(),
        page.locator("#golden").bounding_box(),
    )
    assert image is not None
    assert golden is not None
    assert image["x"] >= golden["x"] + golden["width"], "it covers the image"
    page.keyboard.press("g")
    expect(page.locator("#golden")).to_be_hidden()


def test_without_a_golden_sample_it_is_said_who_sets_one(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.part()
    open_station(page, live_server, plant)
    page.keyboard.press("g")
    expect(page.locator("#golden")).to_contain_text("No golden sample yet. An ML lead sets one")


# ---------- what is said ----------


def test_labels_beyond_nine_are_found_by_their_letters(page: Page, live_server: LiveServer) -> None:
    plant = Plant(labels=MANY)
    plant.parts(2, said="kind-3")
    open_station(page, live_server, plant)
    expect(page.locator("[data-label]")).to_have_count(9)
    page.keyboard.press("x")
    page.keyboard.type("kind 11")
    page.keyboard.press("Enter")
    is_ready(page)
    page.get_by_role("button", name="Other label").click()
    page.get_by_role("button", name="Kind 10").click()
    is_empty(page)
    is_saved(page)
    assert [verdict.label.slug for verdict in plant.verdicts() if verdict.label] == ["kind-11", "kind-10"]


def test_a_note_goes_with_the_next_verdict_and_no_other(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.parts(2)
    open_station(page, live_server, plant)
    page.keyboard.press("n")
    page.keyboard.type("12 scratches <b>near</b> the rim")  # digits are letters here, not labels
    page.keyboard.press("Enter")
    expect(page.locator("#remark-state")).to_have_text("This note goes with your next verdict")
    page.keyboard.press("2")
    is_ready(page)
    expect(page.locator("#remark")).to_be_hidden()
    page.keyboard.press("3")
    is_empty(page)
    is_saved(page)
    assert [verdict.note for verdict in plant.verdicts()] == ["12 scratches <b>near</b> the rim", ""]


def test_a_skipped_part_goes_to_others_and_does_not_come_back(
    page: Page, live_server: LiveServer, plant: Plant
) -> None:
    first, second = plant.parts(2)
    open_station(page, live_server, plant)
    page.keyboard.press("s")
    on_screen(page, second)
    notice(page, f"Skipped part {first.inspection.part}. It stays in the queue for others.")
    page.keyboard.press("1")
    is_empty(page)
    expect(page.locator("#message")).to_contain_text("1 part that you skipped waits for somebody.")
    free = Review.objects.get(pk=first.pk)
    assert (free.status, free.claimed_by) == ("open", None)
    page.get_by_role("button", name="Show them again").click()
    on_screen(page, first)
    assert len(plant.verdicts()) == 1


def test_the_last_verdicts_are_listed_and_changed_in_place(page: Page, live_server: LiveServer, plant: Plant) -> None:
    first, second = plant.parts(2)
    plant.part()
    open_station(page, live_server, plant)
    page.keyboard.press("3")
    on_screen(page, second)
    page.keyboard.press("1")
    is_ready(page)
    page.get_by_label("Menu").click()
    page.get_by_role("button", name="Your last verdicts").click()
    expect(page.locator("#last li")).to_contain_text(["OK", "Dent"])
    page.get_by_role("button", name=f"Change dent on part {first.inspection.part}").click()
    page.locator("#choose").get_by_role("button", name="Hole").click()
    notice(page, f"Changed to hole on part {first.inspection.part}")
    is_saved(page)
    dent, _, hole = plant.verdicts()
    assert (hole.review, hole.supersedes, hole.label and hole.label.slug) == (first, dent, "hole")
    assert hole.shown["changes"] == str(dent.client_id)
    is_ready(page)  # what was on screen still is
    expect(page.locator("#undo")).to_contain_text("Undo OK")


# ---------- keys of one's own ----------


def test_a_key_of_ones_own_is_printed_and_works(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.parts(2)
    open_station(page, live_server, plant)
    page.keyboard.press("?")
    page.get_by_role("button", name="Change the key of Unsure").click()
    page.keyboard.press("2")
    expect(page.locator("#keys-said")).to_have_text("2 is the key of “Scratch”.")
    page.get_by_role("button", name="Change the key of Unsure").click()
    page.keyboard.press("q")
    expect(page.locator("#keys-said")).to_have_text("Unsure is Q now")
    page.keyboard.press("Escape")
    expect(page.locator("#unsure .key")).to_have_text("Q")
    page.keyboard.press("u")  # means nothing any more
    page.keyboard.press("q")
    is_ready(page)
    is_saved(page)
    assert [verdict.kind for verdict in plant.verdicts()] == ["unsure"]
    assert KeyMap.objects.get().keys == {"unsure": "q"}
    page.reload()
    is_ready(page)
    expect(page.locator("#unsure .key")).to_have_text("Q")


def test_what_is_printed_on_the_caps_is_what_the_keys_do(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.part()
    open_station(page, live_server, plant)
    for button, cap in {"OK": "1", "Dent": "3", "Unsure": "U", "Bad image": "B"}.items():
        expect(page.get_by_role("button", name=re.compile(rf"{button}")).locator(".key").first).to_have_text(cap)
