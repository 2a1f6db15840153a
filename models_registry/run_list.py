"""The list of runs: which states it can be narrowed to, and how many runs each has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from models_registry.models import ModelVersion, TrainingRun

Status = TrainingRun.Status
# What a person looks for comes first: what waits for them, then what is under way.
STATES: dict[str, tuple[Any, Q]] = {
    "waits": (_("To decide"), Q(status=Status.SUCCEEDED, version__stage=ModelVersion.Stage.CANDIDATE)),
    "active": (_("Under way"), Q(status__in=TrainingRun.ACTIVE)),
    Status.SUCCEEDED.value: (Status.SUCCEEDED.label, Q(status=Status.SUCCEEDED)),
    Status.FAILED.value: (Status.FAILED.label, Q(status=Status.FAILED)),
    Status.CANCELLED.value: (Status.CANCELLED.label, Q(status=Status.CANCELLED)),
}
# addresses of one state of those that are under way, which systems may have kept
SINGLE = {one.value: Q(status=one) for one in TrainingRun.ACTIVE}


@dataclass(frozen=True, slots=True)
class State:
    value: str
    name: str
    n: int


def states_of(runs: QuerySet[TrainingRun]) -> Sequence[State]:
    """In one query, however many runs there are."""
    counted = runs.order_by().aggregate(**{value: Count("pk", filter=of) for value, (_name, of) in STATES.items()})
    return [State(value, name, counted[value]) for value, (name, _of) in STATES.items()]


def in_state(runs: QuerySet[TrainingRun], state: str) -> QuerySet[TrainingRun]:
    """All of them where ``state`` is none that is known."""
    of = STATES[state][1] if state in STATES else SINGLE.get(state)
    return runs if of is None else runs.filter(of)
