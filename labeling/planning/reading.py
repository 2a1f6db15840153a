"""The planner's view of a model's stream: measured where there is something measured, else assumed and said so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal

from django.db.models import Min

from labeling.models import SamplingDesign, Tally
from labeling.planning.question import Question
from labeling.windows import Window, window_cells
from models_registry.estimation import AccuracyEstimate, estimate_accuracy
from models_registry.models import ModelVersion, RegisteredModel
from models_registry.planning import Part, Stream, stream_of_cells

Origin = Literal["measured", "policy", "given", "assumed", "missing"]
LEAST_DAYS = 0.25  # a stream that began an hour ago is not extrapolated from that hour
LEAST_ERROR = 0.02
"""Assumed where nothing is known: two errors in a hundred."""
MOST_ERROR = 0.999


@dataclass(frozen=True, slots=True)
class Assumption:
    """A number the plan rests on, a share or a count, and where it comes from. None: it is missing."""

    name: str  # as in `PlanForm`
    value: float | None
    origin: Origin


@dataclass(frozen=True, slots=True)
class Reading:
    """``stream`` is None while nobody knows how much arrives, ``p0`` (accepted error rate) while nobody said it."""

    stream: Stream | None
    p0: float | None
    assumptions: tuple[Assumption, ...]
    response_rate: float | None


def read_stream(registered_model: RegisteredModel, question: Question, *, now: datetime) -> Reading:
    """From the champion's rollups of the window, the active design, the model's target, and what the question says."""
    champion = registered_model.versions.filter(stage=ModelVersion.Stage.CHAMPION).first()
    main = {"is_active": True, "kind": SamplingDesign.Kind.MAIN}
    design = SamplingDesign.objects.filter(registered_model=registered_model, **main).first()
    budget = _first(("given", question.budget), ("policy", design.budget if design else None), ("assumed", 0.05))
    tau = _first(("given", question.audit_share), ("policy", design.audit_share if design else None), ("assumed", 0.8))
    seen, estimate = _seen(champion, design, question.window_days, now)
    per_day = _first(("given", question.per_day), ("measured", seen.per_day if seen else None))
    target = registered_model.target_accuracy
    accuracy = _accuracy(question, estimate, target)
    accepted = _accepted(question, estimate, target)
    stream = None
    if per_day.value is not None:
        parts = seen.parts if seen else (Part(1.0, 1.0, LEAST_ERROR),)
        rate = min(1 - accuracy.share, MOST_ERROR)
        stream = Stream(per_day.value, parts, tau.share, budget.share).with_error_rate(rate)
    named = {
        "per_day": per_day, "accuracy": accuracy, "alarm_below": accepted, "budget": budget, "audit_share": tau,
    }  # fmt: skip
    return Reading(
        stream=stream,
        p0=None if accepted.value is None else 1 - accepted.value,
        assumptions=tuple(Assumption(name, one.value, one.origin) for name, one in named.items()),
        response_rate=estimate.response_rate if estimate else None,
    )


@dataclass(frozen=True, slots=True)
class _Known:
    value: float | None
    origin: Origin

    @property
    def share(self) -> float:
        """For what never is missing."""
        return self.value if self.value is not None else 0.0


def _first(*sources: tuple[Origin, float | None]) -> _Known:
    return next((_Known(value, origin) for origin, value in sources if value is not None), _Known(None, "missing"))


def _accuracy(question: Question, estimate: AccuracyEstimate | None, target: float | None) -> _Known:
    """What the model is taken to be right about. A model's belief in itself would be the most convenient assumption
    and is too good where it errs; it counts only if it is worse than our own.
    """
    measured = estimate.value if estimate and not estimate.bound_only else None
    believed = estimate.label_free if estimate and estimate.label_free is not None else 1.0
    assumed = target if target is not None else min(believed, 1 - LEAST_ERROR)
    return _first(("given", question.accuracy), ("measured", measured), ("assumed", assumed))


def _accepted(question: Question, estimate: AccuracyEstimate | None, target: float | None) -> _Known:
    """What the alarm holds the model against: the target, else the lower end of what was measured."""
    measured = estimate.ci_low if estimate and not estimate.bound_only else None
    usable = measured if measured is not None and 0 < measured < 1 else None
    return _first(("given", question.alarm_below), ("policy", target), ("measured", usable))


def _seen(
    champion: ModelVersion | None, design: SamplingDesign | None, days: int, now: datetime
) -> tuple[Stream | None, AccuracyEstimate | None]:
    """The stream as the design in force draws from it, and how accurate the champion is on it."""
    if champion is None or design is None:
        return None, None
    window = Window.of_days(days, now=now)
    cells = window_cells(champion, window).cells
    first = Tally.objects.filter(model_version=champion, dimension="", day__gte=window.first).aggregate(Min("day"))
    if not len(cells) or first["day__min"] is None:
        return None, None
    began = max(datetime.combine(first["day__min"], time.min, UTC), now - timedelta(days=days))
    n_days = max((now - began) / timedelta(days=1), LEAST_DAYS)
    estimate = estimate_accuracy(cells)
    return stream_of_cells(cells, n_days=n_days, audit_share=design.audit_share, budget=design.budget), estimate


def names_of(assumptions: Iterable[Assumption], origin: Origin) -> list[str]:
    return [one.name for one in assumptions if one.origin == origin]
