"""How the monitors of a model stand: what pages and the API show."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F

from models_registry.estimation.watching import ALERT
from models_registry.models import Monitor, MonitorTransition, RegisteredModel

MOST = 50
MOST_TURNS = 500


@dataclass(frozen=True, slots=True)
class Point:
    """Evidence, to one, after ``n`` inspections had arrived."""

    at: datetime
    n: int
    evidence: float


@dataclass(frozen=True, slots=True)
class Change:
    """A change of state. ``cause``: the limit was passed, a sudden rise, or recovered."""

    at: datetime
    n: int
    evidence: float
    before: str
    after: str
    cause: str


@dataclass(frozen=True, slots=True)
class Standing:
    """One monitor. Rates are shares of all inspections that arrived. ``alarm_at``: the evidence that rings, 20 times as
    many monitors as run together; None once it ended. ``p_value``, None without a limit, is valid at any time, and so
    is the interval ``rate_low`` to ``rate_high``. ``rise``: evidence of a sudden rise over ``accepted``, which rings at
    ``rise_alarm_at``.
    """

    version: int
    guard: str
    label: str | None
    state: str
    limit: float | None
    accepted: float | None
    evidence: float
    max_evidence: float
    alarm_at: float | None
    p_value: float | None
    rise: float | None
    rise_alarm_at: float | None
    rate_low: float
    rate_high: float
    n_inspections: int
    n_drawn: int
    n_errors: int
    n_unanswered: int
    started_at: datetime
    last_fed_at: datetime | None
    ended_at: datetime | None
    history: tuple[Point, ...]
    changes: tuple[Change, ...]


def standings(registered_model: RegisteredModel) -> list[Standing]:
    """The monitors of a model, newest first and at most `MOST`: those that run, then those that ended. Two queries."""
    of_model = Monitor.objects.filter(model_version__registered_model=registered_model).select_related("model_version")
    monitors = list(of_model.order_by(F("ended_at").desc(nulls_first=True), "-pk")[:MOST])
    together = Counter(one.model_version_id for one in monitors if one.ended_at is None)
    changes = _changes(monitors)
    return [_standing(one, together[one.model_version_id], changes[one.pk]) for one in monitors]


def _standing(monitor: Monitor, n_together: int, changes: Iterable[Change]) -> Standing:
    harm: Any = monitor.capital["watched"]["harm"]
    return Standing(
        version=monitor.model_version.number,
        guard=monitor.guard,
        label=monitor.guard.partition(":")[2] or None,
        state=monitor.state,
        limit=monitor.p0,
        accepted=monitor.accepted,
        evidence=monitor.evidence,
        max_evidence=monitor.max_evidence,
        alarm_at=ALERT * n_together if monitor.ended_at is None else None,
        p_value=math.exp(-harm["log_peak"]) if harm else None,
        rise=monitor.change_evidence,
        rise_alarm_at=monitor.run_length if monitor.accepted is not None else None,
        rate_low=monitor.ci_low,
        rate_high=monitor.ci_high,
        n_inspections=monitor.n_fed,
        n_drawn=monitor.n_drawn,
        n_errors=monitor.n_errors,
        n_unanswered=monitor.n_unanswered,
        started_at=monitor.started_at,
        last_fed_at=monitor.last_fed_at,
        ended_at=monitor.ended_at,
        history=tuple(Point(datetime.fromisoformat(at), n, evidence) for at, n, evidence in monitor.history),
        changes=tuple(changes),
    )


def _changes(monitors: Iterable[Monitor]) -> dict[int, list[Change]]:
    """By monitor, oldest first: the newest `MOST_TURNS` of all of them."""
    found: dict[int, list[Change]] = defaultdict(list)
    newest = MonitorTransition.objects.filter(monitor__in=[one.pk for one in monitors]).order_by("-pk")[:MOST_TURNS]
    for turn in reversed(newest):
        change = Change(turn.at, turn.n_fed, turn.evidence, turn.from_state, turn.to_state, turn.cause)
        found[turn.monitor_id].append(change)
    return found
