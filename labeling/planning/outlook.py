"""What today's reviews can and cannot show, for the model's page and the planner's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from labeling.planning import words
from labeling.planning.question import DAYS, Question
from labeling.planning.reading import Reading, read_stream
from models_registry.models import RegisteredModel
from models_registry.planning import (
    Precision,
    Stream,
    bound_without_error,
    expected_interval,
    reviews_to_show,
    smallest_fall,
)

HOURS = (8.0, 24.0, 168.0)
PPM = 10e-6


@dataclass(frozen=True, slots=True)
class BudgetOutlook:
    """Shares between 0 and 1; None where the stream's numbers do not allow it. ``missing``: what a person must say.

    ``audits_per_day``: reviews that chance alone picks. ``half_width``: of the 95 % interval over ``window_days``.
    ``bound_without_error``: what a window without an error would show. ``falls``: (hours, the accuracy a fall to which
    is noticed in time in four of five cases, or None). ``days_to_show_10_ppm``: at today's audits.
    """

    window_days: int
    reviews_per_day: float | None = None
    audits_per_day: float | None = None
    half_width: float | None = None
    n_found: float | None = None
    bound_without_error: float | None = None
    falls: tuple[tuple[float, float | None], ...] = ()
    accepted: float | None = None
    days_to_show_10_ppm: float | None = None
    response_rate: float | None = None
    missing: tuple[str, ...] = ()

    @property
    def sentences(self) -> list[str]:
        """The same in words, in the language of the page."""
        return words.of_outlook(self)


def budget_outlook(registered_model: RegisteredModel, now: datetime) -> BudgetOutlook:
    """What the model's active design comes to on the champion's stream of the last 28 days."""
    return outlook_of(read_stream(registered_model, Question(), now=now), Question(window_days=DAYS))


def outlook_of(reading: Reading, question: Question) -> BudgetOutlook:
    stream, days = reading.stream, question.window_days
    missing = tuple(one.name for one in reading.assumptions if one.value is None)
    if stream is None:
        return BudgetOutlook(window_days=days, missing=missing, response_rate=reading.response_rate)
    precision: Precision = expected_interval(stream, days=days, confidence=question.confidence)
    audits = stream.audits_per_day
    return BudgetOutlook(
        window_days=days,
        reviews_per_day=precision.reviews_per_day,
        audits_per_day=audits,
        half_width=precision.half_width,
        n_found=precision.n_found,
        bound_without_error=bound_without_error(stream, days=days),
        falls=_falls(stream, reading.p0),
        accepted=None if reading.p0 is None else 1 - reading.p0,
        days_to_show_10_ppm=reviews_to_show(PPM) / audits if audits > 0 else None,
        response_rate=reading.response_rate,
        missing=missing,
    )


def _falls(stream: Stream, p0: float | None) -> tuple[tuple[float, float | None], ...]:
    if p0 is None:
        return ()
    return tuple((hours, smallest_fall(stream, p0=p0, within_hours=hours)) for hours in HOURS)
