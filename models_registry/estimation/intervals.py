"""Confidence intervals for shares and for weighted sums of rare events (STATISTICS §2.3).

Never Wald on weighted rare errors: it covers as little as 67 % where 95 % are claimed, because errors that hide where
few items are drawn are missing from the variance exactly when they are missing from the estimate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from models_registry.estimation.totals import Floats, inverse_pi

BIN_EDGES = np.array([1.0, 1.5, 3.0, 6.0, 12.0, 24.0])
"""Lower edges of the bins of pi/floor. Fixed in advance: they must not follow the errors that were found."""

ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    high: float


def normal_quantile(confidence: float) -> float:
    """z of a two-sided interval: 1.959964 for 0.95."""
    return float(special.ndtri(1 - _alpha(confidence) / 2))


def wilson(*, count: float, n: float, confidence: float = 0.95) -> Interval:
    """Score interval of a share, count of n; both may be effective, broken numbers.

    Raises ValueError unless 0 <= count <= n and n > 0. Source: Wilson 1927; Newcombe 1998, Stat Med 17:857, method 3.
    """
    _require_count(count, n)
    z, share = normal_quantile(confidence), count / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * float(np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))) / (1 + z**2 / n)
    return Interval(low=min(max(centre - half, 0.0), share), high=max(min(centre + half, 1.0), share))


def clopper_pearson(*, count: int, n: int, confidence: float = 0.95) -> Interval:
    """Exact interval of a share. Raises ValueError as `wilson` does. Source: Clopper and Pearson 1934."""
    _require_count(count, n)
    tail = _alpha(confidence) / 2
    return Interval(
        low=float(special.betaincinv(count, n - count + 1, tail)) if count > 0 else 0.0,
        high=float(special.betaincinv(count + 1, n - count, 1 - tail)) if count < n else 1.0,
    )


def gamma_limits(*, y: float, v: float, m: float, mid_p: bool = False, confidence: float = 0.95) -> Interval:
    """Limits of a weighted sum of Poisson counts.

    `y` = sum of the weights of the events found, `v` = sum of their squares, `m` = the largest weight an event could
    have; y, m and the limits share a unit. Equal weights give the exact Poisson (Garwood) limits; no event gives
    (0, 3.69 m), with `mid_p` (0, 3.00 m). `mid_p` averages the two gamma distributions: shorter, and exact on average.
    Raises ValueError unless m > 0 and y and v are both positive or both 0.
    Source: Fay and Feuer 1997, Stat Med 16:791; mid-p: Fay and Kim 2017, Biometrical Journal 59:549.
    """
    if not m > 0 or y < 0 or v < 0 or (y > 0) != (v > 0) or not np.isfinite(y + v + m):
        raise ValueError(f"gamma limits need m > 0 and y, v both positive or both 0, not y={y}, v={v}, m={m}")
    tail = _alpha(confidence) / 2
    below = _Gamma(shape=y**2 / v, scale=v / y) if y > 0 else None
    above = _Gamma(shape=(y + m) ** 2 / (v + m**2), scale=(v + m**2) / (y + m))
    if below is None:
        return Interval(0.0, above.quantile(1 - 2 * tail if mid_p else 1 - tail))
    if mid_p:
        return Interval(_mid_quantile(below, above, tail), _mid_quantile(below, above, 1 - tail))
    return Interval(below.quantile(tail), above.quantile(1 - tail))


def mover_gamma(
    is_error: NDArray[np.bool_],
    *,
    pi: Floats,
    floor_pi: Floats,
    n_population: int,
    mid_p: bool = True,
    confidence: float = 0.95,
) -> Interval:
    """Interval of the error rate sum(e/pi)/N over the N = `n_population` items that arrived.

    `is_error`, `pi`, `floor_pi` (n,): the items drawn and settled, n >= 1; `floor_pi` is the smallest pi an item of the
    same design could have. Items fall into bins of pi/floor with fixed edges; each bin has gamma limits, shrunk by
    sqrt(1 - mean pi of its found errors), and the bins are joined by squares (MOVER). A bin without a settled item is
    left out. Not clipped above: with few items the upper end may exceed 1.
    Raises ValueError for no item, an empty population, pi outside (0, 1], pi below its floor, NaN, differing shapes.
    Source: Zou and Donner 2008, Stat Med 27:1693 (MOVER) around `gamma_limits`; STATISTICS §2.3 b.
    """
    weights = inverse_pi(pi, n=len(is_error)) / _population(n_population, len(is_error))
    estimate, below, above = 0.0, 0.0, 0.0
    for edge, floor, inside in _bins(pi, floor_pi):
        found = inside & is_error
        largest = max(1.0 / (n_population * edge * floor), float(weights[inside].max()))
        y, v = float(weights[found].sum()), float((weights[found] ** 2).sum())
        limits = gamma_limits(y=y, v=v, m=largest, mid_p=mid_p, confidence=confidence)
        shrink = 1.0 - float(pi[found].mean()) if found.any() else 1.0
        estimate += y
        below += shrink * (y - limits.low) ** 2
        above += shrink * (limits.high - y) ** 2
    return Interval(low=max(estimate - float(np.sqrt(below)), 0.0), high=estimate + float(np.sqrt(above)))


def _bins(pi: Floats, floor_pi: Floats) -> list[tuple[float, float, NDArray[np.bool_]]]:
    """Per bin that holds an item: its lower edge, the smallest floor in it, and who is in it (n,)."""
    inverse_pi(floor_pi, n=len(pi))
    ratio = pi / floor_pi * (1 + ROUNDING)
    if bool((ratio < 1).any()):
        raise ValueError("no inclusion probability lies below the floor of its design")
    index = np.searchsorted(BIN_EDGES, ratio, side="right") - 1
    members = [(float(BIN_EDGES[number]), index == number) for number in np.unique(index)]
    return [(edge, float(floor_pi[inside].min()), inside) for edge, inside in members]


@dataclass(frozen=True, slots=True)
class _Gamma:
    shape: float
    scale: float

    def cdf(self, x: float) -> float:
        return float(special.gammainc(self.shape, x / self.scale))

    def quantile(self, p: float) -> float:
        return float(special.gammaincinv(self.shape, p)) * self.scale


def _mid_quantile(below: _Gamma, above: _Gamma, p: float) -> float:
    """Where the mean of the two distribution functions reaches p; it lies between their own quantiles."""
    low, high = sorted((below.quantile(p), above.quantile(p)))
    return float(optimize.brentq(lambda x: (below.cdf(x) + above.cdf(x)) / 2 - p, low, high, xtol=1e-15, rtol=1e-10))


def _alpha(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence lies between 0 and 1, not at {confidence}")
    return 1 - confidence


def _require_count(count: float, n: float) -> None:
    if not 0 <= count <= n or not n > 0:
        raise ValueError(f"a share needs 0 <= count <= n and n > 0, not {count} of {n}")


def _population(n_population: int, n: int) -> int:
    if n < 1 or n_population < n:
        raise ValueError(f"an interval needs at least one item, and no more than arrived, not {n} of {n_population}")
    return n_population
