"""The loop, in one file.

    outcomes of reviews -> registry.record_evaluation -> registry.decide_retraining
        -> (retrain?) registry.freeze_dataset -> registry.request_training

The rest of the circle: `ingest` stores, draws and answers; `queue.py` hands out; `verdicts.py` settles ground
truth; `models_registry.services.pipeline` trains, compares and promotes; `serving.py` answers with the champion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from labeling.canaries import end_decided_canaries, running_canary
from labeling.declared import measure_declared
from labeling.measurement import evaluate
from labeling.models import GroundTruth, Outcome
from labeling.monitoring import keep_watch
from labeling.not_deployed import watch_deployments
from labeling.retraining_facts import facts_of, rules_of
from labeling.routing_state import refresh_routing
from labeling.training_rows import eligible, rows_of
from models_registry.errors import RunActive
from models_registry.models import Dataset, Evaluation, ModelVersion, RegisteredModel, TrainingRun
from models_registry.policy import Decision, RetrainingFacts, decide_retraining
from models_registry.services.automatic_rollback import roll_back_if_critical
from models_registry.services.datasets import freeze_dataset
from models_registry.services.ledger import note_decisions, record_start
from models_registry.services.requests import answer_requests
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
    evaluation = measure_champion(registered_model=registered_model, now=now)
    decision, run = retrain_if_due(registered_model=registered_model, now=now)
    return LoopStep(evaluation, decision, run)


def measure_champion(*, registered_model: RegisteredModel, now: datetime) -> Evaluation | None:
    """How good the champion is by what people said, and whether the monitors speak."""
    refresh_routing(registered_model, now=now)
    champion = ModelVersion.objects.champion_of(registered_model)
    evaluation = None
    if champion is not None:
        evaluation = evaluate(champion, now=now)
        measure_declared(registered_model, now=now)
    end_decided_canaries(registered_model=registered_model, now=now)
    canary = running_canary(registered_model)
    if canary is not None:
        evaluate(canary.candidate, now=now)
    watched = canary.candidate if canary else None
    canaries = [watched] if watched else []
    watch_deployments(registered_model=registered_model, champion=champion, canaries=canaries, now=now)
    keep_watch(registered_model=registered_model, champion=champion, canary=watched, now=now)
    roll_back_if_critical(registered_model=registered_model, now=now)
    return evaluation


def due_for_retraining(models: Sequence[RegisteredModel], *, now: datetime) -> list[RegisteredModel]:
    """Look at many models with a few queries. Notes why the others do not train; whoever is due decides once more
    under their lock, by `retrain_if_due`."""
    looked = _look(models, now)
    note_decisions({pk: found for pk, found in looked.items() if not found[1].retrain}, now=now)
    return [model for model in models if looked[model.pk][1].retrain]


@transaction.atomic
def retrain_if_due(*, registered_model: RegisteredModel, now: datetime) -> tuple[Decision, TrainingRun | None]:
    """Decide by the policy and start what is due, under the model's lock: of several callers one decides yes."""
    _lock(registered_model)
    facts, decision = _look([registered_model], now)[registered_model.pk]
    if not decision.retrain:
        note_decisions({registered_model.pk: (facts, decision)}, now=now)
        return decision, None
    champion = ModelVersion.objects.champion_of(registered_model) if decision.recalibrate else None
    run = _freeze_and_request(
        registered_model, trigger=decision.cause or "new_labels", reason=decision.reason, by=None, now=now,
        recalibrates=champion,
    )  # fmt: skip
    record_start(registered_model=registered_model, facts=facts, decision=decision, run=run, now=now)
    return decision, run


def explain_retraining(registered_model: RegisteredModel, *, now: datetime) -> Decision:
    """Why the next run starts, or why not now. Writes nothing."""
    return _look([registered_model], now)[registered_model.pk][1]


def _look(models: Sequence[RegisteredModel], now: datetime) -> dict[int, tuple[RetrainingFacts, Decision]]:
    facts, rules = facts_of(models, now=now), rules_of(models)
    return {pk: (facts[pk], decide_retraining(facts[pk], rules[pk], now=now)) for pk in facts}


def request_retraining(*, registered_model: RegisteredModel, by: User, reason: str, now: datetime) -> TrainingRun:
    """A person asks for a run now. The policy's thresholds do not hold them up, an active run does.

    :raises RunActive: one run at a time. :raises ReviewAppError: no reason, or nothing to learn from.
    """
    return _request(registered_model, by=by, reason=reason, now=now, recalibrates=None)


