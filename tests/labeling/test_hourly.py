"""Facts that are reckoned hourly, against rows of the database: drift, calibration, people's agreement."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from django.db.models import F

import tests.factories as make
from labeling.feedback import explain_retraining
from labeling.hourly import AT_ONCE, due_hourly, reckon
from labeling.image_quality import RECIPE
from labeling.models import HourlyFacts, Inspection, Item, ItemQuality, Prediction, Source
from models_registry.models import ModelVersion, RegisteredModel

NOW = make.NOW
pytestmark = pytest.mark.django_db


@pytest.fixture
def champion() -> ModelVersion:
    return make.make_version()


@pytest.fixture
def model(champion: ModelVersion) -> RegisteredModel:
    return champion.registered_model


def arrived(champion: ModelVersion, *, days_ago: int, ok: int, scratch: int, confidence: float = 0.9) -> None:
    """What a champion said of parts of one production day; nobody looked at them."""
    for label, n in (("ok", ok), ("scratch", scratch)):
        make.make_judged(
            version=champion, n=n, said=label, drawn=False, confidence=confidence,
            captured_at=NOW - timedelta(days=days_ago),
        )  # fmt: skip


def test_a_model_is_reckoned_anew_after_an_hour_and_the_longest_forgotten_first() -> None:
    fresh, old, older, never = (make.make_model() for _ in range(4))
    make.make_hourly(registered_model=fresh, measured_at=NOW - timedelta(minutes=59))
    make.make_hourly(registered_model=old, measured_at=NOW - timedelta(hours=1))
    make.make_hourly(registered_model=older, measured_at=NOW - timedelta(hours=9))

    assert due_hourly([fresh, old, older, never], now=NOW) == [never, older, old]
    assert len(due_hourly([never] * (AT_ONCE + 5), now=NOW)) == AT_ONCE


def test_without_a_champion_or_a_verdict_nothing_is_measurable_and_the_row_is_one() -> None:
    model = make.make_model()
    for hours in (0, 1):
        reckon(model, now=NOW + timedelta(hours=hours))

    row = HourlyFacts.objects.get()
    assert (row.drift_windows, row.own_word_fall, row.ece, row.ece_low, row.agreement) == (None,) * 5
    assert (row.n_overlap, row.measured_at) == (0, NOW + timedelta(hours=1))
    assert "not measurable yet" in {one.name: one.detail for one in explain_retraining(model, now=NOW).causes}["drift"]


def test_two_windows_that_differ_from_the_first_weeks_are_drift_and_the_models_doubt_has_grown(
    champion: ModelVersion, model: RegisteredModel
) -> None:
    arrived(champion, days_ago=50, ok=900, scratch=100)
    assert reckon(model, now=NOW).drift_windows is None  # nothing in the newest window to compare
    arrived(champion, days_ago=10, ok=120, scratch=120, confidence=0.7)
    arrived(champion, days_ago=1, ok=120, scratch=120, confidence=0.7)
    arrived(champion, days_ago=-1, ok=60, scratch=60, confidence=0.7)  # east of Greenwich it is tomorrow already

    row = reckon(model, now=NOW)

    assert row.drift_windows == 2
    assert row.own_word_fall == pytest.approx(0.2)
    drift = next(one for one in explain_retraining(model, now=NOW).causes if one.name == "drift")
    assert "2 windows in a row" in drift.detail


def test_a_week_as_usual_in_between_breaks_the_row(champion: ModelVersion, model: RegisteredModel) -> None:
    arrived(champion, days_ago=50, ok=900, scratch=100)
    arrived(champion, days_ago=10, ok=180, scratch=20)
    arrived(champion, days_ago=1, ok=120, scratch=120)
    assert reckon(model, now=NOW).drift_windows == 1

    arrived(champion, days_ago=1, ok=2000, scratch=100)
    assert reckon(model, now=NOW).drift_windows == 0


def test_a_champion_younger_than_its_reference_and_two_windows_has_no_drift(
    champion: ModelVersion, model: RegisteredModel
) -> None:
    arrived(champion, days_ago=41, ok=900, scratch=100)
    arrived(champion, days_ago=1, ok=10, scratch=290)
    assert reckon(model, now=NOW).drift_windows is None


def test_a_model_that_is_surer_than_right_asks_for_calibration(champion: ModelVersion, model: RegisteredModel) -> None:
    for truth, n in (("ok", 70), ("scratch", 30)):
        make.make_judged(version=champion, n=n, truth=truth, confidence=0.95, captured_at=NOW - timedelta(days=1))

    row = reckon(model, now=NOW)

    assert row.ece == pytest.approx(0.25, abs=0.05)
    assert row.ece is not None
    assert row.ece_low is not None
    assert 0.1 < row.ece_low < row.ece
    assert [one.name for one in explain_retraining(model, now=NOW).causes if one.passed] == ["calibration"]


def test_people_who_judged_the_same_parts_agree_or_hold_the_next_run_back(model: RegisteredModel) -> None:
    model.retraining_policy.min_agreement = 0.6
    model.retraining_policy.save()
    alice, bob, ann = make.make_user("alice"), make.make_user("bob"), make.make_user("ann")

    def both(hers: str, his: str) -> None:
        review = make.make_review(registered_model=model)
        make.make_verdict(review=review, reviewer=alice, label=hers)
        make.make_verdict(review=review, reviewer=bob, label=his)

    for number in range(50):
        both("ok", "ok") if number % 2 else both("scratch", "scratch")
    row = reckon(model, now=NOW)
    assert (row.agreement, row.n_overlap) == (1.0, 50)

    for _ in range(50):
        both("ok", "scratch")
    one_voice = make.make_review(registered_model=model)
    make.make_verdict(review=one_voice, reviewer=alice)
    make.make_verdict(review=one_voice, reviewer=ann, surface="adjudication")  # who settles has seen the others
    row = reckon(model, now=NOW)
    assert row.n_overlap == 100
    assert row.agreement == pytest.approx(0.03, abs=0.03)
    guards = {one.name: one.passed for one in explain_retraining(model, now=NOW).guards}
    assert guards["label_quality"] is False

    assert reckon(model, now=NOW + timedelta(days=91)).n_overlap == 0


def photographed(camera: Source, *, days_ago: range, brightness: float, seed: int = 0) -> None:
    """Forty images a day, in two shifts; one feature is measured of them."""
    rng = np.random.default_rng(seed)
    midnight = NOW.replace(hour=0)
    at = [
        midnight + timedelta(hours=6 * (n % 2), minutes=n) - timedelta(days=day) for day in days_ago for n in range(40)
    ]
    parts = Inspection.objects.bulk_create(
        Inspection(
            station=camera.station, inspection_id=f"photo-{make.next_number()}", group_id="photos", captured_at=one,
            received_at=one, day=one.date(), partition="train",
        )
        for one in at
    )  # fmt: skip
    items = Item.objects.bulk_create(
        Item(inspection=part, source=camera, created_at=part.captured_at) for part in parts
    )
    ItemQuality.objects.bulk_create(
        ItemQuality(
            item=item, recipe=RECIPE, features={"brightness": rng.normal(brightness, 10), "jpeg_quality": None},
            measured_at=item.created_at,
        )
        for item in items
    )  # fmt: skip


def test_the_brightness_of_one_camera_is_named_and_another_stations_camera_is_none_of_the_models(
    champion: ModelVersion, model: RegisteredModel
) -> None:
    steady, darker, elsewhere = make.make_source(name="Top"), make.make_source(name="Side"), make.make_source()
    for camera in (steady, darker):
        make.make_deployment(station=camera.station, version=champion)
    arrived(champion, days_ago=50, ok=900, scratch=100)
    arrived(champion, days_ago=10, ok=180, scratch=20, confidence=0.9)
    arrived(champion, days_ago=1, ok=180, scratch=20, confidence=0.9)
    for camera, now in ((steady, 120), (darker, 113), (elsewhere, 20)):
        photographed(camera, days_ago=range(23, 51), brightness=120)
        photographed(camera, days_ago=range(14), brightness=now, seed=1)

    row = reckon(model, now=NOW)

    assert (row.drift_windows, row.drift_of) == (2, "the brightness of Side")
    drift = next(one for one in explain_retraining(model, now=NOW).causes if one.name == "drift")
    assert "Drift of the brightness of Side, but accuracy by the model's own word" in drift.detail
    assert not drift.passed


def test_how_sure_it_is_drifts_while_it_predicts_the_same(champion: ModelVersion, model: RegisteredModel) -> None:
    for day in (*range(23, 51), *range(14)):
        arrived(champion, days_ago=day, ok=38, scratch=2, confidence=0.9 if day > 20 else 0.8)
    early = Prediction.objects.annotate(shift=F("pk") % 2).filter(shift=1)
    early.update(predicted_at=F("predicted_at") - timedelta(hours=6))

    row = reckon(model, now=NOW)

    assert (row.drift_windows, row.drift_of) == (2, "how sure it is")
    assert row.own_word_fall == pytest.approx(0.1)
    drift = next(one for one in explain_retraining(model, now=NOW).causes if one.name == "drift")
    assert drift.passed
    assert drift.detail.startswith("Drift of how sure it is in 2 windows in a row")
