"""Streams that are not as one expects: each has a defined answer, everywhere a number could be shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

import tests.factories as make
from labeling.measurement import measure
from labeling.models import GroundTruth, Inspection, SamplingDesign
from labeling.windows import Window
from models_registry.models import Label, ModelVersion

NOW = make.NOW
WINDOW = Window.of_days(28, now=NOW)
API = ("accuracy", "confusion", "slices", "reliability", "monitors")
PAGES = ("", "how/", "slices/", "reviews/")

pytestmark = pytest.mark.django_db


@pytest.fixture
def version() -> ModelVersion:
    return make.make_version(stage="champion")


@pytest.fixture
def lena(version: ModelVersion) -> User:
    return make.make_member("lead", registered_model=version.registered_model)


def part(version: ModelVersion, *, truth: str | None = "", said: str = "ok", **fields: Any) -> Inspection:
    names = {name: fields.pop(name) for name in ("day", "captured_at", "received_at") if name in fields}
    item = make.make_item(inspection=make.make_inspection(**names))
    inspection = item.inspection
    make.make_prediction(version=version, inspection=inspection, label=said, confidence=fields.pop("confidence", 0.8))
    make.make_selection(inspection=inspection, registered_model=version.registered_model, **fields)
    if truth != "":
        make.make_ground_truth(registered_model=version.registered_model, inspection=inspection, label=truth)
    return inspection


def nothing(version: ModelVersion) -> dict[str, Any]:
    return {"value": None, "n": 0}


def no_error(version: ModelVersion) -> dict[str, Any]:
    for _ in range(40):
        part(version, truth="ok")
    return {"value": 1, "n": 40, "n_found": 0, "bound_only": True}


def everything_was_reviewed(version: ModelVersion) -> dict[str, Any]:
    for number in range(40):
        part(version, truth="dent" if number < 4 else "ok", pi=1.0)
    return {"value": 0.9, "ci_low": 0.9, "ci_high": 0.9, "method": "census"}


def one_class_only(version: ModelVersion) -> dict[str, Any]:
    for _ in range(40):
        part(version, said="dent", truth="dent")
    return {"value": 1, "bound_only": True}


def everything_was_wrong(version: ModelVersion) -> dict[str, Any]:
    for _ in range(40):
        part(version, said="ok", truth="dent")
    return {"value": 0, "n_found": 40}


def nothing_could_be_judged(version: ModelVersion) -> dict[str, Any]:
    for _ in range(40):
        part(version, truth=None)
    return {"value": None, "n": 0}


def truths_of_parts_that_nobody_drew(version: ModelVersion) -> dict[str, Any]:
    for _ in range(10):
        part(version, truth="dent", u=0.9)
    return {"value": None, "n": 0, "n_arrived": 10}


def a_truth_that_the_model_cannot_say(version: ModelVersion) -> dict[str, Any]:
    """A label of another set: the model was wrong, whatever it said."""
    other = make.make_label_set(labels=[("burr", "Burr", "1")])
    for number in range(40):
        inspection = part(version, truth="ok")
        if number < 10:
            GroundTruth.objects.filter(inspection=inspection).update(label=Label.objects.get(label_set=other))
    return {"value": pytest.approx(0.75), "n": 40, "n_found": 10}


def a_clock_that_went_back(version: ModelVersion) -> dict[str, Any]:
    """Received before it was captured, and a day that had been counted already."""
    for number in range(40):
        when = NOW - timedelta(days=number % 3)
        part(version, truth="ok" if number % 4 else "dent", captured_at=when, received_at=when - timedelta(hours=5))
    return {"value": pytest.approx(0.75), "n": 40, "n_arrived": 40}


def two_designs_that_overlap(version: ModelVersion) -> dict[str, Any]:
    """Drawn by either: pi is 1 - (1 - 0.5)(1 - 0.6) = 0.8, so ten errors of forty weigh 12.5 of the 50 that arrived."""
    fields: dict[str, Any] = {"registered_model": version.registered_model, "number": 8, "is_active": False}
    other = SamplingDesign.objects.create(**fields)
    for number in range(50):
        inspection = part(version, u=0.1 if number < 25 else 0.9)
        make.make_selection(
            inspection=inspection, registered_model=version.registered_model, design=other, pi=0.6,
            u=0.9 if number < 25 or number >= 40 else 0.1,
        )  # fmt: skip
        if number < 40:
            make.make_ground_truth(
                registered_model=version.registered_model, inspection=inspection, label="dent" if number < 10 else "ok"
            )
    return {"value": pytest.approx(0.75), "n": 40, "n_arrived": 50}


def scores_that_are_missing(version: ModelVersion) -> dict[str, Any]:
    for number in range(40):
        part(version, truth="dent" if number < 10 else "ok", confidence=None)
    return {"value": pytest.approx(0.75), "n": 40}


def one_verdict(version: ModelVersion) -> dict[str, Any]:
    part(version, truth="dent")
    return {"n": 1, "bound_only": True}


SCENES: tuple[Callable[[ModelVersion], dict[str, Any]], ...] = (
    nothing, no_error, everything_was_reviewed, one_class_only, everything_was_wrong, nothing_could_be_judged,
    truths_of_parts_that_nobody_drew, a_truth_that_the_model_cannot_say, a_clock_that_went_back,
    two_designs_that_overlap, scores_that_are_missing, one_verdict,
)  # fmt: skip


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_each_has_its_answer_and_every_page_of_figures_stands(
    scene: Callable[[ModelVersion], dict[str, Any]], version: ModelVersion, lena: User
) -> None:
    expected = scene(version)

    found = measure(version, WINDOW).estimate
    client = Client()
    client.force_login(lena)
    slug = version.registered_model.slug
    asked = [f"/models/{slug}/{page}" for page in PAGES] + [f"/api/v1/models/{slug}/{name}/" for name in API]

    assert {name: getattr(found, name) for name in expected} == expected
    assert {address: client.get(address).status_code for address in asked} == dict.fromkeys(asked, 200)
