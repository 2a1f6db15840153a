"""Takes the pictures of all pages for the documentation.

Run it by name, for its own name keeps it out of the ordinary run:

    make screenshots

``SCREENSHOTS`` names another folder than docs/images.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from labeling.adjudication import challenge
from labeling.demo.surfaces import Surface, generate
from labeling.models import Review
from labeling.people.pauses import begin_pause
from labeling.tallies import fold
from models_registry.models import RegisteredModel
from tests import factories as make
from tests.browser.accuracy_story import make_stream
from tests.browser.fleet_story import make_fleet, make_lena
from tests.browser.station_story import Plant
from tests.browser.test_adjudicate import dispute, say

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600), pytest.mark.django_db(transaction=True)]
FOLDER = Path(os.environ.get("SCREENSHOTS", Path(__file__).resolve().parents[2] / "docs" / "images"))
PICTURES_ARE_DRAWN = """() => Promise.all([...document.images].map((image) => {
  image.loading = "eager";
  return image.decode().catch(() => null);
}))"""
RETRAIN_ANYWAY = """() => {
  const form = document.querySelector("form[method=post]");
  form.action = "/models/flange/retrain/";
  form.submit();
}"""
SIZES = {"": (1440, 900), "-tablet": (1024, 768), "-zoom": (720, 450)}


class Camera:
    """One signed-in browser; `take` opens an address and stores its picture."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser, self.address = browser, address
        self.cookies: list[Any] = []

    def sign_in(self, user: User) -> None:
        client = Client()
        client.force_login(user)
        self.cookies = [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": self.address}]

    def take(
        self,
        path: str,
        name: str,
        *,
        theme: Literal["light", "dark"] = "light",
        size: str = "",
        then: str = "",
        expects_errors: bool = False,
    ) -> None:
        width, height = SIZES[size]
        context = self.browser.new_context(
            base_url=self.address, viewport={"width": width, "height": height}, color_scheme=theme
        )
        context.add_cookies(self.cookies)
        page = context.new_page()
        problems = _listen(page)
        page.goto(path)
        page.wait_for_load_state("load")
        if then:
            with page.expect_navigation():
                page.evaluate(then)
        page.wait_for_function("() => !document.querySelector('[hx-trigger=load]')")  # what comes when the page stands
        self.prepare(page)
        page.evaluate(PICTURES_ARE_DRAWN)
        FOLDER.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=FOLDER / f"{name}{size}.png", full_page=True)
        context.close()
        assert expects_errors or not problems

    def shoot(
        self,
        path: str,
        name: str,
        *,
        theme: str = "dark",
        size: tuple[int, int] = (1440, 900),
        gloves: bool = False,
        ready: bool = True,
        act: Callable[[Page], None] | None = None,
    ) -> None:
        """A station's page as a person sees it: the window, not the page. ``act``: what is done before the picture."""
        context = self.browser.new_context(base_url=self.address, viewport={"width": size[0], "height": size[1]})
        context.add_cookies(self.cookies)
        page = context.new_page()
        page.goto(path)
        page.evaluate(
            "([mode, theme]) => Object.assign(document.documentElement.dataset, {mode, theme})",
            ["glove" if gloves else "key", theme],
        )
        if ready:  # derivatives of large images are made at the first look
            expect(page.locator("body[data-state=judge]:not([data-wait])")).to_be_visible(timeout=30_000)
        page.wait_for_timeout(500 if ready else 1500)  # until colours have come to rest
        if act:
            act(page)
            page.wait_for_timeout(400)
        FOLDER.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=FOLDER / f"{name}.png")
        context.set_offline(True)
        page.wait_for_timeout(500)
        context.close()

    def prepare(self, page: Page) -> None:
        """A window as high as the page: lazy images are loaded, and what sticks to its foot stands there."""
        width = page.viewport_size["width"] if page.viewport_size else 1440
        page.set_viewport_size({"width": width, "height": page.evaluate("() => document.body.scrollHeight")})
        page.wait_for_timeout(150)


def _listen(page: Page) -> list[str]:
    """What the page complains about; a broken security policy above all."""
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    return problems


@pytest.fixture
def camera(browser: Browser, live_server: LiveServer) -> Camera:
    return Camera(browser, live_server.url)


def run_address(model: RegisteredModel) -> str:
    return str(model.runs.order_by("-pk")[0].get_absolute_url())


