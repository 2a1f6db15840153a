"""The loop, in one file.

    outcomes of reviews -> registry.record_evaluation -> registry.decide_retraining
        -> (retrain?) registry.freeze_dataset -> registry.request_training

The rest of the circle: `ingest` stores, draws and answers; `queue.py` hands out; `verdicts.py` settles ground
truth; `models_registry.services.pipeline` trains, compares and promotes; `serving.py` answers with the champion.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Count

from labeling.declared import measure_declared
from labeling.measurement import evaluate
from labeling.models import GroundTruth, Outcome
from labeling.monitoring import keep_watch
from labeling.routing_state import chances_of_drawn, refresh_routing
from models_registry.errors import RunActive
from models_registry.manifest import ManifestImage, ManifestRow
from models_registry.models import Evaluation, ModelVersion, RegisteredModel, RetrainingPolicy, TrainingRun
from models_registry.policy import Decision, RetrainingFacts, RetrainingRules, decide_retraining
from models_registry.services.datasets import freeze_dataset
from models_registry.services.training import request_training
from reviewapp.errors import ReviewAppError

if TYPE_CHECKING:
    from django.contrib.auth.models import User

CODE_VERSION = "feedback-1"


@dataclass(frozen=True, slots=True)
class LoopStep:
    """What one turn of the loop did for one model."""

    evaluation: Evaluation | None
    decision: Decision
    run: TrainingRun | None


def close_the_loop(*, registered_model: RegisteredModel, now: datetime) -> LoopStep:
    """Measure the champion with what people said, decide about retraining, and start it if it is time."""
    refresh_routing(registered_model, now=now)
    champion = ModelVersion.objects.champion_of(registered_model)
    evaluation = None
    if champion is not None:
        evaluation = evaluate(champion, now=now)
        measure_declared(registered_model, now=now)
    keep_watch(registered_model=registered_model, champion=champion, now=now)
    decision, run = retrain_if_due(registered_model=registered_model, now=now)
    return LoopStep(evaluation, decision, run)


@transaction.atomic
def retrain_if_due(*, registered_model: RegisteredModel, now: datetime) -> tuple[Decision, TrainingRun | None]:
    """Decide by the policy and start what is due, under the model's lock: of several callers one decides yes."""
    _lock(registered_model)
    decision = explain_retraining(registered_model, now=now)
    if not decision.retrain:
        return decision, None
    run = _freeze_and_request(
        registered_model, trigger=decision.cause or "new_labels", reason=decision.reason, by=None, now=now
    )
    return decision, run


def explain_retraining(registered_model: RegisteredModel, *, now: datetime) -> Decision:
    """Why the next run starts, or why not now."""
    return decide_retraining(_facts(registered_model, now), _rules(registered_model), now=now)


def request_retraining(*, registered_model: RegisteredModel, by: User, reason: str, now: datetime) -> TrainingRun:
    """A person asks for a run now. The policy's thresholds do not hold them up, an active run does.

    :raises RunActive: one run at a time. :raises ReviewAppError: no reason, or nothing to learn from.
    """
    if not reason.strip():
        raise ReviewAppError(
            "Say why: the reason is kept with the run.", code="reason_missing", fields={"reason": "Required."}
        )
    if not any(one.objects.trainable(registered_model).exists() for one in (GroundTruth, Outcome)):
        raise ReviewAppError("There is no label yet to learn from.", code="no_labels", http_status=409)
    with transaction.atomic():
        _lock(registered_model)
        if TrainingRun.objects.filter(registered_model=registered_model).active().exists():
            raise RunActive(f"{registered_model} is being trained already. One run at a time.")
        return _freeze_and_request(
            registered_model, trigger=TrainingRun.Trigger.PERSON, reason=reason.strip(), by=by, now=now
        )


def _lock(registered_model: RegisteredModel) -> None:
    """One start at a time. NO KEY UPDATE: rows that refer to the model are still written, so no line waits."""
    RegisteredModel.objects.select_for_update(no_key=True).get(pk=registered_model.pk)


