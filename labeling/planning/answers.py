"""A question answered on a model's stream."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from labeling.planning import words
from labeling.planning.outlook import BudgetOutlook, outlook_of
from labeling.planning.question import Question, refusal
from labeling.planning.reading import Assumption, read_stream
from models_registry.models import RegisteredModel
from models_registry.planning import (
    Fall,
    Precision,
    Stream,
    reviews_for_fall,
    reviews_for_half_width,
    time_to_alarm,
)

CURVE = (0.0025, 0.005, 0.01, 0.02, 0.03, 0.05)


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Reviews a day for an interval of ± half_width; None: more than the design can draw."""

    half_width: float
    reviews_per_day: float | None
    budget: float | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked, what the answer rests on, and the answers. None where it was not asked, or cannot be done."""

    question: Question
    assumptions: tuple[Assumption, ...]
    outlook: BudgetOutlook
    precision: Precision | None = None
    fall: Fall | None = None
    fall_today: Fall | None = None
    curve: tuple[CurvePoint, ...] = ()

    @property
    def answers(self) -> list[str]:
        """To what was asked, in the language of the page."""
        return words.of_plan(self)


def plan(registered_model: RegisteredModel, question: Question, *, now: datetime) -> Plan:
    """:raises ReviewAppError: a fall is asked for that is none, or nothing says what the alarm accepts."""
    reading = read_stream(registered_model, question, now=now)
    _check_fall(question, reading.p0)
    outlook, stream = outlook_of(reading, question), reading.stream
    if stream is None:
        return Plan(question, reading.assumptions, outlook)
    fall = fall_today = None
    if question.falls_to is not None and reading.p0 is not None:
        asked = {"falls_to": question.falls_to, "p0": reading.p0}
        fall = reviews_for_fall(stream, **asked, within_hours=question.within_hours)
        fall_today = time_to_alarm(stream, **asked)
    return Plan(
        question=question,
        assumptions=reading.assumptions,
        outlook=outlook,
        precision=_precision(stream, question),
        fall=fall,
        fall_today=fall_today,
        curve=_curve(stream, question),
    )


def _check_fall(question: Question, p0: float | None) -> None:
    if question.falls_to is None:
        return
    if p0 is None:
        words = _("The model has no target and no measured accuracy yet: say which accuracy is accepted.")
        raise refusal({"alarm_below": words})
    if question.falls_to >= 1 - p0:
        words = _("Lies not below the accepted accuracy of %(share)s %%.") % {"share": f"{100 * (1 - p0):.4g}"}
        raise refusal({"falls_to": words})


def _precision(stream: Stream, question: Question) -> Precision | None:
    if question.half_width is None:
        return None
    return reviews_for_half_width(
        stream, half_width=question.half_width, days=question.window_days, confidence=question.confidence
    )


def _curve(stream: Stream, question: Question) -> tuple[CurvePoint, ...]:
    points = []
    for half_width in CURVE:
        found = reviews_for_half_width(
            stream, half_width=half_width, days=question.window_days, confidence=question.confidence
        )
        points.append(CurvePoint(half_width, found.reviews_per_day if found else None, found.budget if found else None))
    return tuple(points)
