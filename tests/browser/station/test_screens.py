"""Images that cannot be shown, empty queues, people and words, in a real browser on the real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from labeling.images.shown import derivative
from labeling.models import Review
from models_registry import files
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


# ---------- images and empty queues ----------


@pytest.fixture(params=["cut off", "no image at all", "left at the station"])
def broken(request: pytest.FixtureRequest, plant: Plant) -> Iterator[Review]:
    review = plant.part()
    item = review.inspection.items.get()
    if request.param == "left at the station":
        type(item).objects.filter(pk=item.pk).update(
            image="", image_status="wanted", sha256="", width=None, height=None
        )
        yield review
        return
    key = derivative(item, "review")
    whole = files.read(key)
    default_storage.delete(key)
    default_storage.save(key, ContentFile(whole[: len(whole) // 2] if request.param == "cut off" else b"not an image"))
    yield review
    default_storage.delete(key)  # named by its content, which other tests show too


def test_a_broken_image_can_only_be_called_bad(
    page: Page, live_server: LiveServer, plant: Plant, broken: Review
) -> None:
    second = plant.part()
    sign_in(page, live_server)
    page.goto(plant.url)
    expect(page.get_by_role("heading", name="This image cannot be shown")).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    expect(page.locator("#bad-image")).to_have_attribute("aria-disabled", "false")
    page.keyboard.press("2")
    page.keyboard.press("u")
    expect(page.locator("#wait.flash")).to_have_text("Only Bad image here")
    page.keyboard.press("b")
    on_screen(page, second)
    is_saved(page)
    (verdict,) = plant.verdicts()
    assert (verdict.review, verdict.kind) == (broken, "bad_image")
    assert verdict.shown["image"] in {"unreadable", "missing"}


def test_an_empty_queue_shows_the_next_part_by_itself(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.part()
    open_station(page, live_server, plant)
    page.keyboard.press("2")
    is_empty(page)
    expect(page.locator("#recent li")).to_contain_text(["Scratch"])
    later = plant.part()
    on_screen(page, later)


# ---------- people and words ----------

EVIL = '<img src=x onerror="window.stolen=1">'


def test_names_from_outside_stay_text(page: Page, live_server: LiveServer) -> None:
    plant = Plant(labels=(("ok", "OK", "1"), ("evil", EVIL, "2")), name=f"Model {EVIL}")
    plant.part(said="evil", lot=EVIL, inspection_id=EVIL)
    open_station(page, live_server, plant)
    expect(page.locator("#lot")).to_have_text(EVIL)
    expect(page.locator("#what")).to_have_text(EVIL)
    page.keyboard.press("2")
    is_empty(page)
    expect(page.locator("#recent li").first).to_contain_text(EVIL)
    assert page.evaluate("window.stolen") is None


def test_keys_do_nothing_while_the_list_of_keys_is_open(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.parts(2)
    open_station(page, live_server, plant)
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="All keys")).to_be_visible()
    page.keyboard.press("2")
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="All keys")).not_to_be_visible()
    is_ready(page)
    assert plant.verdicts() == []


def test_glove_mode_is_kept_and_its_targets_are_large(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.parts(2)
    page.set_viewport_size({"width": 1180, "height": 820})
    open_station(page, live_server, plant)
    page.get_by_label("Menu").click()
    page.get_by_role("button", name="Glove mode").click()
    page.reload()
    is_ready(page)
    assert page.evaluate("document.documentElement.dataset.mode") == "glove"
    for name in ("OK", "Dent", "Unsure", "Bad image"):
        box = page.get_by_role("button", name=name, exact=True).bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 72
    assert page.evaluate("document.documentElement.scrollWidth") <= 1180


@pytest.fixture
def policy_breaches(page: Page) -> list[str]:
    """What the Content-Security-Policy had to stop."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if "Content Security Policy" in message.text else None)
    return said


def test_the_page_keeps_the_strict_policy(
    page: Page, live_server: LiveServer, plant: Plant, policy_breaches: list[str]
) -> None:
    plant.part()
    open_station(page, live_server, plant)
    page.keyboard.press("+")
    page.keyboard.press("1")
    is_empty(page)
    assert policy_breaches == []