def _freeze_and_request(
    registered_model: RegisteredModel, *, trigger: str, reason: str, by: User | None, now: datetime
) -> TrainingRun:
    """Freeze the labels as they stand and queue a run, together or not at all. Under the model's lock.

    The labels are locked as they are read: a verdict that would change one waits, and finds it frozen. A label that
    is settled meanwhile is simply not among them.
    """
    truths, outcomes = _truths(registered_model), _outcomes(registered_model)
    rows = _rows(registered_model, truths, outcomes)
    dataset = freeze_dataset(registered_model=registered_model, rows=rows, cutoff=now, code_version=CODE_VERSION)
    held = set(
        TrainingRun.objects.filter(registered_model=registered_model, status="succeeded").values_list(
            "dataset", flat=True
        )
    )
    for table, labels in ((GroundTruth, truths), (Outcome, outcomes)):
        new = [label.pk for label in labels if label.frozen_in_id not in held]
        table._default_manager.filter(pk__in=new).update(frozen_in=dataset)
    return request_training(dataset=dataset, trigger=trigger, reason=reason, now=now, requested_by=by)


def _truths(registered_model: RegisteredModel) -> list[GroundTruth]:
    """Every label to learn from, locked. What it refers to is read after the lock, never with a join before it."""
    truths = GroundTruth.objects.trainable(registered_model).select_for_update(of=("self",)).order_by("pk")
    return list(truths.prefetch_related("label", "inspection__items"))


def _outcomes(registered_model: RegisteredModel) -> list[Outcome]:
    """What turned out elsewhere about parts that nobody has judged. They train and are never held out."""
    return list(
        Outcome.objects.trainable(registered_model).order_by("pk").prefetch_related("label", "inspection__items")
    )


def _rows(
    registered_model: RegisteredModel, truths: Iterable[GroundTruth], outcomes: Iterable[Outcome]
) -> list[ManifestRow]:
    """Every labelled, judgeable inspection with an image in the store, as rows of a manifest.

    ``pi`` is that of a person's verdict on what was drawn, by whatever design. An outcome has none, drawn or not: it
    came because of what the part was.
    """
    pis = chances_of_drawn(registered_model)
    rows = [_row(truth, pis.get(truth.inspection_id)) for truth in truths]
    rows += [_row(outcome, None) for outcome in outcomes]
    return sorted((row for row in rows if row.images), key=lambda row: row.inspection)


def _row(truth: GroundTruth | Outcome, pi: float | None) -> ManifestRow:
    inspection = truth.inspection
    assert truth.label is not None and inspection is not None  # noqa: PT018, S101 - trainable() leaves out what has none
    return ManifestRow(
        inspection=f"{inspection.station_id}/{inspection.inspection_id}",
        part=inspection.part,
        group=inspection.group_id,
        partition=inspection.partition,  # type: ignore[arg-type]
        label=truth.label.slug,
        weight=1.0,
        pi=pi,
        images=tuple(
            ManifestImage(key=item.image, sha256=item.sha256, item=str(item.public_id))
            for item in inspection.items.all()
            if item.image
        ),
    )


def _facts(registered_model: RegisteredModel, now: datetime) -> RetrainingFacts:
    counts: Counter[str] = Counter()
    for table in (GroundTruth, Outcome):
        labels = table.objects.trainable(registered_model).order_by().values_list("label__slug")
        counts.update(dict(labels.annotate(n=Count("pk"))))
    runs = TrainingRun.objects.filter(registered_model=registered_model)
    finished = runs.filter(status="succeeded").order_by("-finished_at").first()
    failed = runs.filter(status="failed").order_by("-finished_at").first()
    return RetrainingFacts(
        n_new_labels=sum(one.objects.new_for_training(registered_model).count() for one in (GroundTruth, Outcome)),
        n_labels_total=sum(counts.values()),
        n_classes_with_labels=len(counts),
        min_class_labels=min(counts.values(), default=0),
        active_run=runs.active().exists(),
        last_finished_at=finished.finished_at if finished else None,
        last_failed_at=failed.finished_at if failed else None,
        n_runs_this_month=runs.filter(queued_at__gte=now - timedelta(days=30)).count(),
    )


def _rules(registered_model: RegisteredModel) -> RetrainingRules:
    policy = RetrainingPolicy.objects.get_or_create(registered_model=registered_model)[0]
    return RetrainingRules(
        enabled=policy.enabled,
        min_new_labels=policy.min_new_labels,
        min_total_labels=policy.min_total_labels,
        min_classes=2,
        min_per_class=policy.min_per_class,
        cooldown=timedelta(minutes=policy.cooldown_minutes),
        monthly_budget=policy.monthly_budget,
    )
