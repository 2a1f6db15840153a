"""The life of a run: one worker has it, a lost one loses it, a failed one says why."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from labeling.feedback import request_retraining
from labeling.models import GroundTruth
from models_registry.errors import RunActive
from models_registry.models import Alert, Comparison, Dataset, ModelVersion, TrainingRun
from models_registry.services import pipeline, training
from reviewapp.errors import ReviewAppError
from tests.factories import make_user
from tests.factories.labelled import label_images, make_labelled_model

pytestmark = pytest.mark.django_db(transaction=True)
LOST = timedelta(seconds=30)


def requested_run(*, n: int = 40) -> TrainingRun:
    model = make_labelled_model(n=n, promotion={"automatic": True})
    return request_retraining(
        registered_model=model, by=make_user("lena"), reason="A first version.", now=timezone.now()
    )


def test_a_run_ends_with_a_champion_whose_every_step_is_told() -> None:
    run = requested_run()
    assert pipeline.execute(run.pk)
    run.refresh_from_db()
    assert run.status == "succeeded"
    assert run.version.stage == "champion"
    assert run.version.metrics["holdout_n"] == run.dataset.n_holdout
    assert [step.status for step in run.steps.all()] == ["done"] * len(training.STEPS)
    assert all(check["passed"] for step in run.steps.all() for check in step.checks)
    assert Comparison.objects.get().champion is None


def test_the_next_version_is_compared_on_the_same_held_out_inspections() -> None:
    run = requested_run()
    pipeline.execute(run.pk)
    label_images(run.registered_model, start=40, n=60)
    second = request_retraining(
        registered_model=run.registered_model, by=make_user("lena"), reason="More labels.", now=timezone.now()
    )
    assert pipeline.execute(second.pk)
    comparison = second.comparison
    assert comparison.champion == run.version
    assert comparison.n == second.dataset.n_holdout
    assert comparison.gain is not None
    assert comparison.reason


def test_a_doubled_message_trains_once() -> None:
    run = requested_run()
    assert pipeline.execute(run.pk)
    assert not pipeline.execute(run.pk)
    assert ModelVersion.objects.count() == 1


def test_one_run_at_a_time() -> None:
    run = requested_run()
    with pytest.raises(RunActive):
        request_retraining(
            registered_model=run.registered_model, by=make_user("lena"), reason="Again.", now=timezone.now()
        )
    assert TrainingRun.objects.count() == 1
    assert Dataset.objects.count() == 1


def test_a_run_without_a_reason_or_a_label_is_refused() -> None:
    model = make_labelled_model(n=0)
    with pytest.raises(ReviewAppError, match="no label"):
        request_retraining(registered_model=model, by=make_user("lena"), reason="Now.", now=timezone.now())
    with pytest.raises(ReviewAppError, match="why"):
        request_retraining(registered_model=model, by=make_user("lena"), reason=" ", now=timezone.now())


def test_a_worker_that_lost_its_run_cannot_write_to_it() -> None:
    run = requested_run()
    first = training.claim_run(run.pk, now=timezone.now() - 2 * LOST)
    assert first is not None
    assert training.sweep(now=timezone.now(), lost_after=LOST) == [run.pk]
    second = training.claim_run(run.pk, now=timezone.now())
    assert second is not None
    assert not training.beat_heart(first, now=timezone.now())
    training.update_step(first, "fit", detail="from the lost worker")
    assert not training.succeed(first, outcome="late", now=timezone.now())
    assert run.steps.get(name="fit").detail == ""
    assert training.beat_heart(second, now=timezone.now())


def test_a_living_run_is_left_alone() -> None:
    run = requested_run()
    training.claim_run(run.pk, now=timezone.now())
    assert training.sweep(now=timezone.now(), lost_after=LOST) == []


def test_a_run_whose_message_was_lost_is_nudged_again() -> None:
    run = requested_run()
    TrainingRun.objects.update(queued_at=timezone.now() - 2 * LOST)
    assert training.sweep(now=timezone.now(), lost_after=LOST) == [run.pk]


def test_a_run_that_kills_every_worker_is_given_up() -> None:
    run = requested_run()
    for _ in range(training.MAX_ATTEMPTS):
        assert training.claim_run(run.pk, now=timezone.now() - 2 * LOST)
        training.sweep(now=timezone.now(), lost_after=LOST)
    run.refresh_from_db()
    assert run.status == "failed"
    assert "lost 5 times" in run.outcome
    assert Alert.objects.get().kind == "run_failed"


def test_a_cancelled_run_stops_at_its_worker() -> None:
    run = requested_run()
    mine = training.claim_run(run.pk, now=timezone.now())
    assert mine is not None
    assert training.cancel(run, reason="Not now.", now=timezone.now())
    assert not training.beat_heart(mine, now=timezone.now())
    assert not training.cancel(run, reason="Again.", now=timezone.now())


def test_an_image_that_changed_fails_the_run_and_names_it() -> None:
    run = requested_run()
    truth = GroundTruth.objects.filter(registered_model=run.registered_model).first()
    assert truth is not None
    key = truth.inspection.items.get().image
    default_storage.delete(key)
    default_storage.save(key, ContentFile(b"other bytes"))
    assert not pipeline.execute(run.pk)
    run.refresh_from_db()
    assert run.status == "failed"
    assert key in run.outcome
    assert "hash" in run.outcome
    assert run.steps.get(name="features").status == "failed"
    assert not ModelVersion.objects.exists()


def test_labels_of_a_failed_run_are_new_again() -> None:
    run = requested_run()
    model = run.registered_model
    assert GroundTruth.objects.new_for_training(model).count() == 40
    training.claim_run(run.pk, now=timezone.now())
    run.refresh_from_db()
    training.fail(run, step="fit", reason="No luck.", now=timezone.now())
    assert GroundTruth.objects.new_for_training(model).count() == 40
    again = request_retraining(registered_model=model, by=make_user("lena"), reason="Again.", now=timezone.now())
    pipeline.execute(again.pk)
    assert GroundTruth.objects.new_for_training(model).count() == 0


def test_one_class_fails_with_what_to_do() -> None:
    model = make_labelled_model(n=20)
    GroundTruth.objects.update(label=model.label_set.labels.get(slug="ok"))
    run = request_retraining(registered_model=model, by=make_user("lena"), reason="Try.", now=timezone.now())
    assert not pipeline.execute(run.pk)
    run.refresh_from_db()
    assert run.status == "failed"
    assert "ok 1" in run.outcome
