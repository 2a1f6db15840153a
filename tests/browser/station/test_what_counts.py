"""What does not count as a verdict, and what is undone, in a real browser on the real server."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, Request, Route, expect
from pytest_django.live_server_helper import LiveServer

from labeling.models import Verdict
from tests import factories as make
from tests.browser.station_story import (
    IMAGES,
    VERDICTS,
    Plant,
    is_empty,
    is_ready,
    is_saved,
    notice,
    on_screen,
    open_station,
    sign_in,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


# ---------- what does not count ----------


def test_nothing_can_be_said_before_the_image_is_painted(page: Page, live_server: LiveServer, plant: Plant) -> None:
    first, second = plant.parts(2)
    held: list[Route] = []
    page.route(IMAGES, lambda route: held.append(route))
    sign_in(page, live_server)
    page.goto(plant.url)
    expect(page.get_by_role("heading", name="Getting the image")).to_be_visible()
    for key in ("1", "Enter", "u", "b"):
        page.keyboard.press(key)
    expect(page.locator("#wait.flash")).to_be_visible()
    page.get_by_role("button", name="Dent").click(force=True)
    assert page.get_by_role("button", name="Dent").get_attribute("aria-disabled") == "true"
    page.route(IMAGES, lambda route: route.continue_())  # the newest handler is asked first: the images to come pass
    for route in held:
        route.continue_()
    on_screen(page, first)
    assert plant.verdicts() == []
    page.keyboard.press("1")
    on_screen(page, second)
    is_saved(page)
    assert len(plant.verdicts()) == 1


def test_the_shortest_view_holds_after_the_paint(page: Page, live_server: LiveServer) -> None:
    plant = Plant(review={"min_view_ms": 1500})
    plant.part()
    sign_in(page, live_server)
    page.goto(plant.url)
    expect(page.locator("body[data-state=judge][data-wait]")).to_be_visible()
    page.keyboard.press("2")
    expect(page.locator("#wait.flash")).to_be_visible()
    is_ready(page)
    assert plant.verdicts() == []
    page.keyboard.press("2")
    is_empty(page)
    is_saved(page)
    (verdict,) = plant.verdicts()
    assert verdict.said_at - verdict.shown_at >= timedelta(milliseconds=1500)


def test_a_double_press_and_a_held_key_are_one_verdict(page: Page, live_server: LiveServer, plant: Plant) -> None:
    _, second, _ = plant.parts(3)
    open_station(page, live_server, plant)
    page.keyboard.press("2")
    page.keyboard.press("2")
    on_screen(page, second)
    is_saved(page)
    assert len(plant.verdicts()) == 1
    page.keyboard.down("2")
    for _ in range(8):
        page.wait_for_timeout(60)
        page.keyboard.down("2")  # repeats
    page.keyboard.up("2")
    is_ready(page)
    is_saved(page)
    assert len(plant.verdicts()) == 2


def test_an_answer_that_got_lost_does_not_double_the_verdict(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.parts(2)
    open_station(page, live_server, plant)
    bodies: list[str] = []

    def lose_the_first_answer(route: Route, request: Request) -> None:
        bodies.append(request.post_data or "")
        if len(bodies) == 1:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route(VERDICTS, lose_the_first_answer)
    page.keyboard.press("3")
    expect(page.locator("#line")).to_have_text("Offline")
    is_saved(page)
    assert len(set(bodies)) == 1 < len(bodies)
    assert len(plant.verdicts()) == 1


# ---------- undo ----------


def test_undo_says_what_it_undoes_and_shows_the_part_again(page: Page, live_server: LiveServer, plant: Plant) -> None:
    first, second = plant.parts(2)
    open_station(page, live_server, plant)
    page.keyboard.press("3")
    on_screen(page, second)
    is_saved(page)
    expect(page.locator("#undo")).to_contain_text(re.compile(r"Undo dent, \d s ago"))
    page.keyboard.press("z")
    notice(page, f"Undone: dent on part {first.inspection.part}. It is on screen again.")
    on_screen(page, first)
    page.keyboard.press("1")
    on_screen(page, second)
    is_saved(page)
    dent, withdrawn, ok = plant.verdicts()
    assert (withdrawn.kind, withdrawn.supersedes, ok.supersedes) == ("withdrawn", dent, withdrawn)
    assert list(Verdict.objects.current()) == [ok]


def test_after_a_reload_the_last_verdicts_can_still_be_changed(
    page: Page, live_server: LiveServer, plant: Plant
) -> None:
    first, second = plant.parts(2)
    open_station(page, live_server, plant)
    page.keyboard.press("3")
    is_ready(page)
    page.keyboard.press("1")
    is_empty(page)
    is_saved(page)
    page.reload()
    is_empty(page)
    page.get_by_role("button", name=f"Change dent on part {first.inspection.part}").click()
    page.get_by_role("button", name="Show it again").click()
    on_screen(page, first)
    assert [verdict.review for verdict in Verdict.objects.current()] == [second]


def test_what_a_dataset_holds_cannot_be_undone_and_says_so(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.parts(2)
    open_station(page, live_server, plant)
    page.keyboard.press("3")
    is_ready(page)
    is_saved(page)
    truth = plant.model.ground_truths.get()
    truth.frozen_in = make.make_dataset(registered_model=plant.model)
    truth.save()
    page.keyboard.press("z")
    notice(page, "Not undone: A dataset holds this verdict already.")
    assert len(plant.verdicts()) == 1
