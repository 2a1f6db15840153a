"""Gloves on a ten-inch tablet, lying and standing: all by touch, nothing small, nothing by dragging alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.browser.station_story import Plant, is_ready, is_saved, on_screen, open_station

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LEAST = 64
SMALL = """() => [...document.querySelectorAll("button, a, summary, input, textarea")]
    .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest(".skip-link, .skip, [inert]"))
    .map((one) => [one.id || one.textContent.trim(), one.getBoundingClientRect()])
    .filter(([, box]) => box.width > 1 && box.bottom > 0 && Math.min(box.width, box.height) < %d)
    .map(([name, box]) => `${name} ${box.width}x${box.height}`)"""


@pytest.fixture(params=[(1180, 820), (820, 1180)], ids=["lying", "standing"])
def tablet(request: pytest.FixtureRequest, browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    width, height = request.param
    context = browser.new_context(base_url=live_server.url, viewport={"width": width, "height": height}, has_touch=True)
    context.add_init_script("try { localStorage.setItem('station-mode', 'glove'); } catch { /* as it is */ }")
    page = context.new_page()
    page.set_default_timeout(10_000)
    yield page
    context.set_offline(True)
    page.wait_for_timeout(500)
    context.close()


def nothing_is_small(page: Page) -> None:
    assert page.evaluate(SMALL % LEAST) == []


def test_all_that_there_is_can_be_touched(tablet: Page, live_server: LiveServer, plant: Plant) -> None:
    _, second = plant.parts(2)
    open_station(tablet, live_server, plant)
    nothing_is_small(tablet)
    assert tablet.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tablet.locator(".s-foot").get_by_role("button", name="More").tap()
    nothing_is_small(tablet)
    frame = tablet.locator(".layer:not([aria-hidden]) .frame")
    before = frame.bounding_box()
    tablet.get_by_role("button", name="Zoom in").tap()
    tablet.get_by_role("button", name="Brighter").tap()
    assert frame.bounding_box() == before, "the image moved"
    assert tablet.evaluate("document.getElementById('shot').style.getPropertyValue('--zoom')") == "1.5"
    tablet.locator("#panel").get_by_role("button", name="All labels").tap()
    nothing_is_small(tablet)
    tablet.locator("#choose").get_by_role("button", name="Dent").tap()
    on_screen(tablet, second)
    is_saved(tablet)
    assert [verdict.label.slug for verdict in plant.verdicts() if verdict.label] == ["dent"]


def test_a_second_touch_too_soon_is_ignored_and_it_shows(tablet: Page, live_server: LiveServer) -> None:
    plant = Plant(review={"min_view_ms": 1500})
    _, second = plant.parts(2)
    open_station(tablet, live_server, plant)
    dent = tablet.get_by_role("button", name="Dent", exact=True)
    dent.evaluate("button => { button.click(); button.click(); }")
    expect(tablet.locator("#wait.flash")).to_be_visible()
    on_screen(tablet, second)
    is_saved(tablet)
    assert len(plant.verdicts()) == 1
    is_ready(tablet)
