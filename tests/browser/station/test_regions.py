"""Regions at the station: seen, kept, moved, drawn and taken away, by keys, by mouse and by taps."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Request, expect
from pytest_django.live_server_helper import LiveServer

from labeling.images.heat import check_heatmap, receive_heatmap
from tests import factories as make
from tests.browser.station_story import Plant, is_empty, is_ready, is_saved, on_screen, open_station

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SCRATCH = make.a_box(80, 120, 200, 90, confidence=0.87)
DENT = make.a_box(400, 50, 100, 80, label="dent", confidence=0.4)


def said(plant: Plant) -> list[dict[str, Any]]:
    """The regions of the only verdict."""
    (verdict,) = plant.verdicts()
    return [region for view in verdict.findings for region in view["regions"]]


def rows(page: Page) -> Locator:
    return page.locator("#region-list button")


def at(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where a pixel of the image (640 by 480) is on the screen."""
    box = page.locator(".layer:not([aria-hidden]) .plate").bounding_box()
    assert box is not None
    return box["x"] + x / 640 * box["width"], box["y"] + y / 480 * box["height"]


def tap(page: Page, x: float, y: float) -> None:
    page.mouse.click(*at(page, x, y))


def near(one: list[float], *sides: float) -> bool:
    return all(abs(a - b) < 3 for a, b in zip(one, sides, strict=True))


def test_boxes_lie_on_the_image_by_their_corners_and_are_kept_by_one_key(
    page: Page, live_server: LiveServer, plant: Plant
) -> None:
    plant.part(findings=make.drawn(SCRATCH, DENT))
    open_station(page, live_server, plant)
    expect(page.locator(".tag")).to_have_text(["Scratch 87 %", "Dent 40 %"])
    hit = page.locator('.region[data-at="0"] .hit').bounding_box()
    assert hit is not None
    assert abs(hit["x"] - at(page, 80, 120)[0]) < 1
    assert abs(hit["y"] - at(page, 80, 120)[1]) < 1
    page.keyboard.press("Enter")
    is_empty(page)
    is_saved(page)
    assert [(one["origin"], one["label"], one["predicted"]) for one in said(plant)] == [
        ("kept", "scratch", 0), ("kept", "dent", 1),
    ]  # fmt: skip


def test_tags_keep_their_size_while_boxes_grow_with_the_image(
    page: Page, live_server: LiveServer, plant: Plant
) -> None:
    plant.part(findings=make.drawn(SCRATCH))
    open_station(page, live_server, plant)
    tag, before = _sizes(page)
    page.keyboard.press("+")
    tag_later, after = _sizes(page)
    assert abs(tag_later - tag) < 0.5
    assert abs(after - 1.5 * before) < 1


def _sizes(page: Page) -> tuple[float, float]:
    """The height of a tag and the width of a box on the screen."""
    tag, box = (page.locator(one).bounding_box() for one in (".tag", ".hit"))
    assert tag is not None
    assert box is not None
    return tag["height"], box["width"]


def test_overlays_are_hidden_while_h_is_held_and_off_says_nothing_of_regions(
    page: Page, live_server: LiveServer, plant: Plant
) -> None:
    plant.part(findings=make.drawn(SCRATCH))
    open_station(page, live_server, plant)
    page.keyboard.down("h")
    expect(page.locator(".tag")).to_be_hidden()
    page.keyboard.up("h")
    expect(page.locator(".tag")).to_be_visible()
    page.locator(".overlays").get_by_role("button", name="Off").click()
    expect(page.locator(".tag")).to_be_hidden()
    page.keyboard.press("Enter")
    is_empty(page)
    is_saved(page)
    assert plant.verdicts()[0].findings == []
    assert plant.verdicts()[0].shown["overlay"] == "off"


def test_on_a_good_part_the_boxes_are_taken_away_and_the_only_box_takes_the_label_said(
    page: Page, live_server: LiveServer, plant: Plant
) -> None:
    first, second = (plant.part(findings=make.drawn(SCRATCH)) for _ in range(2))
    open_station(page, live_server, plant)
    on_screen(page, first)
    page.keyboard.press("1")
    on_screen(page, second)
    page.keyboard.press("3")
    is_empty(page)
    is_saved(page)
    told = [verdict.findings[0]["regions"][0] for verdict in plant.verdicts()]
    assert [(one["origin"], one["label"]) for one in told] == [("removed", "scratch"), ("kept", "dent")]


def test_a_box_is_drawn_moved_resized_and_named_by_keys_alone(
    page: Page, live_server: LiveServer, plant: Plant
) -> None:
    plant.part()
    open_station(page, live_server, plant)
    for key in ("r", "b", "Enter", "ArrowRight", "ArrowRight", "Shift+ArrowDown", "5", "Escape"):
        page.keyboard.press(key)
    expect(page.locator("#regions")).to_be_hidden()
    assert plant.verdicts() == []  # no key said what the part is
    page.keyboard.press("5")
    is_empty(page)
    is_saved(page)
    (one,) = said(plant)
    assert (one["origin"], one["label"]) == ("added", "hole")
    assert near(one["box"], 256 + 4, 192, 128, 96 + 2)


