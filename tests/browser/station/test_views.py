"""A part with several views: one of them enlarged, and each called bad by itself. By keys, by mouse and by touch."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from labeling.models import GroundTruth
from tests.browser.station_story import Plant, is_empty, is_ready, is_saved, notice, on_screen, open_station

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
BIG = ".layer:not([aria-hidden]) .cell.big"


def width(page: Page, view: str) -> float:
    box = page.locator(f".layer:not([aria-hidden]) .cell[data-view={view}] .frame").bounding_box()
    assert box is not None
    return box["width"]


def test_a_view_is_enlarged_and_called_bad_by_keys_and_by_hand(
    page: Page, live_server: LiveServer, plant: Plant
) -> None:
    first, second = (plant.part(views=["top", "side", "end"]) for _ in range(2))
    open_station(page, live_server, plant)
    on_screen(page, first)
    beside = width(page, "side")
    page.keyboard.press("m")
    notice(page, "Enlarge the view that is a bad image first.")
    for _ in range(2):
        page.keyboard.press("v")
    expect(page.locator(BIG)).to_have_attribute("data-view", "side")
    assert width(page, "side") > 1.8 * beside
    page.keyboard.press("m")
    expect(page.get_by_role("button", name="View side is a bad image")).to_have_attribute("aria-pressed", "true")
    page.locator(".layer:not([aria-hidden]) .cell[data-view=end] .frame").click()  # one of the small ones
    expect(page.locator(BIG)).to_have_attribute("data-view", "end")
    page.get_by_role("button", name="View end is a bad image").click()
    page.get_by_role("button", name="View end is enlarged: show all views").click()
    expect(page.locator(BIG)).to_have_count(0)
    page.get_by_role("button", name="View top is a bad image").click()
    page.keyboard.press("Enter")
    notice(page, "No view can be judged")
    assert plant.verdicts() == []
    page.get_by_role("button", name="View top is a bad image").click()
    page.keyboard.press("v")
    page.keyboard.press("Enter")

    on_screen(page, second)
    expect(page.locator(BIG)).to_have_count(0)  # all views of the next part are there
    page.keyboard.press("3")
    is_empty(page)
    is_saved(page)
    bad = [{"view": view, "bad_image": True} for view in ("side", "end")]
    assert [one.findings for one in plant.verdicts()] == [bad, []]
    assert plant.verdicts()[0].shown["enlarged"] == "top"
    assert GroundTruth.objects.get(inspection=first.inspection).findings == bad


def test_a_part_with_one_view_has_no_bar_and_says_so(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.part()
    open_station(page, live_server, plant)
    expect(page.locator(".view-bar")).to_have_count(0)
    page.keyboard.press("v")
    notice(page, "This part has one view.")
    is_ready(page)
