"""Start the monitors of a version, end them, and feed them what arrived and was judged: in order, exactly once.

Who feeds holds one transaction in which it also takes what it feeds off its queue: both happen, or neither does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from models_registry.alarms import alarm_message
from models_registry.estimation.intervals import wilson
from models_registry.estimation.sequences import start_sequence
from models_registry.estimation.watching import start_watching
from models_registry.models import Alert, EscapeLimit, ModelVersion, Monitor, MonitorTransition, RegisteredModel
from models_registry.services.alerts import open_alert, resolve_alerts
from models_registry.services.feeding import Feeding, SettledDraw, Turn

N_POINTS = 200
ACCEPTED_CONFIDENCE = 0.8  # two-sided, so that its upper end is the one-sided 90 % bound
Limits = dict[str, tuple[float | None, float | None]]


@transaction.atomic
def start_monitors(
    *, version: ModelVersion, floor_pi: float, run_length: Callable[[], float], now: datetime
) -> list[Monitor]:
    """The running monitors of a version, after those were started that are missing and ended whose limit changed.

    ``floor_pi``: the smallest chance of being drawn now. ``run_length`` (inspections that may lie between two false
    alarms of the change detector) is asked only when one is started.
    """
    wanted, running = limits_of(version), {}
    for monitor in _running(version):
        if monitor.guard in wanted and wanted[monitor.guard][0] == monitor.p0:
            running[monitor.guard] = monitor
        else:
            _end(monitor, now)
    missing = [guard for guard in wanted if guard not in running]
    far = run_length() if missing else 1.0
    for guard in missing:
        running[guard] = _start(version, guard, wanted[guard], floor_pi, far, now)
    return list(running.values())


@transaction.atomic
def end_monitors(*, registered_model: RegisteredModel, but: Sequence[ModelVersion], now: datetime) -> int:
    """End what watches any other version of the model than those of ``but``. Returns how many."""
    others = Monitor.objects.filter(model_version__registered_model=registered_model, ended_at=None)
    gone = list(others.exclude(model_version__in=but).order_by("pk").select_for_update(of=("self",)))
    for monitor in gone:
        _end(monitor, now)
    return len(gone)


@transaction.atomic
def feed_monitors(*, version: ModelVersion, draws: Sequence[SettledDraw], now: datetime) -> int:
    """Feed every running monitor of a version, under a lock on their rows. Returns how many were fed."""
    running = list(_running(version))
    for monitor in running if draws else ():
        feeding = Feeding(monitor, n_together=len(running))
        for draw in draws:
            feeding.take(draw)
        feeding.rest()
        _keep(monitor, feeding, now)
    return len(running)


def limits_of(version: ModelVersion) -> Limits:
    """What is to be watched: per guard the limit and what was accepted when the version was put to work."""
    model = version.registered_model
    target, accepted = model.target_accuracy, accepted_error(version)
    limits: Limits = {}
    if target is not None or accepted is not None:
        limits[""] = (None if target is None else round(1 - target, 12), accepted)
    defects = set(model.label_set.labels.filter(is_defect=True).values_list("slug", flat=True))
    for limit in EscapeLimit.objects.filter(registered_model=model):
        if not limit.label:
            limits["escape"] = (limit.max_rate, None)
        elif limit.label in defects:
            limits[f"escape:{limit.label}"] = (limit.max_rate, None)
    return limits


def accepted_error(version: ModelVersion) -> float | None:
    """Upper 90 % bound of the error on the hold-out with which a version was accepted; None: nobody measured it."""
    n, accuracy = version.metrics.get("holdout_n"), version.metrics.get("holdout_accuracy")
    if not n or accuracy is None:
        return None
    bound = wilson(count=n * (1 - accuracy), n=n, confidence=ACCEPTED_CONFIDENCE).high
    return bound if 0 < bound < 1 else None


def thinned(history: Sequence[Any], point: list[Any]) -> list[Any]:
    """The history with one more point ``[time, n, evidence]``, at most `N_POINTS`, about evenly spaced in n.

    The newest point is always there: it replaces the one before when that is nearer to its own predecessor than a
    step of the whole.
    """
    step = point[1] / (N_POINTS / 2)
    kept = [*history]
    if len(kept) >= 2 and kept[-1][1] - kept[-2][1] < step:
        kept.pop()
    kept.append(point)
    return kept if len(kept) <= N_POINTS else [*_spaced(kept[:-1], step), point]


def _spaced(points: Sequence[Any], step: float) -> Iterator[Any]:
    last = None
    for one in points:
        if last is None or one[1] - last >= step:
            last = one[1]
            yield one


def _running(version: ModelVersion) -> list[Monitor]:
    """Locked, in one order for all who lock them."""
    running = Monitor.objects.filter(model_version=version, ended_at=None).order_by("pk")
    return list(running.select_for_update(of=("self",)).select_related("model_version__registered_model"))


def _start(
    version: ModelVersion,
    guard: str,
    limits: tuple[float | None, float | None],
    floor_pi: float,
    run_length: float,
    now: datetime,
) -> Monitor:
    p0, accepted = limits
    watched = start_watching(limit=p0, accepted=accepted, floor_pi=floor_pi, run_length=run_length)
    capital = {"watched": watched.as_json(), "sequence": start_sequence(floor_pi=floor_pi).as_json(), "answered": {}}
    return Monitor.objects.create(
        model_version=version, guard=guard, p0=p0, accepted=accepted, floor_pi=floor_pi, run_length=run_length,
        capital=capital, history=[[now.isoformat(), 0, 1.0]], started_at=now,
        change_evidence=None if accepted is None else 1.0,
    )  # fmt: skip


def _end(monitor: Monitor, now: datetime) -> None:
    monitor.ended_at = now
    monitor.save(update_fields=["ended_at"])
    _resolve(monitor, now)


def _keep(monitor: Monitor, feeding: Feeding, now: datetime) -> None:
    """Write down what a monitor came to, each change of its state, and who has to be told."""
    capital, sequence = feeding.watched, feeding.sequence
    monitor.capital = {
        "watched": capital.as_json(), "sequence": sequence.as_json(), "answered": feeding.answered.as_json(),
    }  # fmt: skip
    monitor.state, monitor.evidence = capital.level, capital.evidence
    monitor.max_evidence = max(monitor.max_evidence, feeding.peak, capital.evidence)
    monitor.change_evidence = capital.change.evidence if capital.change else None
    monitor.ci_low, monitor.ci_high = sequence.low, sequence.high
    monitor.history = thinned(monitor.history, [now.isoformat(), monitor.n_fed, float(f"{capital.evidence:.6g}")])
    monitor.inputs_hash, monitor.last_fed_at = feeding.digest, now
    monitor.save()
    MonitorTransition.objects.bulk_create(_transition(monitor, turn, feeding.n_together, now) for turn in feeding.turns)
    for turn in feeding.turns:
        _tell(monitor, turn, now)


def _transition(monitor: Monitor, turn: Turn, n_together: int, now: datetime) -> MonitorTransition:
    return MonitorTransition(
        monitor=monitor, from_state=turn.before, to_state=turn.after, cause=turn.cause, at=now, n_fed=turn.n_fed,
        evidence=turn.evidence, n_together=n_together, inputs_hash=turn.inputs_hash,
    )  # fmt: skip


def _tell(monitor: Monitor, turn: Turn, now: datetime) -> None:
    """An alert opens with the alarm, makes way for a graver one, and is resolved by evidence of recovery."""
    if turn.after not in {"alert", "critical"}:
        if turn.before in {"alert", "critical"}:
            _resolve(monitor, now)
        return
    _resolve(monitor, now)
    version = monitor.model_version
    open_alert(
        registered_model=version.registered_model,
        kind=Alert.Kind.ACCURACY,
        slice=_slices(monitor)[0],
        message=alarm_message(
            version=version.short_name, guard=monitor.guard, cause=turn.cause, critical=turn.after == "critical",
            limit=monitor.p0, accepted=monitor.accepted, evidence=turn.evidence, n_inspections=turn.n_fed,
            n_errors=turn.n_errors,
        ),
        now=now,
        evidence={
            "monitor": monitor.pk, "version": version.number, "guard": monitor.guard, "state": turn.after,
            "cause": turn.cause, "evidence": turn.evidence, "limit": monitor.p0, "accepted": monitor.accepted,
            "n_inspections": turn.n_fed, "n_errors": turn.n_errors,
        },
    )  # fmt: skip


def _resolve(monitor: Monitor, now: datetime) -> None:
    model = monitor.model_version.registered_model
    for slice in _slices(monitor):
        resolve_alerts(registered_model=model, kind=Alert.Kind.ACCURACY, slice=slice, now=now)


def _slices(monitor: Monitor) -> list[str]:
    """Where alerts of the monitor are filed, and where they may have been: the champion's under the guard, another
    version's under its name too, so that a canary neither hides nor resolves the champion's."""
    own = f"{monitor.guard}@{monitor.model_version.short_name}"
    return [monitor.guard, own] if monitor.model_version.stage == ModelVersion.Stage.CHAMPION else [own]
