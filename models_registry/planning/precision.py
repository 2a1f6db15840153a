"""Reviews for an interval of so many points, and what no error found can show."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from models_registry.estimation.cells import Ints
from models_registry.estimation.intervals import BIN_EDGES, ROUNDING, gamma_ends
from models_registry.planning.stream import Stream, least_budget

RULE_OF_THREE = -math.log(0.05)
"""2.9957: no event among n shows, at one-sided 95 %, a rate of at most 3/n."""


@dataclass(frozen=True, slots=True)
class Precision:
    """What a budget comes to. `low`, `high`: the interval of the error rate that is expected, shares of all arrivals.

    `half_width`: the longer arm. `n_found`: errors that are expected to be found in the window.
    """

    budget: float
    reviews_per_day: float
    low: float
    high: float
    half_width: float
    n_found: float


def expected_interval(stream: Stream, *, days: float, confidence: float = 0.95) -> Precision:
    """The MOVER-gamma mid-p interval (STATISTICS §2.3 b) with every sum at its expectation.

    Where many errors are found the estimate leans on the model's guesses and its interval is shorter than this.
    What is drawn with certainty adds no width.
    """
    n, pi, errors = stream.per_day * days, stream.pi(), stream.errors
    rate, edges = stream.error_rate, _edges(stream)
    is_drawn = ~stream.is_certainty & (stream.share > 0)
    below = above = 0.0
    for number in np.unique(edges[is_drawn]):
        inside = is_drawn & (edges == number)
        if bool((pi[inside] >= 1).all()):
            continue  # counted, not estimated
        found = errors[inside] * pi[inside]
        y, v = float(errors[inside].sum()), float((errors[inside] / pi[inside]).sum()) / n
        largest = 1 / (n * min(stream.floor_pi * BIN_EDGES[number], 1.0))
        open_share = 1 - float((found * pi[inside]).sum() / found.sum()) if y else 1.0
        low, high = gamma_ends(np.array([y]), np.array([v]), np.array([largest]), mid_p=True, confidence=confidence)
        below += open_share * (y - float(low[0])) ** 2
        above += open_share * (float(high[0]) - y) ** 2
    low_end, high_end = max(rate - math.sqrt(below), 0.0), min(rate + math.sqrt(above), 1.0)
    return Precision(
        budget=stream.budget,
        reviews_per_day=stream.reviews_per_day,
        low=low_end,
        high=high_end,
        half_width=max(rate - low_end, high_end - rate),
        n_found=float((errors * pi).sum()) * n,
    )


def reviews_for_half_width(
    stream: Stream, *, half_width: float, days: float, confidence: float = 0.95
) -> Precision | None:
    """The smallest budget whose interval reaches no farther than ``half_width`` (a share) to either side.

    None when even a budget of 1 is not enough: with it parts are still drawn, at least with a chance of tau.
    Raises ValueError for a half width that is not above 0.
    """
    if not half_width > 0:
        raise ValueError(f"an interval has a width, not {half_width}")
    budget = least_budget(
        lambda b: expected_interval(stream.at(b), days=days, confidence=confidence).half_width <= half_width
    )
    return None if budget is None else expected_interval(stream.at(budget), days=days, confidence=confidence)


def bound_without_error(stream: Stream, *, days: float) -> float:
    """What no error in a window would show: the rate lies below it (one-sided 95 %), a share of all arrivals.

    The rule of three on the reviews that chance alone picked: each of the others stands for fewer parts, so they could
    not hide more. 1 where nothing is drawn.
    """
    sampled = float(stream.share[~stream.is_certainty].sum())
    audits = stream.audits_per_day * days
    return min(1.0, sampled, RULE_OF_THREE * sampled / audits) if audits > 0 else 1.0


def reviews_to_show(rate: float) -> float:
    """Reviews, picked by chance alone and all without an error, that show a rate of at most ``rate``: 3/rate.

    Raises ValueError unless the rate lies between 0 and 1.
    """
    if not 0 < rate < 1:
        raise ValueError(f"a rate to show lies between 0 and 1, not at {rate}")
    return RULE_OF_THREE / rate


def _edges(stream: Stream) -> Ints:
    """The bin of pi/floor that each part falls into."""
    ratio = stream.pi() / stream.floor_pi * (1 + ROUNDING)
    return np.searchsorted(BIN_EDGES, ratio, side="right") - 1
