"""The grid in a browser: the odd ones out, the rest with one key, each its own verdict, once it was seen."""

from __future__ import annotations

from playwright.sync_api import Page, Request, expect
from pytest_django.live_server_helper import LiveServer

from labeling.models import GroundTruth, Review, Verdict
from tests.browser.station_story import VERDICTS, Plant, is_saved, sign_in


def grid_of(plant: Plant) -> str:
    return f"{plant.url}grid/"


def open_grid(page: Page, live_server: LiveServer, plant: Plant) -> None:
    sign_in(page, live_server)
    page.goto(grid_of(plant))
    expect(page.locator("body[data-state=judge]:not([data-wait])")).to_be_visible()


def test_the_odd_one_is_taken_out_and_the_rest_is_said_with_one_key(page: Page, live_server: LiveServer) -> None:
    plant = Plant()
    reviews = plant.parts(5)
    open_grid(page, live_server, plant)
    expect(page.locator("#what")).to_have_text("Scratch")
    expect(page.locator("#rest")).to_contain_text("5 are scratch")

    page.keyboard.press("ArrowRight")
    page.keyboard.press(" ")
    expect(page.locator(".tile").nth(1)).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#rest")).to_contain_text("4 are scratch")
    page.keyboard.press("ArrowRight")
    page.keyboard.press(" ")
    page.keyboard.press(" ")  # put back
    page.keyboard.press("Enter")

    page.wait_for_url(f"**{plant.url}")  # what was taken out comes one by one
    out = reviews[1]
    expect(page.locator("#part")).to_have_text(out.inspection.part)
    is_saved(page)
    said = Verdict.objects.filter(review__registered_model=plant.model)
    assert said.count() == 4
    assert {(one.surface, one.phase, one.label and one.label.slug) for one in said} == {("grid", "shown", "scratch")}
    assert len({one.client_id for one in said}) == 4
    assert all(one.said_at > one.shown_at for one in said)
    assert not Verdict.objects.filter(review=out).exists()
    assert GroundTruth.objects.filter(by_grid=True).count() == 4


def test_a_page_goes_as_one_list_and_the_next_one_is_there_with_the_key(page: Page, live_server: LiveServer) -> None:
    plant = Plant()
    plant.parts(17)
    lists: list[int] = []

    def count(asked: Request) -> None:
        if VERDICTS.search(asked.url):
            lists.append(len(asked.post_data_json or ()))

    page.on("request", count)
    with page.expect_response(lambda answer: "claim-tiles" in answer.url and len(answer.json()["reviews"]) == 5):
        open_grid(page, live_server, plant)  # twelve tiles, and then five by itself
    page.route("**/claim-tiles/", lambda route: route.abort())
    page.keyboard.press("Enter")
    expect(page.locator(".tile")).to_have_count(5)
    is_saved(page)
    assert lists == [12]
    assert Verdict.objects.count() == 12
    page.unroute("**/claim-tiles/")
    expect(page.locator("body:not([data-wait])")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Nothing for a grid")).to_be_visible()
    is_saved(page)
    assert Verdict.objects.count() == 17


def test_who_leaves_the_grid_gives_the_next_page_back(page: Page, live_server: LiveServer) -> None:
    plant = Plant()
    plant.parts(14)
    with page.expect_response(lambda answer: "claim-tiles" in answer.url and len(answer.json()["reviews"]) == 2):
        open_grid(page, live_server, plant)
    page.locator(".tile").first.click()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{plant.url}")
    is_saved(page)
    assert Verdict.objects.count() == 11
    expect(page.locator("#part")).to_have_text("88213")  # what was taken out comes first


def test_a_touch_takes_out_and_a_page_is_undone_as_one(page: Page, live_server: LiveServer) -> None:
    plant = Plant()
    plant.parts(3)
    open_grid(page, live_server, plant)
    page.locator(".tile").first.click()
    page.locator(".tile").first.click()
    page.get_by_role("button", name="3 are scratch").click()
    expect(page.get_by_role("heading", name="Nothing for a grid")).to_be_visible()
    is_saved(page)
    assert Verdict.objects.current().count() == 3

    page.keyboard.press("z")
    expect(page.locator("#notice")).to_contain_text("Undone: 3 as scratch")
    expect(page.locator(".tile")).to_have_count(3)
    assert not Verdict.objects.current().exists()
    assert set(Review.objects.values_list("status", flat=True)) == {"open"}


def test_what_was_not_on_screen_does_not_count(page: Page, live_server: LiveServer) -> None:
    plant = Plant()
    plant.parts(12)
    page.set_viewport_size({"width": 880, "height": 620})
    sign_in(page, live_server)
    page.goto(grid_of(plant))
    expect(page.locator(".tile")).to_have_count(12)
    page.wait_for_timeout(600)

    page.keyboard.press("Enter")
    expect(page.locator("#notice")).to_contain_text("not on screen yet")
    assert not Verdict.objects.exists()

    for tile in page.locator(".tile").all():
        tile.scroll_into_view_if_needed()
        expect(
            page.locator(f".tile[aria-label='{tile.get_attribute('aria-label')}']:not([data-unseen])")
        ).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Nothing for a grid")).to_be_visible()
    is_saved(page)
    assert Verdict.objects.count() == 12


def test_blind_parts_are_not_in_it_and_nothing_of_them_is_on_the_network(page: Page, live_server: LiveServer) -> None:
    plant = Plant()
    blind = plant.part(blind=True)
    plant.part()
    bodies: list[str] = []
    page.on("response", lambda answer: bodies.append(answer.text()) if "claim-tiles" in answer.url else None)
    open_grid(page, live_server, plant)
    expect(page.locator(".tile")).to_have_count(1)
    assert bodies
    assert all(blind.inspection.inspection_id not in body for body in bodies)


def test_a_part_is_looked_at_closer_and_taken_out_there(page: Page, live_server: LiveServer) -> None:
    plant = Plant()
    plant.part(views=["top", "side"])
    plant.part()
    open_grid(page, live_server, plant)
    page.keyboard.press("+")
    expect(page.locator("#closer img")).to_have_count(2)
    page.get_by_role("button", name="Take out", exact=True).click()
    expect(page.locator(".tile").first).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#rest")).to_contain_text("1 is scratch")


def test_an_image_that_cannot_be_shown_is_out_by_itself(page: Page, live_server: LiveServer) -> None:
    plant = Plant()
    plant.part(content=None)
    broken = plant.part()
    broken.inspection.items.update(image="images/gone.png", sha256="0" * 64)
    open_grid(page, live_server, plant)
    expect(page.locator("#rest")).to_contain_text("1 is scratch")
    expect(page.locator(".tile .none")).to_have_text("Cannot be shown")
