"""The life of a training run: request, claim, heartbeat, finish, sweep. What a run does is in `pipeline.py`."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import F, Max
from django.db.models.functions import Coalesce

from models_registry.costs import POINTS
from models_registry.errors import RunActive
from models_registry.models import (
    CostMatrix,
    Dataset,
    EventName,
    ModelVersion,
    RegisteredModel,
    RetrainingPolicy,
    TrainingRun,
    TrainingStep,
)
from models_registry.services.alerts import open_alert, resolve_alerts
from models_registry.services.outbox import emit
from models_registry.training.config import TrainerConfig
from models_registry.training.declared import BUILTIN

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MAX_ATTEMPTS = 5
STEPS = tuple(TrainingStep.Name.values)
Status = TrainingRun.Status


def request_training(
    *,
    dataset: Dataset,
    trigger: str,
    reason: str,
    now: datetime,
    requested_by: User | None = None,
    recalibrates: ModelVersion | None = None,
) -> TrainingRun:
    """Queue a run as a row. The caller sends the nudge after commit.

    ``recalibrates``: keep this version's model and fit only its confidence anew.

    :raises RunActive: the model has an active run (the database guarantees it).
    """
    model = dataset.registered_model
    number = (TrainingRun.objects.filter(registered_model=model).aggregate(Max("number"))["number__max"] or 0) + 1
    try:
        with transaction.atomic():
            run = TrainingRun.objects.create(
                registered_model=model,
                dataset=dataset,
                number=number,
                backend=model.trainer if recalibrates is None else BUILTIN,
                recalibrates=recalibrates,
                trigger=trigger,
                reason=reason,
                seed=int(dataset.sha256[:8], 16),
                requested_by=requested_by,
                queued_at=now,
                **_as_the_policy_says(model, learns=recalibrates is None),
            )
            TrainingStep.objects.bulk_create(
                TrainingStep(run=run, position=position, name=name) for position, name in enumerate(STEPS)
            )
    except IntegrityError as error:
        raise RunActive(f"{model} is being trained already. One run at a time.") from error
    return run


def _as_the_policy_says(model: RegisteredModel, *, learns: bool) -> dict[str, Any]:
    """What the trainer is told and what an hour costs: kept with the run, whatever the policy says later."""
    policy = RetrainingPolicy.objects.filter(registered_model=model).first() or RetrainingPolicy()
    said: dict[str, Any] = {}
    if learns and model.trainer == BUILTIN:
        said["config"] = asdict(TrainerConfig(policy.balanced, policy.search_seconds))
    if policy.hour_price is not None:
        prices = CostMatrix.objects.filter(registered_model=model, is_active=True).first()
        said |= {"hour_price": policy.hour_price, "currency": prices.currency if prices else POINTS}
    return said


@transaction.atomic
def claim_run(run_id: int, *, now: datetime) -> TrainingRun | None:
    """Take a queued run: exactly one worker gets it, a doubled message gets None.

    A run that lost its worker too often is failed instead: it would only take the next worker down too. Steps that an
    attempt before finished stay as they are: the pipeline verifies what they made and goes on from there.
    """
    claim = uuid.uuid4()
    taken = TrainingRun.objects.filter(pk=run_id, status=Status.QUEUED, n_attempts__lt=MAX_ATTEMPTS).update(
        status=Status.RUNNING,
        claim=claim,
        started_at=Coalesce("started_at", now),
        heartbeat_at=now,
        n_attempts=F("n_attempts") + 1,
    )
    if not taken:
        return None
    TrainingStep.objects.filter(run=run_id).exclude(status=TrainingStep.Status.DONE).update(
        status="waiting", progress=0, detail="", checks=[], started_at=None, finished_at=None,
        inputs_sha256="", outputs_sha256="", artifacts=[], curves={},
    )  # fmt: skip
    run: TrainingRun = TrainingRun.objects.select_related("dataset", "registered_model__label_set", "recalibrates").get(
        pk=run_id
    )
    return run


def beat_heart(run: TrainingRun, *, now: datetime) -> bool:
    """Say that the run's worker lives. False: the run is no longer this worker's, stop."""
    return bool(TrainingRun.objects.filter(pk=run.pk, claim=run.claim, status=Status.RUNNING).update(heartbeat_at=now))


def update_step(run: TrainingRun, name: str, **fields: Any) -> None:
    """Write to a step, unless the run has been taken over."""
    TrainingStep.objects.filter(run=run.pk, name=name, run__claim=run.claim, run__status=Status.RUNNING).update(
        **fields
    )


def begin_step(run: TrainingRun, name: str, *, inputs_sha256: str, n_tries: int, now: datetime) -> None:
    """A step starts, anew if it was done before. A try after the first keeps the time of the first."""
    fresh = {"started_at": now, "log": ""} if n_tries == 1 else {}
    update_step(
        run, name, status="running", progress=0, checks=[], artifacts=[], curves={}, finished_at=None, n_tries=n_tries,
        inputs_sha256=inputs_sha256, outputs_sha256="", **fresh,
    )  # fmt: skip


def finish_step(run: TrainingRun, name: str, fields: Mapping[str, Any], *, now: datetime) -> None:
    """A step is done; ``fields`` are what it leaves. Written only by the worker whose run it still is."""
    update_step(run, name, status="done", progress=1.0, finished_at=now, **fields)


def lock_own_run(run: TrainingRun) -> bool:
    """Inside a transaction: hold the run's row. False: it has been taken over or cancelled."""
    return (
        TrainingRun.objects.select_for_update(of=("self",))
        .filter(pk=run.pk, claim=run.claim, status=Status.RUNNING)
        .exists()
    )


