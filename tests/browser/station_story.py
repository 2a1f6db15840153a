"""A queue to judge, for the pictures and the browser's tests of the station."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from PIL import Image, ImageDraw
from playwright.sync_api import Page, TimeoutError, expect
from pytest_django.live_server_helper import LiveServer

from labeling.models import Review, Verdict
from models_registry.models import ModelVersion, RegisteredModel
from tests import factories as make

IMAGES = re.compile(r"/api/v1/items/")
VERDICTS = re.compile(r"/api/v1/verdicts/$")
FIVE = (
    ("ok", "OK", "1"),
    ("scratch", "Scratch", "2"),
    ("dent", "Dent", "3"),
    ("stain", "Stain", "4"),
    ("hole", "Hole", "5"),
)


def surface(number: int, *, width: int = 640, height: int = 480) -> bytes:
    """A grey plate with a scratch, different for each number."""
    image = Image.new("L", (width, height), 120 + number * 7 % 60)
    draw = ImageDraw.Draw(image)
    draw.line([(80, 60 + number * 11 % 200), (width - 90, height - 90)], fill=210, width=3)
    draw.ellipse([width - 160, 60, width - 90, 130], fill=40)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


@dataclass
class Plant:
    """A model on a line, its inspector, and parts that wait for a look."""

    labels: Sequence[tuple[str, str, str]] = FIVE
    review: dict[str, Any] = field(default_factory=dict)
    name: str = "Flange surface"
    pictures: list[bytes] = field(default_factory=list)
    n_made: int = 0

    def __post_init__(self) -> None:
        label_set = make.make_label_set(labels=self.labels)
        self.model: RegisteredModel = make.make_model(name=self.name, label_set=label_set, review=self.review)
        self.line = make.make_station(name="Line 3")
        self.source = make.make_source(station=self.line, name="Line 3 · camera 2")
        self.alice: User = make.make_member("inspector", user=make.make_user("alice"), registered_model=self.model)
        self.version: ModelVersion | None = None

    @property
    def url(self) -> str:
        return f"/review/{self.model.slug}/"

    def part(self, *, content: bytes | None = None, lot: str = "2290-B", **fields: Any) -> Review:
        """One more part to judge; without further words shown with the suggestion “scratch”."""
        self.n_made += 1
        now = timezone.now()
        inspection = make.make_inspection(
            station=self.line,
            inspection_id=fields.pop("inspection_id", f"{88212 + self.n_made}"),
            lot=lot,
            captured_at=now,
        )
        picture = self.pictures[self.n_made % len(self.pictures)] if self.pictures else surface(self.n_made)
        for view in fields.pop("views", ["main"]):
            make.make_item(inspection=inspection, source=self.source, content=content or picture, view=view)
        prediction = None
        if fields.get("reason") != "first_labels":
            self.version = self.version or make.make_version(registered_model=self.model)
            prediction = make.make_prediction(
                version=self.version, inspection=inspection, label=fields.pop("said", "scratch"), confidence=0.87,
                findings=fields.pop("findings", []),
            )  # fmt: skip
        fields = {"blind": False, "registered_model": self.model, "inspection": inspection, "created_at": now, **fields}
        if fields.get("mode") == "blocking":
            fields = {"deadline": now + timedelta(minutes=9), "default_disposition": "hold", "priority": 1, **fields}
        return make.make_review(prediction=prediction, **fields)

    def parts(self, n: int, **fields: Any) -> list[Review]:
        return [self.part(**fields) for _ in range(n)]

    def verdicts(self) -> list[Verdict]:
        return list(Verdict.objects.filter(review__registered_model=self.model).order_by("pk"))


def sign_in(page: Page, live_server: LiveServer, name: str = "alice") -> None:
    client = Client()
    client.force_login(make.make_user(name))
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url, "httpOnly": True}]
    )


def open_station(page: Page, live_server: LiveServer, plant: Plant) -> None:
    """Signed in, with the first part on screen for long enough."""
    sign_in(page, live_server)
    page.goto(plant.url)
    is_ready(page)


def soon(page: Page, condition: str, value: str) -> None:
    """Wait until ``condition``, a function of ``value``, holds in the page, which looks at each frame.

    Playwright's `expect` looks after 0.1, 0.35 and 0.85 s, and most of what happens at the station takes less. It comes
    after this, and says what was there instead.
    """
    with suppress(TimeoutError):
        page.wait_for_function(f"value => ({condition})(value)", arg=value, timeout=5000)


THERE = "selector => document.querySelector(selector)"


def is_ready(page: Page) -> None:
    """A verdict would count: the image is on screen, painted, and has been for the shortest time."""
    ready = "body[data-state=judge]:not([data-wait])"
    soon(page, THERE, ready)
    expect(page.locator(ready)).to_be_visible()


def is_saved(page: Page) -> None:
    saved = '#line[data-unsent="0"]'
    soon(page, THERE, saved)
    expect(page.locator(saved)).to_have_text("Saved")


def notice(page: Page, text: str) -> None:
    soon(page, "text => document.querySelector('#notice')?.textContent.includes(text)", text)
    expect(page.locator("#notice")).to_contain_text(text)


def on_screen(page: Page, review: Review) -> None:
    part = review.inspection.part
    soon(page, "text => document.querySelector('#part')?.textContent.trim() === text", part)
    is_ready(page)
    expect(page.locator("#part")).to_have_text(part)


def is_empty(page: Page) -> None:
    expect(page.get_by_role("heading", name="Nothing to review")).to_be_visible()
