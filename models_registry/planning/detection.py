"""How soon the alarm would ring after a fall, and how many reviews a day make it ring in time (STATISTICS §2.5)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from models_registry.estimation.eprocess import N_BETS, watch_harm
from models_registry.estimation.totals import Floats
from models_registry.planning.stream import Stream, least_budget

ALARM = 20.0
SURE = 0.8
"""What "in time" means: in four of five falls."""
LONGEST_DAYS = 3650.0
N_FALLS = 400
MANY = 100.0
"""Found errors from which on luck evens out, so that the growth says it all; below, falls are played through."""
TYPICAL_OF_GROWTH, SURE_OF_GROWTH = 1.2, 2.25
"""Waits over log(20)/growth when many errors are needed: what half and four of five of 1,500 falls came to, 1.11-1.26
and 2.12-2.28 on seven streams. A bet near its best gains half of what it varies, so this ratio hardly changes."""
MOST_FOUND = 5000
SEED = 20


@dataclass(frozen=True, slots=True)
class Fall:
    """A fall of the accuracy and when the alarm rings. Hours are those in which the line runs around the clock.

    `typical_hours`: half of such falls are found by then; `sure_hours`: four of five. None: not in ten years.
    """

    budget: float
    reviews_per_day: float
    falls_to: float  # accuracy
    typical_hours: float | None
    sure_hours: float | None


def time_to_alarm(stream: Stream, *, falls_to: float, p0: float) -> Fall:
    """When the alarm (E >= 20 against "the error rate is p0") rings after a sudden fall to an accuracy.

    The evidence is taken to be 1 when the fall begins, as for a new version. `N_FALLS` falls are played through with
    the monitor's own 16 bets, always with the same luck, so that the answer to a question does not change; where the
    alarm needs `MANY` errors it follows from `growth`.
    Raises ValueError unless 0 < p0 < 1 - falls_to <= 1.
    """
    _require_fall(falls_to, p0)
    typical, sure = (24 / stream.per_day * n for n in _waits(stream, falls_to, p0))
    return Fall(stream.budget, stream.reviews_per_day, falls_to, _no_longer(typical), _no_longer(sure))


def growth(stream: Stream, *, falls_to: float, p0: float) -> float:
    """What the best of the 16 bets is expected to gain an inspection once the accuracy has fallen, a logarithm.

    log(20)/growth inspections are the alarm's mean time in the long run; a particular fall is found sooner or later,
    and many small ones sooner (`time_to_alarm`). Raises ValueError as that does.
    """
    _require_fall(falls_to, p0)
    bets, found, pi = _chances(stream.with_error_rate(1 - falls_to), p0)
    rest = np.log1p(-bets * p0)
    gains = np.log1p(bets[:, None] * (1 / pi[None, :] - p0)) - rest[:, None]
    return float((rest + gains @ found).max())


def reviews_for_fall(stream: Stream, *, falls_to: float, p0: float, within_hours: float) -> Fall | None:
    """The smallest budget with which four of five such falls are found in time; None when not even reviewing all would.

    Raises ValueError as `time_to_alarm` does, and for hours that are not above 0.
    """
    if not within_hours > 0:
        raise ValueError(f"an alarm takes time, not {within_hours} hours")
    _require_fall(falls_to, p0)
    budget = least_budget(lambda b: _is_in_time(stream.at(b), falls_to, p0, within_hours))
    return None if budget is None else time_to_alarm(stream.at(budget), falls_to=falls_to, p0=p0)


def smallest_fall(stream: Stream, *, p0: float, within_hours: float) -> float | None:
    """The highest accuracy a fall to which is found in time in four of five cases; None when no fall is.

    Raises ValueError unless 0 < p0 < 1.
    """
    if not 0 < p0 < 1:
        raise ValueError(f"an accepted error rate lies between 0 and 1, not at {p0}")
    low, high = 0.0, 1 - p0  # accuracies: found, not found
    if not _is_in_time(stream, low, p0, within_hours):
        return None
    while high - low > max(1e-5, 0.01 * (1 - high)):
        middle = (low + high) / 2
        low, high = (middle, high) if _is_in_time(stream, middle, p0, within_hours) else (low, middle)
    return low


def _is_in_time(stream: Stream, falls_to: float, p0: float, within_hours: float) -> bool:
    return _waits(stream, falls_to, p0)[1] <= stream.per_day * within_hours / 24


def _waits(stream: Stream, falls_to: float, p0: float) -> tuple[float, float]:
    """Inspections until the alarm in half and in four of five falls; infinite where no bet gains."""
    gain = growth(stream, falls_to=falls_to, p0=p0)
    if gain <= 0:
        return math.inf, math.inf
    n, fallen = math.log(ALARM) / gain, stream.with_error_rate(1 - falls_to)
    if n * float(_chances(fallen, p0)[1].sum()) > MANY:
        return TYPICAL_OF_GROWTH * n, SURE_OF_GROWTH * n
    waits = np.sort(_inspections(fallen, p0))
    return tuple(float(waits[math.ceil(share * N_FALLS) - 1]) for share in (0.5, SURE))  # type: ignore[return-value]


def _require_fall(falls_to: float, p0: float) -> None:
    if not 0 < p0 < 1 - falls_to <= 1:
        raise ValueError(f"a fall to {falls_to} is none where errors of {p0} are accepted")


def _no_longer(hours: float) -> float | None:
    return hours if hours <= 24 * LONGEST_DAYS else None


def _chances(stream: Stream, p0: float) -> tuple[Floats, Floats, Floats]:
    """The bets (16,), and per part an inspection's chance to be an error that is found, and its pi."""
    pi = stream.pi()
    return np.array(watch_harm(p0=p0, floor_pi=stream.floor_pi).bets), stream.errors * pi, pi


def _inspections(stream: Stream, p0: float) -> Floats:
    """After how many inspections the alarm rings in each of `N_FALLS` falls; infinite where it needs `MOST_FOUND`.

    Evidence can only rise where an error is found, so the falls go from one found error to the next.
    """
    bets, found, pi = _chances(stream, p0)
    chance = min(float(found.sum()), 1 - 1e-12)  # where every inspection is an error that is found
    rest, gain = np.log1p(-bets * p0), np.log1p(bets[:, None] * (1 / pi[None, :] - p0)).T
    upto, luck = np.cumsum(found) / chance, np.random.default_rng(SEED)
    rings = np.full(N_FALLS, np.inf)
    at, capitals, going = np.zeros(N_FALLS), np.zeros((N_FALLS, N_BETS)), np.arange(N_FALLS)
    for _ in range(MOST_FOUND):
        gaps = np.ceil(luck.exponential(size=N_FALLS) / -np.log1p(-chance))[going]  # geometric
        part = np.minimum(np.searchsorted(upto, luck.random(N_FALLS)[going], side="right"), len(pi) - 1)
        at, capitals = at + gaps, capitals + (gaps[:, None] - 1) * rest + gain[part]
        has_rung = special.logsumexp(capitals, axis=1) - math.log(N_BETS) >= math.log(ALARM)
        rings[going[has_rung]] = at[has_rung]
        at, capitals, going = at[~has_rung], capitals[~has_rung], going[~has_rung]
        if not len(going):
            break
    return rings