@transaction.atomic
def succeed(run: TrainingRun, *, outcome: str, now: datetime) -> bool:
    """Finish a run. False: it was no longer this worker's."""
    done = TrainingRun.objects.filter(pk=run.pk, claim=run.claim, status=Status.RUNNING).update(
        status=Status.SUCCEEDED, outcome=outcome, finished_at=now
    )
    if done:
        resolve_alerts(registered_model=run.registered_model, kind="run_failed", now=now)
        _announce_end(run, Status.SUCCEEDED, outcome, now)
    return bool(done)


@transaction.atomic
def fail(run: TrainingRun, *, step: str, reason: str, now: datetime) -> bool:
    """Fail a run with a reason that says what, where, and what to do. False: it was no longer this worker's."""
    update_step(run, step, status="failed", detail=reason, finished_at=now)
    done = TrainingRun.objects.filter(pk=run.pk, claim=run.claim, status=Status.RUNNING).update(
        status=Status.FAILED, outcome=reason, finished_at=now
    )
    if done:
        _alert_failure(run.registered_model, run, reason, now)
    return bool(done)


def let_wait(run: TrainingRun) -> bool:
    """The run waits for a trainer elsewhere and holds no worker. False: it was no longer this worker's."""
    mine = TrainingRun.objects.filter(pk=run.pk, claim=run.claim, status=Status.RUNNING)
    return bool(mine.update(status=Status.WAITING, claim=None))


def go_on(run: TrainingRun, *, now: datetime) -> bool:
    """What the run waited for is here: queue it. The attempts of before did not fail, so they do not count."""
    waiting = TrainingRun.objects.filter(pk=run.pk, status=Status.WAITING)
    return bool(waiting.update(status=Status.QUEUED, queued_at=now, n_attempts=0))


@transaction.atomic
def fail_waiting(run: TrainingRun, *, step: str, reason: str, now: datetime) -> bool:
    """What the run waited for will not come. False: it waits no more."""
    done = TrainingRun.objects.filter(pk=run.pk, status=Status.WAITING).update(
        status=Status.FAILED, outcome=reason, finished_at=now
    )
    if done:
        TrainingStep.objects.filter(run=run, name=step).update(status="failed", detail=reason, finished_at=now)
        _alert_failure(run.registered_model, run, reason, now)
    return bool(done)


@transaction.atomic
def cancel(run: TrainingRun, *, reason: str, now: datetime) -> bool:
    """Cancel an active run. Its worker notices at its next heartbeat and stops."""
    done = TrainingRun.objects.filter(pk=run.pk, status__in=TrainingRun.ACTIVE).update(
        status=Status.CANCELLED, outcome=reason, finished_at=now
    )
    if done:
        _announce_end(run, Status.CANCELLED, reason, now)
    return bool(done)


def sweep(*, now: datetime, lost_after: timedelta) -> list[int]:
    """Find runs that were left behind and queue them again. Returns the ids to nudge.

    A lost message leaves a queued run, a killed worker leaves a running one with a silent heart.
    """
    before = now - lost_after
    ids: list[int] = []
    for run in TrainingRun.objects.lost(before=before).select_related("registered_model"):
        if run.n_attempts >= MAX_ATTEMPTS:
            _give_up(run, now)
        elif run.status == Status.QUEUED or _requeue(run, before):
            ids.append(run.pk)
    return ids


def _requeue(run: TrainingRun, before: datetime) -> bool:
    return bool(
        TrainingRun.objects.filter(pk=run.pk, status=Status.RUNNING, claim=run.claim, heartbeat_at__lt=before).update(
            status=Status.QUEUED, claim=None
        )
    )


@transaction.atomic
def _give_up(run: TrainingRun, now: datetime) -> None:
    reason = f"The worker was lost {run.n_attempts} times during this run. Look at its memory and its log."
    done = TrainingRun.objects.filter(pk=run.pk, status=run.status, claim=run.claim).update(
        status=Status.FAILED, outcome=reason, finished_at=now
    )
    if done:
        _alert_failure(run.registered_model, run, reason, now)


def _alert_failure(model: RegisteredModel, run: TrainingRun, reason: str, now: datetime) -> None:
    open_alert(
        registered_model=model, kind="run_failed", message=f"Run {run.number} failed: {reason}", now=now,
        evidence={"run": run.pk},
    )  # fmt: skip
    _announce_end(run, Status.FAILED, reason, now)


def _announce_end(run: TrainingRun, status: str, outcome: str, now: datetime) -> None:
    def payload() -> dict[str, Any]:
        version = ModelVersion.objects.filter(training_run=run).first()
        return {
            "run": run.pk,
            "number": run.number,
            "status": status,
            "outcome": outcome,
            "trigger": run.trigger,
            "version": version.number if version else None,
            "queued_at": run.queued_at,
            "finished_at": now,
        }

    emit(
        event=EventName.RUN_FINISHED, registered_model=run.registered_model, object_id=f"run/{run.pk}",
        payload=payload, now=now,
    )  # fmt: skip
