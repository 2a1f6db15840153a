"""The loop decides once, counts each new label once, and never holds up a line or loses a verdict."""

from __future__ import annotations

import uuid
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

import tests.factories as make
from labeling.errors import UndoRefused
from labeling.feedback import close_the_loop, due_for_retraining, explain_retraining, request_retraining
from labeling.models import GroundTruth, Inspection
from labeling.verdicts import Said, record_verdict, undo
from models_registry.errors import RunActive
from models_registry.models import Dataset, RegisteredModel, RetrainingDecision, RetrainingPolicy, TrainingRun
from reviewapp.errors import ReviewAppError
from tests.together import together

NOW = make.NOW
POLICY = {"min_new_labels": 4, "min_total_labels": 4, "min_per_class": 2, "cooldown_minutes": 0}


@pytest.fixture(autouse=True)
def store(tmp_path: Path, settings: Any) -> None:
    local = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = {**settings.STORAGES, "default": local}


@pytest.fixture
def model(db: None) -> RegisteredModel:
    return make.make_model(retraining=POLICY)


def labels(model: RegisteredModel, n: int) -> list[Inspection]:
    """``n`` settled parts with an image, half of them scratched."""
    parts = [make.make_inspection() for _ in range(n)]
    for number, part in enumerate(parts, start=GroundTruth.objects.count()):
        make.make_item(inspection=part, content=make.png(shade=number))
        make.make_ground_truth(registered_model=model, inspection=part, label="ok" if number % 2 else "scratch")
    return parts


def turn(model: RegisteredModel, *, hours: int = 0) -> TrainingRun | None:
    return close_the_loop(registered_model=model, now=NOW + timedelta(hours=hours)).run


def finish(run: TrainingRun, status: str) -> None:
    run.status, run.started_at, run.finished_at = status, NOW, NOW
    run.save()


def n_new(model: RegisteredModel) -> int:
    return GroundTruth.objects.new_for_training(model).count()


def test_the_threshold_starts_a_run_with_what_is_settled(model: RegisteredModel) -> None:
    labels(model, 3)
    assert turn(model) is None
    labels(model, 1)

    run = turn(model)

    assert run is not None
    assert (run.trigger, run.status, run.dataset.n_train + run.dataset.n_holdout) == ("new_labels", "queued", 4)
    assert GroundTruth.objects.filter(frozen_in=run.dataset).count() == 4
    assert turn(model) is None


def test_new_labels_are_counted_once(model: RegisteredModel) -> None:
    labels(model, 4)
    run = turn(model)
    assert run is not None
    finish(run, "succeeded")

    assert (n_new(model), turn(model, hours=1)) == (0, None)
    labels(model, 2)
    assert n_new(model) == 2


def test_the_labels_of_a_failed_run_count_again(model: RegisteredModel) -> None:
    labels(model, 4)
    run = turn(model)
    assert run is not None
    finish(run, "failed")

    assert n_new(model) == 4
    again = turn(model, hours=48)
    assert again is not None
    assert again.dataset.n_train + again.dataset.n_holdout == 4


def test_a_person_asks_for_a_run_below_the_threshold_but_not_beside_an_active_one(model: RegisteredModel) -> None:
    lena = make.make_member("lead", registered_model=model)
    ask = partial(request_retraining, registered_model=model, by=lena, now=NOW)
    with pytest.raises(ReviewAppError) as refusal:
        ask(reason="Try.")
    assert refusal.value.code == "no_labels"
    labels(model, 2)
    with pytest.raises(ReviewAppError) as refusal:
        ask(reason="  ")
    assert refusal.value.code == "reason_missing"

    run = ask(reason=" New camera. ")

    assert (run.trigger, run.reason, run.requested_by) == ("person", "New camera.", lena)
    with pytest.raises(RunActive):
        ask(reason="Again.")


