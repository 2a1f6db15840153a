"""The accuracy on a simple random sample that somebody else drew: n of N, each part with the same chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models_registry.estimation.accuracy import MIN_FOUND, MIN_SETTLED, ONE_SIDED, AccuracyEstimate
from models_registry.estimation.intervals import Interval, wilson

METHOD_DECLARED = "declared_srs_wilson"


def declared_accuracy(is_error: NDArray[np.bool_], *, n_population: int) -> AccuracyEstimate:
    """Share of correct with Wilson's interval, narrowed for a finite population; the whole population is exact.

    ``is_error`` (n,): the sampled parts, all of them judged. The score interval is taken with the effective size
    n(N-1)/(N-n), whose variance is that of a sample without replacement (Cochran 1977, §3.2), and clipped to what is
    possible given the errors and correct parts that were seen. Raises ValueError unless 1 <= n <= N.
    """
    n, n_found = len(is_error), int(is_error.sum())
    if not 1 <= n <= n_population:
        raise ValueError(f"a sample of {n} is not one of a population of {n_population}")
    errors, one_sided = _limits(n, n_found, n_population, 0.95), _limits(n, n_found, n_population, ONE_SIDED)
    return AccuracyEstimate(
        value=1 - n_found / n,
        ci_low=1 - errors.high,
        ci_high=1 - errors.low,
        lower_bound=1 - one_sided.high,
        n=n,
        n_found=n_found,
        n_arrived=n_population,
        n_eff=_effective(n, n_population) if n < n_population else None,
        response_rate=1.0,
        method=METHOD_DECLARED,
        provisional=False,
        bound_only=n < n_population and (n < MIN_SETTLED or n_found < MIN_FOUND),
    )


def _effective(n: int, n_population: int) -> float:
    return n * (n_population - 1) / (n_population - n)


def _limits(n: int, n_found: int, n_population: int, confidence: float) -> Interval:
    share = n_found / n
    if n == n_population:
        return Interval(share, share)
    size = _effective(n, n_population)
    found = wilson(count=share * size, n=size, confidence=confidence)
    least, most = n_found / n_population, (n_population - n + n_found) / n_population
    return Interval(low=min(max(found.low, least), share), high=max(min(found.high, most), share))
