"""What a run has cost so far: the time of its steps, at the price of an hour in force when it was asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from models_registry.models import TrainingRun, TrainingStep

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class RunCost:
    """``sum`` is None where the policy named no price. An attempt that was lost is not among it."""

    took: timedelta
    sum: float | None
    hour_price: float | None
    currency: str


def cost_of(run: TrainingRun, steps: Iterable[TrainingStep], *, now: datetime) -> RunCost | None:
    """None: no step has begun. A step of a run that is over, and which did not finish, counts to the run's end."""
    end = run.finished_at or now
    spans = [(step.finished_at or end) - step.started_at for step in steps if step.started_at is not None]
    if not spans:
        return None
    took = sum((max(span, timedelta(0)) for span in spans), timedelta(0))
    return RunCost(took, None if run.hour_price is None else took / HOUR * run.hour_price, run.hour_price, run.currency)
