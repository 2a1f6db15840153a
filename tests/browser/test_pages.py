"""The expert pages in a real browser: the theme, the live run, the security policy, the keyboard."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from models_registry.models import RegisteredModel, TrainingRun
from tests import factories as make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def model(transactional_db: None) -> RegisteredModel:
    model = make.make_model(slug="flange", name="Flange surface", target_accuracy=0.9)
    make.make_evaluation(version=make.make_version(registered_model=model))
    return model


@pytest.fixture
def lena(page: Page, model: RegisteredModel, live_server: LiveServer) -> Page:
    """lena's browser; whatever it logs as an error, a broken security policy above all, fails the test."""
    client = Client()
    client.force_login(make.make_member("lead", registered_model=model))
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    return page


def complaints_of(page: Page) -> list[str]:
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    return found


def test_a_person_logs_in_and_out(page: Page, model: RegisteredModel) -> None:
    make.make_member("lead", registered_model=model)
    page.goto("/")
    page.get_by_label("Name").fill("lena")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("Name or password is not right.")
    page.get_by_label("Password").fill(make.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("link", name="Flange surface")).to_be_visible()
    page.get_by_label("Account: Lena").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


FIGURES = ["/models/flange/how/", "/models/flange/reviews/", "/models/flange/slices/"]


@pytest.mark.parametrize("address", ["/", "/models/flange/", *FIGURES, "/runs/", "/reports/", "/nowhere/"])
def test_no_page_breaks_its_own_security_policy(lena: Page, address: str) -> None:
    complaints = complaints_of(lena)
    lena.goto(address)

    expect(lena.get_by_role("main")).to_be_visible()
    assert [text for text in complaints if "404" not in text] == []


def test_the_theme_is_kept_by_the_browser_and_painted_first(lena: Page) -> None:
    lena.goto("/")
    lena.get_by_label("Account: Lena").click()
    lena.get_by_role("button", name="Dark").click()

    expect(lena.locator("html")).to_have_attribute("data-theme", "dark")
    lena.goto("/runs/")
    expect(lena.locator("html")).to_have_attribute("data-theme", "dark")
    lena.get_by_label("Account: Lena").click()
    lena.get_by_role("button", name="System").click()
    expect(lena.locator("html")).not_to_have_attribute("data-theme", "dark")


def test_without_a_choice_the_systems_theme_holds(lena: Page) -> None:
    lena.goto("/")
    colour = "() => getComputedStyle(document.body).backgroundColor"

    lena.emulate_media(color_scheme="light")
    assert lena.evaluate(colour) == "rgb(247, 247, 247)"
    lena.emulate_media(color_scheme="dark")
    assert lena.evaluate(colour) == "rgb(16, 16, 16)"


def test_the_search_narrows_the_list_while_one_types(lena: Page, model: RegisteredModel) -> None:
    make.make_member("lead", registered_model=make.make_model(name="Weld seam"))
    lena.goto("/")
    lena.keyboard.press("/")
    lena.keyboard.type("weld")

    expect(lena.get_by_role("link", name="Flange surface")).to_have_count(0)
    expect(lena.get_by_role("link", name="Weld seam")).to_be_visible()
    expect(lena.get_by_role("searchbox")).to_be_focused()
    assert "q=weld" in lena.url


def test_a_running_run_moves_by_itself_and_ends_with_its_outcome(lena: Page, model: RegisteredModel) -> None:
    run = make.make_run(registered_model=model, status="running")
    steps = make.make_steps(run=run, n_done=2, progress=0.3)
    complaints = complaints_of(lena)
    lena.goto(run.get_absolute_url())
    expect(lena.locator("#run-status")).to_contain_text("Step 3 of")

    steps[2].status, steps[3].status = "done", "running"
    for step in steps[2:4]:
        step.save()
    expect(lena.locator("#run-status")).to_contain_text("Step 4 of")
    TrainingRun.objects.filter(pk=run.pk).update(status="failed", outcome="Disk full.", finished_at=run.queued_at)
    expect(lena.get_by_role("alert")).to_contain_text("Disk full.")
    expect(lena.locator("[hx-trigger]")).to_have_count(0)
    assert complaints == []


def test_a_lead_says_why_and_retrains(lena: Page, model: RegisteredModel) -> None:
    lena.goto("/models/flange/")
    lena.get_by_text("Retrain now").first.click()
    lena.get_by_role("button", name="Retrain now").click()  # without a reason nothing is sent

    assert lena.url.endswith("/models/flange/")
    lena.get_by_label("Why").fill("New material since Monday.")
    lena.keyboard.press("Escape")
    expect(lena.get_by_label("Why")).to_be_hidden()


def judge(model: RegisteredModel) -> None:
    """Reviews of two lots, one of them worse."""
    version = model.versions.get(stage="champion")
    now = timezone.now()
    for lot, truth in (("L1", "ok"), ("L2", "dent")):
        make.make_judged(version=version, n=40, truth=truth, captured_at=now, lot=lot)


def test_the_card_of_slices_comes_when_the_page_stands_and_leads_to_the_reviews(
    lena: Page, model: RegisteredModel
) -> None:
    judge(model)
    complaints = complaints_of(lena)
    lena.goto("/models/flange/")
    lena.get_by_role("link", name="L2 Lot").click()

    expect(lena.get_by_role("heading", name="Reviews behind the figures")).to_be_visible()
    expect(lena.get_by_text("Lot: L2")).to_be_visible()
    expect(lena.get_by_role("row")).to_have_count(41)
    assert complaints == []


def test_a_camera_is_chosen_without_a_button(lena: Page, model: RegisteredModel) -> None:
    source = make.make_source(slug="cam-1")
    version = model.versions.get(stage="champion")
    make.make_deployment(station=source.station, version=version)
    make.make_source(station=source.station)
    lena.goto("/models/flange/?window=7")
    lena.get_by_label("Source").select_option("cam-1")

    lena.wait_for_url("**/models/flange/?window=7&source=cam-1")
    expect(lena.get_by_label("Source")).to_have_value("cam-1")


def test_two_hundred_percent_zoom_needs_no_sideways_scrolling_of_the_page(lena: Page, model: RegisteredModel) -> None:
    lena.set_viewport_size({"width": 720, "height": 450})
    judge(model)
    for address in ("/", "/models/flange/", *FIGURES, "/runs/", "/reports/"):
        lena.goto(address)
        assert lena.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), address