def test_empty(camera: Camera, transactional_db: None) -> None:
    camera.sign_in(make_lena())
    camera.take("/", "first-run")
    camera.take("/", "first-run-dark", theme="dark")
    camera.take("/runs/", "runs-empty")


def test_fleet(camera: Camera, transactional_db: None) -> None:
    models = make_fleet()
    flange = models["flange"]
    station = flange.deployments.latest("pk").station
    make_stream(flange.versions.get(stage="champion"), station, now=timezone.now())
    fold()
    camera.sign_in(make_lena())
    for size in SIZES:
        camera.take("/", "fleet", size=size)
        camera.take("/models/flange/", "model", size=size)
        camera.take(run_address(models["bearing"]), "run", size=size)
    camera.take("/", "fleet-dark", theme="dark")
    camera.take("/?q=nothing", "fleet-none")
    camera.take("/models/flange/", "model-dark", theme="dark")
    camera.take("/models/flange/how/", "how")
    camera.take("/models/flange/reviews/?kind=wrong", "reviews")
    camera.take("/models/casting/", "model-bound")
    camera.take("/models/glass/", "model-new")
    camera.take(run_address(models["bearing"]), "run-dark", theme="dark")
    camera.take(run_address(models["solder"]), "run-live")
    camera.take(run_address(models["gasket"]), "run-failed")
    camera.take(run_address(models["label-print"]), "run-refused")
    camera.take("/runs/", "runs")
    camera.take("/runs/", "runs-dark", theme="dark", size="-tablet")


def test_small_pages(camera: Camera, transactional_db: None) -> None:
    flange = make.make_model(slug="flange")
    camera.take("/login/", "login")
    camera.take("/login/", "login-dark", theme="dark")
    camera.sign_in(make.make_user("charlie"))
    camera.take("/models/flange/", "404", expects_errors=True)
    camera.sign_in(make.make_member("inspector", registered_model=flange))
    camera.take("/models/flange/", "403", expects_errors=True, then=RETRAIN_ANYWAY)


@pytest.fixture
def plant(transactional_db: None) -> Plant:
    """Scratched plates at a line with a registered screen; alice and bob judge, lena decides."""
    pictures = [_large(generate(4, index)) for index in range(80) if generate(4, index).label == "scratch"]
    plant = Plant(pictures=pictures[1:], review={"votes_needed": 2})
    make.make_member(user=make.make_user("bob"), registered_model=plant.model)
    make.make_member("lead", user=make.make_user("lena"), registered_model=plant.model)
    return plant


def test_station(camera: Camera, plant: Plant) -> None:
    """One part with a suggestion, one blind, nothing left; on a screen and on a tablet with gloves."""
    plant.part()
    camera.sign_in(plant.alice)
    camera.shoot(plant.url, "station")
    camera.shoot(plant.url, "station-light", theme="light")
    camera.shoot(plant.url, "station-tablet", size=(1180, 820))
    camera.shoot(plant.url, "station-tablet-portrait", size=(820, 1180))
    camera.shoot(plant.url, "station-glove", size=(1180, 820), gloves=True)
    camera.shoot(plant.url, "station-glove-portrait", size=(820, 1180), gloves=True)
    camera.shoot(plant.url, "station-zoom", size=(720, 450))
    camera.shoot(plant.url, "station-keys", act=lambda page: page.keyboard.press("?"))
    plant.parts(3)
    camera.shoot(plant.url, "station-offline", act=_cut_off)
    _cancel_all()
    camera.shoot(plant.url, "station-empty", ready=False)
    plant.part(blind=True)
    camera.shoot(plant.url, "station-blind")
    camera.shoot(plant.url, "station-blind-glove", size=(1180, 820), gloves=True)
    _cancel_all()
    plant.part().inspection.items.update(image="images/gone.png", sha256="0" * 64)
    camera.shoot(plant.url, "station-broken", ready=False)


def _cut_off(page: Page) -> None:
    """The line goes down, and two parts are judged all the same."""
    page.context.set_offline(True)
    page.keyboard.press("2")
    page.wait_for_timeout(1200)


def _cancel_all() -> None:
    Review.objects.exclude(status="settled").update(status="cancelled", claimed_by=None, claim_expires_at=None)