def test_two_taps_make_a_box_and_taps_an_outline(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.part()
    open_station(page, live_server, plant)
    page.get_by_role("button", name="Edit", exact=False).first.click()
    page.get_by_role("button", name="New box").click()
    tap(page, 100, 100)
    tap(page, 220, 160)
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="New outline").click()
    for x, y in ((300, 300), (400, 300), (350, 380), (300, 300)):
        tap(page, x, y)
    expect(rows(page)).to_have_count(2)
    page.locator("[data-region-label=dent]").click()
    page.get_by_role("button", name="Done").click()
    page.keyboard.press("2")
    is_empty(page)
    is_saved(page)
    box, outline = said(plant)
    assert near(box["box"], 100, 100, 120, 60)
    assert (box["label"], outline["label"], len(outline["polygon"])) == ("scratch", "dent", 3)


def test_a_stroke_makes_a_box_and_moves_one(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.part(findings=make.drawn(SCRATCH))
    open_station(page, live_server, plant)
    page.keyboard.press("r")
    _stroke(page, (180, 160), (220, 200))
    page.keyboard.press("b")
    _stroke(page, (400, 300), (500, 400))
    expect(rows(page)).to_have_count(2)
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    is_empty(page)
    is_saved(page)
    moved, added = said(plant)
    assert (moved["origin"], moved["predicted"], added["origin"]) == ("moved", 0, "added")
    assert near(moved["box"], 120, 160, 200, 90)
    assert near(added["box"], 400, 300, 100, 100)


def _stroke(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*at(page, *start))
    page.mouse.down()
    page.mouse.move(*at(page, *end), steps=5)
    page.mouse.up()


def test_what_is_not_there_is_taken_away_and_undo_brings_it_back(
    page: Page, live_server: LiveServer, plant: Plant
) -> None:
    plant.part(findings=make.drawn(SCRATCH, DENT))
    open_station(page, live_server, plant)
    page.keyboard.press("r")
    page.keyboard.press("Tab")  # the second region
    page.keyboard.press("Delete")
    expect(rows(page).nth(1)).to_contain_text("not there")
    page.keyboard.press("z")
    expect(rows(page).nth(1)).to_contain_text("as predicted")
    page.keyboard.press("Delete")
    page.keyboard.press("Escape")
    expect(page.locator(".tag.removed")).to_be_hidden()
    page.keyboard.press("Enter")
    is_empty(page)
    is_saved(page)
    assert [one["origin"] for one in said(plant)] == ["kept", "removed"]


def test_undo_of_the_verdict_shows_the_part_with_what_was_done_to_its_regions(
    page: Page, live_server: LiveServer, plant: Plant
) -> None:
    part = plant.part(findings=make.drawn(SCRATCH))
    open_station(page, live_server, plant)
    for key in ("r", "Delete", "Escape", "3"):
        page.keyboard.press(key)
    is_empty(page)
    is_saved(page)
    page.keyboard.press("z")
    on_screen(page, part)
    page.keyboard.press("r")
    expect(rows(page)).to_contain_text(["not there"])


def test_a_blind_review_carries_and_shows_no_region(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.part(findings=make.drawn(SCRATCH), blind=True)
    told: list[str] = []
    page.on("requestfinished", lambda request: _keep(request, told))
    open_station(page, live_server, plant)
    expect(page.locator(".region, .tag, .heat")).to_have_count(0)
    page.keyboard.press("r")
    expect(page.get_by_text("None on this part.")).to_be_visible()
    reviews = [review for one in told for review in json.loads(one)["reviews"]]
    assert reviews
    assert all(review["prediction"] is None for review in reviews)
    for one in told:
        assert "0.87" not in one
        assert "regions" not in one


def _keep(request: Request, told: list[str]) -> None:
    if request.url.endswith("/claim/"):
        answer = request.response()
        if answer is not None:
            told.append(answer.text())


def test_markup_in_a_regions_label_is_text(page: Page, live_server: LiveServer, plant: Plant) -> None:
    evil = '<img src=x onerror="document.title=1">'
    plant.part(findings=make.drawn(make.a_box(80, 120, 200, 90, label=evil)))
    open_station(page, live_server, plant)
    expect(page.locator(".tag")).to_have_text([f"{evil} 90 %"])
    page.keyboard.press("r")
    expect(rows(page)).to_contain_text([evil])
    expect(page.locator(".plate img, #regions img")).to_have_count(0)
    page.keyboard.press("Escape")
    page.keyboard.press("2")
    is_empty(page)
    is_saved(page)
    assert said(plant)[0]["label"] == "scratch"


def test_the_next_part_begins_with_the_list_closed(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.parts(2, findings=make.drawn(SCRATCH))
    open_station(page, live_server, plant)
    page.keyboard.press("r")
    page.locator("#unsure").click()
    is_ready(page)
    expect(page.locator("#regions")).to_be_hidden()
    expect(page.locator("#judge")).to_be_visible()


def test_a_heat_map_is_fetched_when_it_is_wanted_and_grows_stronger_with_each_press(
    page: Page, live_server: LiveServer, plant: Plant
) -> None:
    review = plant.part(findings=make.drawn(SCRATCH))
    assert review.prediction is not None
    receive_heatmap(prediction=review.prediction, view="main", image=check_heatmap(make.png(width=32, height=24)))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_station(page, live_server, plant)
    assert not [url for url in asked if "/heatmaps/" in url]
    button = page.locator(".overlays").get_by_role("button", name="Heat")
    button.click()
    expect(page.locator("img.heat")).to_be_visible()
    expect(page.locator(".tag")).to_be_hidden()
    expect(page.locator("img.heat")).to_have_js_property("naturalWidth", 32)
    assert page.locator("img.heat").bounding_box() == page.locator(".plate").bounding_box()
    expect(page.locator("body")).to_have_attribute("data-heat", "2")
    button.click()
    expect(page.locator("body")).to_have_attribute("data-heat", "3")