@pytest.mark.django_db(transaction=True)
def test_twenty_turns_in_the_same_moment_make_one_run(model: RegisteredModel) -> None:
    labels(model, 4)

    found = together([partial(turn, model)] * 20)

    assert not [one for one in found if isinstance(one, Exception)]
    assert len([one for one in found if one is not None]) == 1
    assert (TrainingRun.objects.count(), Dataset.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_a_turn_that_waited_for_another_decides_anew(model: RegisteredModel) -> None:
    """The run of the first is over before the second gets the lock: what was new then is not new any more."""
    labels(model, 4)
    with transaction.atomic():
        run = turn(model)
        assert run is not None
        finish(run, "succeeded")
        assert explain_retraining(model, now=NOW).retrain is False

    assert together([partial(turn, model)]) == [None]


@pytest.mark.django_db(transaction=True)
def test_while_a_dataset_is_frozen_lines_go_on_and_an_undo_waits_and_is_refused(model: RegisteredModel) -> None:
    alice = make.make_member(registered_model=model)
    review = make.make_review(registered_model=model)
    make.make_item(inspection=review.inspection, content=make.png())
    said = Said(uuid.uuid4(), "label", "scratch", "blind", NOW - timedelta(seconds=2), NOW)
    record_verdict(review_id=review.pk, reviewer=alice, said=said, now=NOW)
    labels(model, 3)

    def line_goes_on() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '500ms'")
        return make.make_selection(inspection=make.make_inspection(), registered_model=model).pk

    def take_back() -> str:
        try:
            undo(target=said.client_id, client_id=uuid.uuid4(), reviewer=alice, now=NOW)
        except UndoRefused as refusal:
            return refusal.code
        return "taken back"

    def impatient() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        return take_back()

    with transaction.atomic():
        assert turn(model) is not None
        assert isinstance(together([line_goes_on])[0], int)
        assert "lock timeout" in str(together([impatient])[0])

    assert together([take_back]) == ["verdict_frozen"]
    assert GroundTruth.objects.filter(frozen_in__isnull=False).count() == 4


def ledger(model: RegisteredModel) -> list[tuple[bool, str, int]]:
    rows = RetrainingDecision.objects.filter(registered_model=model).order_by("pk")
    return list(rows.values_list("retrain", "cause", "n_repeats"))


def test_the_ledger_has_a_row_for_each_change_and_one_a_day_without(model: RegisteredModel) -> None:
    labels(model, 1)
    for hours in (0, 1, 2, 24, 25):
        turn(model, hours=hours)
        labels(model, int(hours == 2))  # one more label changes the counts and nothing else
    assert ledger(model) == [(False, "", 0), (False, "", 2)]

    labels(model, 2)
    run = turn(model, hours=26)

    assert ledger(model)[2:] == [(True, "new_labels", 1)]
    row = RetrainingDecision.objects.latest("pk")
    assert (row.run, row.reason, row.n_new_labels) == (run, "4 new labels since the last dataset, 4 needed.", 4)
    assert {one["name"] for one in row.guards if not one["passed"]} == set()
    turn(model, hours=27)
    assert RetrainingDecision.objects.latest("pk").reason == "A run is active."


def test_a_person_stands_in_the_ledger_with_what_the_policy_would_have_said(model: RegisteredModel) -> None:
    lena = make.make_member("lead", registered_model=model)
    labels(model, 2)

    run = request_retraining(registered_model=model, by=lena, reason="New camera.", now=NOW)

    row = RetrainingDecision.objects.get()
    assert (row.run, row.cause, row.reason) == (run, "person", "New camera.")
    assert "per_class" in {one["name"] for one in row.guards if not one["passed"]}


def test_a_systems_wish_asks_until_a_run_has_started_or_a_week_has_passed(model: RegisteredModel) -> None:
    wish = make.make_request(registered_model=model)
    labels(model, 3)
    assert [one.name for one in explain_retraining(model, now=NOW).causes if one.passed] == ["event"]
    assert explain_retraining(model, now=NOW + timedelta(days=7)).cause is None

    labels(model, 1)
    run = turn(model)

    assert run is not None
    assert run.trigger == "event"
    wish.refresh_from_db()
    assert wish.run == run
    finish(run, "succeeded")
    assert explain_retraining(model, now=NOW).cause is None


@pytest.mark.django_db(transaction=True)
def test_two_beats_over_missed_times_of_a_schedule_make_one_run(model: RegisteredModel) -> None:
    RetrainingPolicy.objects.update(
        schedule="0 * * * *", schedule_since=NOW, min_new_labels=99, min_between=1, min_total_labels=2
    )
    labels(model, 4)

    found = together([partial(turn, model, hours=72)] * 2)
    runs = [one for one in found if isinstance(one, TrainingRun)]

    assert [one.trigger for one in runs] == ["schedule"]
    finish(runs[0], "succeeded")
    labels(model, 1)
    assert turn(model, hours=0) is None  # queued at hour 72: nothing is due until hour 73
    assert TrainingRun.objects.count() == 1


def test_one_look_at_many_models_takes_as_many_queries_as_at_one(
    model: RegisteredModel, django_assert_max_num_queries: Any
) -> None:
    others = [make.make_model(retraining=POLICY) for _ in range(12)]
    for one in (model, others[0]):
        labels(one, 4)
    with django_assert_max_num_queries(20):
        found = due_for_retraining([model, *others], now=NOW)

    assert found == [model, others[0]]
    assert RetrainingDecision.objects.count() == 11
    with django_assert_max_num_queries(20):
        due_for_retraining([model, *others], now=NOW)
    assert RetrainingDecision.objects.count() == 11
