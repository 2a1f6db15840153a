"""Design-based means from items drawn independently (Poisson sampling), each with a known inclusion probability.

Feed errors, never "correct": the many correct items would carry the noise of the random sample size (STATISTICS §2.1).
Items that were not drawn enter only through `n_population`, the number of all that arrived.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Values = Floats | NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean and the variance of its estimator, in the units of the values and their square."""

    value: float
    variance: float


def ht_errors(values: Values, pi: Floats, *, n_population: int) -> Estimate:
    """Horvitz-Thompson mean over a finite population: E = sum(e/pi)/N, V = sum((1-pi)/pi^2 * e^2)/N^2.

    `values` (n,): 0/1 errors, or costs, of the items drawn and settled; `pi` (n,), in (0, 1].
    `n_population` = 1 gives totals. Unbiased, not clipped: E may exceed 1. All pi = 1 gives V = 0. No item gives E = 0:
    what then is known is the interval's to say (`intervals.mover_gamma`).
    Raises ValueError for an empty population, pi outside (0, 1], NaN or differing shapes.
    Source: Horvitz and Thompson 1952; Thompson, Sampling, ch. 6; variance for independent draws.
    """
    weights = inverse_pi(pi, n=len(values))
    weighted = _finite(values) * weights
    _require_population(n_population)
    return Estimate(
        value=float(weighted.sum()) / n_population,
        variance=float(((1 - pi) * weighted**2).sum()) / n_population**2,
    )


def hajek(values: Values, pi: Floats) -> Estimate | None:
    """Ratio mean for an unknown population size: E = sum(w*e)/sum(w), V = sum((1-pi)/pi^2 * (e-E)^2)/sum(w)^2.

    `values` and `pi` (n,) as in `ht_errors`. All pi equal gives the plain mean. None when there is no item.
    Raises ValueError for pi outside (0, 1], NaN or differing shapes. Source: Hajek 1971; STATISTICS §2.1.
    """
    weights = inverse_pi(pi, n=len(values))
    numbers = _finite(values)
    if len(numbers) == 0:
        return None
    total = float(weights.sum())
    mean = float((weights * numbers).sum()) / total
    return Estimate(mean, float(((1 - pi) * (weights * (numbers - mean)) ** 2).sum()) / total**2)


def process_mean(values: Values, pi: Floats, *, n_population: int | None = None, ddof: int = 0) -> Estimate | None:
    """Mean of the process behind the items (superpopulation): an interval remains where everything was settled.

    With N: phi = e/pi for drawn items and 0 for the others, E = mean(phi), V = var(phi, ddof)/N.
    Without N: E = sum(w*e)/sum(w), V = sum(w^2*(e-E)^2)/sum(w)^2. Both agree when every item was drawn and ddof = 0.
    None when there is no item. Raises ValueError as `ht_errors` does, and when more items were drawn than arrived.
    Source: STATISTICS §2.1 and §3.3.
    """
    weights = inverse_pi(pi, n=len(values))
    phi = _finite(values) * weights
    if len(phi) == 0:
        return None
    if n_population is None:
        total = float(weights.sum())
        mean = float(phi.sum()) / total
        return Estimate(mean, float(((phi - weights * mean) ** 2).sum()) / total**2)
    _require_population(n_population)
    if n_population < max(len(phi), ddof + 1):
        raise ValueError(f"{len(phi)} items cannot come from a population of {n_population}")
    mean = float(phi.sum()) / n_population
    squares = float(((phi - mean) ** 2).sum()) + (n_population - len(phi)) * mean**2
    return Estimate(mean, squares / (n_population - ddof) / n_population)


def inverse_pi(pi: Floats, *, n: int) -> Floats:
    """The weights 1/pi, (n,). Raises ValueError unless pi has shape (n,) and lies in (0, 1]; NaN does not."""
    if pi.shape != (n,):
        raise ValueError(f"pi has shape {pi.shape}, the items have shape ({n},)")
    if not bool(((pi > 0) & (pi <= 1)).all()):
        raise ValueError("every inclusion probability lies above 0 and at most at 1")
    weights: Floats = 1.0 / pi
    return weights


def summed(values: NDArray[Any], place: NDArray[np.int64], *, size: int) -> Floats:
    """Sums of values (k,) by their place (k,) in 0..size-1, (size,)."""
    sums: Floats = np.bincount(place, weights=np.asarray(values, dtype=np.float64), minlength=size).astype(np.float64)
    return sums


def _finite(values: Values) -> Floats:
    numbers = np.asarray(values, dtype=np.float64)
    if not bool(np.isfinite(numbers).all()):
        raise ValueError("every value is a finite number")
    return numbers


def _require_population(n_population: int) -> None:
    if n_population < 1:
        raise ValueError(f"the population has at least one item, not {n_population}")