def test_grid(camera: Camera, plant: Plant) -> None:
    plant.parts(14)
    camera.sign_in(plant.alice)
    address = f"{plant.url}grid/"

    def take_out(page: Page) -> None:
        for _ in range(2):
            page.keyboard.press("ArrowRight")
        page.keyboard.press(" ")

    camera.shoot(address, "grid", act=take_out)
    camera.shoot(address, "grid-light", theme="light")
    camera.shoot(address, "grid-glove", size=(1180, 820), gloves=True)
    _cancel_all()
    camera.shoot(address, "grid-empty", ready=False)


def test_second_opinions(camera: Camera, plant: Plant) -> None:
    """Open cases, one of them challenged; what alice then reads of them; a pause."""
    for _ in range(4):
        dispute(plant)
    decided = dispute(plant)
    olga = make.make_member("adjudicator", user=make.make_user("olga"), registered_model=plant.model)
    say(olga, decided, "dent", "The line is the rim, the dent lies under it")
    challenge(review_id=decided.pk, by=make.make_user("bob"), reason="The rim casts a shadow", now=timezone.now())
    for hours, case in enumerate(Review.objects.filter(status="open").order_by("-pk")):
        Review.objects.filter(pk=case.pk).update(created_at=case.created_at - timedelta(minutes=7, hours=9 * hours))
    page = f"/adjudicate/{plant.model.slug}/"
    camera.sign_in(make.make_user("lena"))
    camera.shoot(page, "adjudicate")
    camera.shoot(page, "adjudicate-light", theme="light")
    camera.shoot(page, "adjudicate-tablet", size=(1180, 820))
    camera.shoot(page, "adjudicate-glove", size=(1180, 820), gloves=True)
    last = Review.objects.get(status="open", inspection=decided.inspection)
    camera.shoot(f"{page}{last.pk}/", "adjudicate-challenged")
    mia = make.make_member("adjudicator", user=make.make_user("mia"), registered_model=plant.model)
    say(mia, last, "dent", "Looked at it under the ring light: a dent")

    camera.sign_in(plant.alice)
    camera.take("/me/", "me")
    camera.take("/me/", "me-dark", theme="dark")
    camera.take("/me/", "me-zoom", size="-zoom")
    _cancel_all()
    camera.shoot(plant.url, "station-last-ten", ready=False)

    def doubt(page: Page) -> None:
        page.get_by_role("button", name="Challenge").first.click()

    camera.shoot(plant.url, "station-challenge", ready=False, act=doubt)
    camera.sign_in(make.make_user("lena"))
    camera.shoot(page, "adjudicate-empty", ready=False)
    camera.sign_in(plant.alice)
    begin_pause(user=plant.alice, now=timezone.now())
    camera.shoot(plant.url, "station-paused", ready=False)


def test_a_stations_screen(camera: Camera, plant: Plant) -> None:
    """One queue across two models, and who sits there."""
    plant.parts(3)
    other = make.make_model(name="Weld seam", label_set=plant.model.label_set)
    make.make_member(user=plant.alice, registered_model=other)
    assert plant.version is not None
    for version in (plant.version, make.make_version(registered_model=other)):
        make.make_deployment(station=plant.line, version=version)
    for name in ("alice", "bob", "lena"):
        make.make_pin(make.make_user(name))
    now = timezone.now()
    until = {"written_at": now, "shown_until": now + timedelta(hours=8)}
    make.make_note(station=plant.line, author=make.make_user("bob"), text="Camera 2 was cleaned at noon.", **until)
    _, secret = make.register_device(plant.line)
    camera.sign_in(plant.alice)
    camera.cookies.append({"name": "reviewapp_device", "value": secret, "url": camera.address})
    place = f"/stations/{plant.line.slug}"
    camera.shoot(f"/review/station/{plant.line.slug}/", "station-queue")
    camera.shoot(f"/review/station/{plant.line.slug}/", "station-queue-glove", size=(1180, 820), gloves=True)

    def change(page: Page) -> None:
        page.locator(".who-now").click()

    camera.shoot(plant.url, "change-person", size=(1180, 820), gloves=True, act=change)
    camera.take(f"{place}/change/", "change-person-page", size="-tablet")
    camera.take(f"{place}/handover/", "handover")
    camera.take("/review/", "queues")
    camera.take("/review/", "queues-dark", theme="dark")
    camera.sign_in(make.make_user("lena"))
    camera.take(f"{place}/screens/", "screens")


def _large(surface: Surface) -> bytes:
    stream = io.BytesIO()
    surface.image.resize((1024, 1024), Image.Resampling.LANCZOS).save(stream, "PNG")
    return stream.getvalue()
