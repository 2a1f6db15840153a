"""Where the station's images come from: a copy that fits, the whole one when zoomed in, or the station's own server."""

from __future__ import annotations

import io
from http.server import BaseHTTPRequestHandler

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from labeling.models import Item, Station
from tests.browser.station_story import Plant, open_station, surface
from tests.image_server import filming


@pytest.fixture
def plant(live_server: LiveServer) -> Plant:
    return Plant()


NATURAL = "image => image.naturalWidth"
PIXELS = """(image, [x, y]) => {
  const canvas = new OffscreenCanvas(16, 1).getContext("2d");
  canvas.drawImage(image, -x, -y);
  return Array.from({ length: 16 }, (_, at) => canvas.getImageData(at, 0, 1, 1).data[0]);
}"""


def test_the_screen_gets_a_copy_and_zooming_in_the_whole_image(
    page: Page, live_server: LiveServer, plant: Plant
) -> None:
    plant.part(content=surface(3, width=2400, height=1800))
    open_station(page, live_server, plant)
    image = page.locator("#shot img")
    assert image.evaluate(NATURAL) == 1600

    page.keyboard.press("+")

    expect(image).to_have_attribute("data-full", "shown")
    assert image.evaluate(NATURAL) == 2400


def test_an_image_that_stayed_at_its_station_is_fetched_there(
    page: Page, live_server: LiveServer, plant: Plant
) -> None:
    asked: list[str | None] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.headers["Cookie"])
        body = surface(5)
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.send_header("Access-Control-Allow-Origin", live_server.url)
        handler.end_headers()
        handler.wfile.write(body)

    with filming() as camera:
        camera.otherwise = answer
        review = plant.part()
        Item.objects.filter(inspection=review.inspection).update(
            image="", sha256="", width=None, height=None, image_status="at_station", image_address="station:7.png"
        )
        Station.objects.filter(pk=plant.line.pk).update(image_address=camera.url("/images/"))
        open_station(page, live_server, plant)

        assert page.locator("#shot img").evaluate(NATURAL) == 640
    assert asked == [None]  # and no cookie of ours
    assert camera.asked[0].startswith("/images/7.png?expires=")


def test_a_station_that_nobody_registered_is_not_asked(page: Page, live_server: LiveServer, plant: Plant) -> None:
    """The page's policy forbids it, whatever an address says."""
    plant.part()
    open_station(page, live_server, plant)
    with filming() as camera:
        told = page.evaluate("url => fetch(url).then(() => 'asked', () => 'refused')", camera.url("/x"))
    assert (told, camera.asked) == ("refused", [])


def large(at: tuple[int, int]) -> bytes:
    """108 megapixels of one grey, with stripes of two pixels ``at`` one place."""
    image = Image.new("L", (12_000, 9000), 150)
    for x in range(0, 64, 4):
        image.paste(255, (at[0] + x, at[1], at[0] + x + 2, at[1] + 64))
        image.paste(0, (at[0] + x + 2, at[1], at[0] + x + 4, at[1] + 64))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=95)
    return stream.getvalue()


def test_a_very_large_image_is_seen_to_its_last_pixel_and_never_whole(
    page: Page, live_server: LiveServer, plant: Plant
) -> None:
    plant.part(content=large((9000, 6000)))
    open_station(page, live_server, plant)
    copy = page.locator("#shot .view > img")
    box = page.locator("#shot .plate").bounding_box()
    assert box is not None

    page.mouse.move(box["x"] + 9032 / 12_000 * box["width"], box["y"] + 6032 / 9000 * box["height"])
    page.mouse.wheel(0, -1300)

    tile = page.locator("#shot .mosaic img[data-at='0/17_11']")  # 512 pixels a side
    expect(tile).to_have_js_property("naturalWidth", 512, timeout=30_000)
    left, top = 9000 - 17 * 512, 6032 - 11 * 512
    stripes = tile.evaluate(PIXELS, [left, top])
    assert [value > 200 for value in stripes] == [True, True, False, False] * 4
    assert page.locator("#shot .mosaic img").count() < 40
    assert copy.evaluate(NATURAL) == 1600

    page.keyboard.press("0")
    expect(page.locator("#shot .mosaic img")).to_have_count(0)
