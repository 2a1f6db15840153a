"""Takes the pictures of all pages for the documentation.

Run it by name, for its own name keeps it out of the ordinary run:

    make screenshots

``SCREENSHOTS`` names another folder than docs/images.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any, Literal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from PIL import Image
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from labeling.demo.surfaces import Surface, generate
from labeling.models import Review
from labeling.tallies import fold
from models_registry.models import RegisteredModel
from tests import factories as make
from tests.browser.accuracy_story import make_stream
from tests.browser.fleet_story import make_fleet, make_lena
from tests.browser.station_story import Plant, is_ready

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
        plant: Plant,
        name: str,
        *,
        theme: str = "dark",
        size: tuple[int, int] = (1440, 900),
        gloves: bool = False,
        ready: bool = True,
    ) -> None:
        """The station as a person sees it: the window, not the page."""
        context = self.browser.new_context(base_url=self.address, viewport={"width": size[0], "height": size[1]})
        context.add_cookies(self.cookies)
        page = context.new_page()
        page.goto(plant.url)
        page.evaluate(
            "([mode, theme]) => Object.assign(document.documentElement.dataset, {mode, theme})",
            ["glove" if gloves else "key", theme],
        )
        if ready:
            is_ready(page)
        page.wait_for_timeout(500 if ready else 1500)  # until colours have come to rest
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


def test_station(camera: Camera, transactional_db: None) -> None:
    """One part with a suggestion, one blind, nothing left; on a screen and on a tablet with gloves."""
    pictures = [_large(generate(4, index)) for index in range(40) if generate(4, index).label == "scratch"]
    plant = Plant(pictures=pictures[1:])
    plant.part()
    camera.sign_in(plant.alice)
    camera.shoot(plant, "station")
    camera.shoot(plant, "station-light", theme="light")
    camera.shoot(plant, "station-glove", size=(1180, 820), gloves=True)
    camera.shoot(plant, "station-glove-portrait", size=(820, 1180), gloves=True)
    camera.shoot(plant, "station-zoom", size=(720, 450))
    Review.objects.all().update(status="cancelled", claimed_by=None, claim_expires_at=None)
    camera.shoot(plant, "station-empty", ready=False)
    plant.part(blind=True)
    camera.shoot(plant, "station-blind")


def _large(surface: Surface) -> bytes:
    stream = io.BytesIO()
    surface.image.resize((1024, 1024), Image.Resampling.LANCZOS).save(stream, "PNG")
    return stream.getvalue()