def request_recalibration(*, registered_model: RegisteredModel, by: User, reason: str, now: datetime) -> TrainingRun:
    """A person asks that the champion's confidence be fitted anew and its model be kept.

    :raises RunActive: one run at a time. :raises ReviewAppError: no reason, or no champion that was trained here.
    """
    champion = ModelVersion.objects.champion_of(registered_model)
    if champion is None or not champion.artifact.endswith(".skops"):
        raise ReviewAppError(
            _("There is no champion of our own trainer: only its confidence can be fitted anew."),
            code="not_recalibratable", http_status=409,
        )  # fmt: skip
    return _request(registered_model, by=by, reason=reason, now=now, recalibrates=champion)


def _request(
    registered_model: RegisteredModel, *, by: User, reason: str, now: datetime, recalibrates: ModelVersion | None
) -> TrainingRun:
    if not reason.strip():
        raise ReviewAppError(
            _("Say why: the reason is kept with the run."), code="reason_missing", fields={"reason": _("Required.")}
        )
    if not any(one.objects.trainable(registered_model).exists() for one in (GroundTruth, Outcome)):
        raise ReviewAppError(_("There is no label yet to learn from."), code="no_labels", http_status=409)
    with transaction.atomic():
        _lock(registered_model)
        if TrainingRun.objects.filter(registered_model=registered_model).active().exists():
            raise RunActive(_("%(model)s is being trained already. One run at a time.") % {"model": registered_model})
        facts, decision = _look([registered_model], now)[registered_model.pk]
        asked = replace(decision, retrain=True, cause=TrainingRun.Trigger.PERSON, reason=reason.strip())
        run = _freeze_and_request(
            registered_model, trigger=TrainingRun.Trigger.PERSON, reason=asked.reason, by=by, now=now,
            recalibrates=recalibrates,
        )  # fmt: skip
        record_start(registered_model=registered_model, facts=facts, decision=asked, run=run, now=now)
        return run


def _lock(registered_model: RegisteredModel) -> None:
    """One start at a time. NO KEY UPDATE: rows that refer to the model are still written, so no line waits."""
    RegisteredModel.objects.select_for_update(no_key=True).get(pk=registered_model.pk)


def _freeze_and_request(
    registered_model: RegisteredModel,
    *,
    trigger: str,
    reason: str,
    by: User | None,
    now: datetime,
    recalibrates: ModelVersion | None,
) -> TrainingRun:
    """Freeze the labels as they stand and queue a run, together or not at all. Under the model's lock.

    The labels are locked as they are read: a verdict that would change one waits, and finds it frozen. A label that
    is settled meanwhile is simply not among them.
    """
    truths, outcomes = _truths(registered_model), _outcomes(registered_model)
    dataset = freeze_dataset(
        registered_model=registered_model,
        rows=rows_of(registered_model, truths, outcomes),
        query=eligible(registered_model, cutoff=now),
        cutoff=now,
        code_version=CODE_VERSION,
    )
    if recalibrates is None:
        _mark_as_learned_from(dataset, truths, outcomes)
    run = request_training(
        dataset=dataset, trigger=trigger, reason=reason, now=now, requested_by=by, recalibrates=recalibrates
    )
    if recalibrates is None:
        answer_requests(run=run, now=now)
    return run


def _mark_as_learned_from(dataset: Dataset, truths: list[GroundTruth], outcomes: list[Outcome]) -> None:
    """They are new no more once a run has learned from them; a run that keeps its model takes none away."""
    held = set(
        TrainingRun.objects.learned()
        .filter(registered_model=dataset.registered_model)
        .values_list("dataset", flat=True)
    )
    for table, labels in ((GroundTruth, truths), (Outcome, outcomes)):
        new = [label.pk for label in labels if label.frozen_in_id not in held]
        table._default_manager.filter(pk__in=new).update(frozen_in=dataset)


def _truths(registered_model: RegisteredModel) -> list[GroundTruth]:
    """Every label to learn from, locked. What it refers to is read after the lock, never with a join before it."""
    truths = GroundTruth.objects.trainable(registered_model).select_for_update(of=("self",)).order_by("pk")
    return list(truths.prefetch_related("label", "inspection__items__source"))


def _outcomes(registered_model: RegisteredModel) -> list[Outcome]:
    """What turned out elsewhere about parts that nobody has judged. They train and are never held out."""
    return list(
        Outcome.objects.trainable(registered_model)
        .order_by("pk")
        .prefetch_related("label", "inspection__items__source")
    )
