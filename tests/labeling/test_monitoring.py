"""What arrived and was judged reaches the monitors in order of arrival, exactly once."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

import tests.factories as make
from labeling.feedback import close_the_loop
from labeling.models import GroundTruth, Inspection, PendingDraw
from labeling.monitoring import AT_ONCE, advance, keep_watch
from labeling.tallies import fold
from models_registry.models import Alert, ModelVersion, Monitor, RegisteredModel
from tests.together import all_done

NOW = make.NOW


@pytest.fixture
def model(db: None) -> RegisteredModel:
    return make.make_model(target_accuracy=0.96)


@pytest.fixture
def version(model: RegisteredModel) -> ModelVersion:
    version = make.make_version(registered_model=model)
    turn(version)
    return version


def turn(version: ModelVersion, *, days: float = 0) -> int:
    fold()
    at = NOW + timedelta(days=days)
    return keep_watch(registered_model=version.registered_model, champion=version, now=at)


def part(
    version: ModelVersion, *, said: str = "ok", drawn: bool = True, true: str | None = "", **fields: Any
) -> Inspection:
    """A part that arrived: drawn with one chance in twenty or not, and judged when ``true`` says as what."""
    inspection = make.make_inspection()
    make.make_prediction(version=version, inspection=inspection, label=said)
    draw = {"pi": 0.05, "floor_pi": 0.04, "u": 0.01 if drawn else 0.9, **fields}
    make.make_selection(inspection=inspection, registered_model=version.registered_model, **draw)
    if true != "":
        judge(version, inspection, true)
    return inspection


def judge(version: ModelVersion, inspection: Inspection, label: str | None) -> GroundTruth:
    return make.make_ground_truth(registered_model=version.registered_model, inspection=inspection, label=label)


def told(version: ModelVersion) -> tuple[int, int, int, int]:
    monitor = Monitor.objects.get(model_version=version, guard="", ended_at=None)
    return monitor.n_fed, monitor.n_drawn, monitor.n_errors, monitor.n_unanswered


def test_what_arrived_is_fed_drawn_or_not_and_leaves_the_queue(version: ModelVersion) -> None:
    part(version, true="ok")
    part(version, drawn=False)
    part(version, drawn=False)
    part(version, said="scratch", true="dent")
    part(version, drawn=False)

    assert turn(version) == 3  # two draws, and one that came after them
    assert told(version) == (5, 2, 1, 0)
    assert not PendingDraw.objects.exists()
    assert turn(version) == 0
    assert told(version) == (5, 2, 1, 0)


def test_nothing_passes_the_first_draw_that_is_still_open(version: ModelVersion) -> None:
    part(version, true="ok")
    open_one = part(version)
    part(version, true="dent")

    assert turn(version) == 1
    assert told(version) == (1, 1, 0, 0)
    judge(version, open_one, "ok")
    assert turn(version) == 2
    assert told(version) == (3, 3, 1, 0)


def test_a_truth_in_another_model_opens_nothing(version: ModelVersion) -> None:
    inspection = part(version)
    make.make_ground_truth(inspection=inspection)
    assert turn(version) == 0


def test_what_cannot_be_judged_or_was_withdrawn_is_no_arrival(version: ModelVersion) -> None:
    part(version, drawn=False)
    part(version, true=None)  # not judgeable
    withdrawn = part(version)
    Inspection.objects.filter(pk=withdrawn.pk).update(withdrawn_at=NOW)
    part(version, true="ok")

    assert turn(version) == 3
    assert told(version) == (2, 1, 0, 0)


def test_a_draw_that_nobody_judges_holds_the_others_up_for_the_days_of_the_policy_and_no_longer(
    model: RegisteredModel, version: ModelVersion
) -> None:
    model.review_policy.measuring_days = 3
    model.review_policy.save()
    part(version)
    part(version, true="dent")

    assert turn(version, days=2.9) == 0
    assert turn(version, days=3.1) == 2
    assert told(version) == (2, 2, 1, 1)


def test_a_verdict_on_the_last_day_counts_however_late_the_loop_comes(version: ModelVersion) -> None:
    judge(version, part(version), "dent")
    turn(version, days=100)
    assert told(version) == (1, 1, 1, 0)


def test_a_verdict_that_changes_after_it_was_fed_stays_fed(version: ModelVersion) -> None:
    truth = judge(version, part(version), "dent")
    turn(version)
    truth.delete()
    turn(version)
    judge(version, truth.inspection, "ok")
    turn(version)
    assert told(version) == (1, 1, 1, 0)


def test_a_defect_that_passes_rings_at_the_guard_of_its_class(model: RegisteredModel, version: ModelVersion) -> None:
    make.make_limit(registered_model=model, label="dent", max_rate=0.001)
    for _ in range(12):
        part(version, said="ok", true="dent")
        part(version, said="scratch", true="dent")
    turn(version)

    errors = {one.guard: one.n_errors for one in Monitor.objects.filter(ended_at=None)}
    assert errors == {"": 24, "escape:dent": 12}
    assert {one.slice for one in Alert.objects.filter(resolved_at=None)} == {"", "escape:dent"}


def test_without_a_target_or_limit_nothing_waits_in_the_queue(db: None) -> None:
    version = make.make_version()
    part(version)
    assert turn(version) == 0
    assert not PendingDraw.objects.exists()
    assert not Monitor.objects.exists()


def test_only_the_champion_is_watched_and_a_new_one_begins_anew(version: ModelVersion) -> None:
    part(version, true="dent")
    turn(version)
    part(version)
    ModelVersion.objects.filter(pk=version.pk).update(stage="retired")
    newer = make.make_version(registered_model=version.registered_model)
    assert newer.stage == "champion"
    part(newer, true="ok")
    turn(newer)

    assert told(newer) == (1, 1, 0, 0)
    assert Monitor.objects.get(model_version=version).ended_at == NOW
    assert not PendingDraw.objects.exists()


def test_the_loop_keeps_watch(version: ModelVersion) -> None:
    part(version, true="dent")
    fold()
    close_the_loop(registered_model=version.registered_model, now=NOW)
    assert told(version) == (1, 1, 1, 0)


def test_a_long_queue_is_fed_in_slices(version: ModelVersion) -> None:
    PendingDraw.objects.bulk_create(PendingDraw(model_version=version, n_before=2) for _ in range(AT_ONCE + 7))
    assert advance(version=version, now=NOW) == AT_ONCE + 7
    assert told(version)[0] == 2 * (AT_ONCE + 7)


def test_a_verdict_costs_as_many_queries_however_much_went_before(version: ModelVersion) -> None:
    counts = []
    for n in (1, 40):
        for _ in range(n):
            part(version, true="ok")
        fold()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            advance(version=version, now=NOW)
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.django_db(transaction=True)
def test_two_workers_in_the_same_moment_feed_once_and_start_once() -> None:
    model = make.make_model(target_accuracy=0.96)
    version = make.make_version(registered_model=model)
    for _ in range(30):
        part(version, said="ok", true="dent")
    fold()

    watch = partial(keep_watch, registered_model=model, champion=version, now=NOW)
    fed = all_done([watch, watch, watch])

    assert sorted(fed) == [0, 0, 30]
    assert Monitor.objects.count() == 1
    assert told(version) == (30, 30, 30, 0)
    assert Alert.objects.filter(resolved_at=None).count() == 1
