"""One queue across the models of a station, in a real browser: what the page offers is the part's own model's."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests import factories as make
from tests.browser.station_story import Plant, is_empty, is_ready, is_saved, on_screen, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SCREWS = (("fine", "Fine", "1"), ("bent", "Bent", "2"), ("stripped", "Stripped", "3"))


def test_each_part_has_its_own_models_labels_keys_and_rules(page: Page, live_server: LiveServer, plant: Plant) -> None:
    screws = Plant(labels=SCREWS, name="Screw heads", n_made=100, review={"allow_suggestion": False})
    screws.line, screws.source = plant.line, plant.source
    parts = [one.part(said="scratch" if one is plant else "bent") for one in (plant, screws, plant, screws)]
    for one in (plant, screws):
        assert one.version is not None
        make.make_deployment(station=plant.line, version=one.version)
    sign_in(page, live_server)
    page.goto(f"/review/station/{plant.line.slug}/")
    golden: list[str] = []
    page.on("request", lambda request: golden.append(request.url) if "/golden/" in request.url else None)
    on_screen(page, parts[0])
    page.keyboard.press("g")
    shown = [("Flange surface", "OK", False), ("Screw heads", "Fine", True), ("Flange surface", "OK", False)]
    for review, (model, good, is_kept_free) in zip(parts, shown, strict=False):
        on_screen(page, review)
        expect(page.locator("#model-name")).to_have_text(model)
        assert page.locator(".lab-good:visible").inner_text().split("\n")[-2:][0].strip() in {good, "1"}
        assert ("kept-free" in (page.locator("#suggested").get_attribute("class") or "")) == is_kept_free
        page.keyboard.press("2")
    on_screen(page, parts[3])
    page.locator("[data-label=stripped]").click()
    is_empty(page)
    is_saved(page)
    said = {one.review_id: one.label.slug for each in (plant, screws) for one in each.verdicts() if one.label}
    assert {url.split("/")[-3] for url in golden} == {plant.model.slug, screws.model.slug}
    assert [said[one.pk] for one in parts] == ["scratch", "bent", "scratch", "stripped"]


def test_an_undo_brings_back_the_part_with_its_own_models_labels(
    page: Page, live_server: LiveServer, plant: Plant
) -> None:
    screws = Plant(labels=SCREWS, name="Screw heads", n_made=100)
    screws.line, screws.source = plant.line, plant.source
    screw = screws.part(said="bent")
    plant.part()
    for one in (plant, screws):
        assert one.version is not None
        make.make_deployment(station=plant.line, version=one.version)
    sign_in(page, live_server)
    page.goto(f"/review/station/{plant.line.slug}/")
    on_screen(page, screw)
    page.keyboard.press("3")
    is_saved(page)
    expect(page.locator("#model-name")).to_have_text("Flange surface")
    page.keyboard.press("z")
    on_screen(page, screw)
    expect(page.locator("#model-name")).to_have_text("Screw heads")
    is_ready(page)
    page.keyboard.press("2")
    expect(page.locator("#model-name")).to_have_text("Flange surface")
    is_saved(page)
    assert [one.label.slug for one in screws.verdicts() if one.label] == ["stripped", "bent"]
