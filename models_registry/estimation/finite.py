"""Shares on a simple random sample without replacement: n of N, each part with the same chance.

Somebody may have drawn it elsewhere and declared it (`labeling/declared.py`), or it was drawn here (`labeling/audit/`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp

from models_registry.estimation.accuracy import MIN_FOUND, MIN_SETTLED, AccuracyEstimate
from models_registry.estimation.intervals import Interval, wilson

METHOD_DECLARED = "declared_srs_wilson"
METHOD_DRAWN = "srs_wilson_fpc"
TAIL = 0.05  # of a one-sided 95 % bound


@dataclass(frozen=True, slots=True)
class FiniteShare:
    """A share of a population of N, its two-sided 95 % interval, and its one-sided upper 95 % bound."""

    value: float
    low: float
    high: float
    upper: float


def finite_share(*, found: int, n: int, n_population: int) -> FiniteShare:
    """The share of N that has a mark, from ``found`` of a simple random sample of n. The whole population is exact.

    The interval is Wilson's with the effective size n(N-1)/(N-n), whose variance is that of a sample without
    replacement (Cochran 1977, §3.2), clipped to what is possible given what was seen. The bound is exact (see
    `most_marked`): of few or no marks Wilson's one-sided bound promises too much. Raises ValueError unless
    1 <= n <= N and 0 <= found <= n.
    """
    if not 1 <= n <= n_population or not 0 <= found <= n:
        raise ValueError(f"a sample of {n} with {found} marks is not one of a population of {n_population}")
    limits = _limits(n, found, n_population)
    upper = most_marked(found=found, n=n, n_population=n_population) / n_population
    return FiniteShare(found / n, limits.low, limits.high, upper)


def finite_accuracy(
    is_error: NDArray[np.bool_], *, n_population: int, n_open: int = 0, method: str = METHOD_DRAWN
) -> AccuracyEstimate:
    """Share of correct, from the sampled parts that were judged, (n,), and ``n_open`` more that were drawn and are not.

    With open parts the interval reaches from where it would end if all of them were errors to where it would if none
    was; the value is that of the judged. Raises ValueError unless 1 <= n and n + n_open <= N.
    """
    n, n_found = len(is_error), int(is_error.sum())
    if n < 1:
        raise ValueError(f"a sample of {n} is not one of a population of {n_population}")
    best = finite_share(found=n_found, n=n + n_open, n_population=n_population)
    worst = finite_share(found=n_found + n_open, n=n + n_open, n_population=n_population)
    is_whole = n == n_population
    return AccuracyEstimate(
        value=1 - n_found / n,
        ci_low=1 - worst.high,
        ci_high=1 - best.low,
        lower_bound=1 - worst.upper,
        n=n,
        n_found=n_found,
        n_arrived=n_population,
        n_eff=None if is_whole else _effective(n, n_population),
        response_rate=n / (n + n_open),
        method=method,
        provisional=n_open > 0,
        bound_only=not is_whole and (n < MIN_SETTLED or n_found < MIN_FOUND),
        worst_low=1 - worst.value,
        worst_high=1 - best.value,
    )


def most_marked(*, found: int, n: int, n_population: int) -> int:
    """The largest number of marks among N with which so few as ``found`` in a sample of n have a chance above 5 %.

    Exact (hypergeometric), so the bound holds in at least 95 % of all samples whatever N, n and the marks.
    """
    low, high = found, n_population - n + found
    while low < high:
        middle = (low + high + 1) // 2
        if _chance_of_at_most(found, n, middle, n_population) > TAIL:
            low = middle
        else:
            high = middle - 1
    return low


def _chance_of_at_most(found: int, n: int, marked: int, n_population: int) -> float:
    x = np.arange(max(0, n - (n_population - marked)), found + 1, dtype=np.float64)
    terms = _log_choose(marked, x) + _log_choose(n_population - marked, n - x)
    return float(np.exp(logsumexp(terms) - _log_choose(n_population, np.float64(n))))


def _log_choose(n: float, k: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    chosen: NDArray[np.float64] = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return chosen


def _effective(n: int, n_population: int) -> float:
    return n * (n_population - 1) / (n_population - n)


def _limits(n: int, n_found: int, n_population: int) -> Interval:
    share = n_found / n
    if n == n_population:
        return Interval(share, share)
    size = _effective(n, n_population)
    found = wilson(count=share * size, n=size)
    least, most = n_found / n_population, (n_population - n + n_found) / n_population
    return Interval(low=min(max(found.low, least), share), high=max(min(found.high, most), share))
