"""A version's figures over the API: the page's numbers, with their intervals, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

import tests.factories as make
from labeling.tallies import fold
from models_registry.models import ModelVersion

NAMES = ("accuracy", "confusion", "slices", "reliability")


@pytest.fixture
def version(db: None) -> ModelVersion:
    return make.make_version(registered_model=make.make_model(slug="flange", target_accuracy=0.96))


@pytest.fixture
def lena(client: Client, version: ModelVersion) -> Client:
    client.force_login(make.make_member("lead", registered_model=version.registered_model))
    return client


def stream(version: ModelVersion) -> None:
    """920 parts. 800 had a chance of 5 %: 40 drawn, all right. 120 had 50 %: 60 drawn, 30 of them dents called OK."""
    now = timezone.now()
    make.make_judged(version=version, n=40, pi=0.05, captured_at=now, lot="L1")
    make.make_judged(version=version, n=760, pi=0.05, drawn=False, captured_at=now)
    make.make_judged(version=version, n=30, pi=0.5, captured_at=now, lot="L1")
    make.make_judged(version=version, n=30, truth="dent", pi=0.5, captured_at=now, lot="L2")
    make.make_judged(version=version, n=60, pi=0.5, drawn=False, captured_at=now)
    fold()


def told(client: Client, name: str, query: str = "") -> dict[str, Any]:
    answer = client.get(f"/api/v1/models/flange/{name}/{query}")
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_accuracy_comes_with_its_interval_n_and_the_plain_share_beside_it(lena: Client, version: ModelVersion) -> None:
    stream(version)
    found = told(lena, "accuracy")

    accuracy = found["accuracy"]
    assert accuracy["value"] == pytest.approx(1 - 60 / 920)
    assert accuracy["low"] < accuracy["value"] < accuracy["high"]
    assert (accuracy["n"], accuracy["n_found"], found["n_arrived"]) == (100, 30, 920)
    assert found["plain_share"]["value"] == pytest.approx(0.7)
    assert "10.0 times as often" in found["why_not_plain"]
    assert found["escape_rate"]["value"] == 1
    assert found["missed_per_million"]["value"] == pytest.approx(1e6 * 60 / 920)
    assert found["cost"] is None
    assert found["designs"] == [1]
    assert len(found["inputs_hash"]) == 64


def test_too_little_gives_a_bound_and_no_value(lena: Client, version: ModelVersion) -> None:
    for drawn in (True, False):
        make.make_judged(version=version, n=12, drawn=drawn, captured_at=timezone.now())
    found = told(lena, "accuracy")["accuracy"]

    assert (found["value"], found["low"], found["high"]) == (None, None, None)
    assert 0 < found["lower_bound"] < 1


def test_the_same_window_has_the_same_hash_and_a_new_verdict_another(lena: Client, version: ModelVersion) -> None:
    stream(version)
    first = told(lena, "accuracy")["inputs_hash"]
    assert told(lena, "confusion")["inputs_hash"] == first
    make.make_judged(version=version, n=1, captured_at=timezone.now())
    assert told(lena, "accuracy")["inputs_hash"] != first


def test_confusion_names_every_pair(lena: Client, version: ModelVersion) -> None:
    stream(version)
    found = told(lena, "confusion")

    assert len(found["cells"]) == len(found["labels"]) ** 2
    (dent,) = [cell for cell in found["cells"] if (cell["true"], cell["predicted"]) == ("dent", "ok")]
    assert (dent["n"], dent["of_true"]["value"]) == (30, 1.0)
    assert dent["of_all"]["value"] == pytest.approx(60 / 920)
    assert found["escapes"][0]["label"] == "dent"


def test_slices_come_with_evidence_and_small_ones_without_a_number(lena: Client, version: ModelVersion) -> None:
    stream(version)
    make.make_judged(version=version, n=2, captured_at=timezone.now(), lot="L3")
    rows = {row["key"]: row for row in told(lena, "slices")["slices"] if row["dimension"] == "lot"}

    assert rows["L2"]["state"] == "critical"
    assert rows["L2"]["evidence"] > 100
    assert rows["L3"]["state"] == "few"
    assert (rows["L3"]["evidence"], rows["L3"]["accuracy"]["value"], rows["L3"]["accuracy"]["lower_bound"]) == (
        None,
    ) * 3


def test_reliability_compares_said_and_right(lena: Client, version: ModelVersion) -> None:
    """It said 0.9 of everything (its own error guess is 0.1), and dents at 0.9 were wrong."""
    stream(version)
    found = told(lena, "reliability")

    assert found["n"] == 100
    assert [one["right"]["n"] for one in found["tenths"]] == [100]
    assert found["tenths"][0]["right"]["value"] < found["tenths"][0]["mean_confidence"] + 0.1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("window=3", "window"), ("window=", "window"), ("window=7&window=28", "window"), ("until=soon", "until"),
        ("source=nowhere", "source"), ("version=none", "version"), ("colour=red", "colour"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_with_its_field(
    lena: Client, version: ModelVersion, name: str, query: str, field: str
) -> None:
    answer = lena.get(f"/api/v1/models/flange/{name}/?{query}")

    assert answer.status_code == 400
    assert set(answer.json()["error"]["fields"]) == {field}


@pytest.mark.parametrize("name", NAMES)
def test_a_model_without_a_version_is_not_measured(client: Client, name: str, db: None) -> None:
    model = make.make_model(slug="flange")
    client.force_login(make.make_member("lead", registered_model=model))
    answer = client.get(f"/api/v1/models/flange/{name}/")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "no_version")


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_window_is_answered_without_numbers(lena: Client, version: ModelVersion, name: str) -> None:
    assert told(lena, name, "?until=2026-01-01")["version"] == version.number


def test_an_older_version_is_asked_for_by_its_number(lena: Client, version: ModelVersion) -> None:
    old = make.make_version(registered_model=version.registered_model, number=7, stage="retired")
    make.make_judged(version=old, n=40, captured_at=timezone.now())

    assert told(lena, "accuracy")["accuracy"]["n"] == 0
    assert told(lena, "accuracy", "?version=v7")["accuracy"]["n"] == 40
