"""Confidence intervals for shares and for weighted sums of rare events (STATISTICS §2.3).

Never Wald on weighted rare errors: it covers as little as 67 % where 95 % are claimed, because errors that hide where
few items are drawn are missing from the variance exactly when they are missing from the estimate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from models_registry.estimation.totals import Floats, inverse_pi

BIN_EDGES = np.array([1.0, 1.5, 3.0, 6.0, 12.0, 24.0])
"""Lower edges of the bins of pi/floor. Fixed in advance: they must not follow the errors that were found."""

ROUNDING = 1e-9
PRECISION = 1e-11
MOST_STEPS = 60


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


def clopper_pearson(*, count: float, n: float, confidence: float = 0.95) -> Interval:
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
    low, high = gamma_ends(np.array([y]), np.array([v]), np.array([m]), mid_p=mid_p, confidence=confidence)
    return Interval(float(low[0]), float(high[0]))


def gamma_ends(y: Floats, v: Floats, m: Floats, *, mid_p: bool, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """`gamma_limits` of many sums at once: arrays of one shape in, the lower and the upper ends of that shape out."""
    is_fit = (m > 0) & (y >= 0) & (v >= 0) & ((y > 0) == (v > 0)) & np.isfinite(y + v + m)
    if not bool(is_fit.all()):
        worst = tuple(float(part[~is_fit][0]) for part in (y, v, m))
        raise ValueError(f"gamma limits need m > 0 and y, v both positive or both 0, not (y, v, m) = {worst}")
    tail, found = _alpha(confidence) / 2, y > 0
    below = _Gammas(shape=y[found] ** 2 / v[found], scale=v[found] / y[found])
    above = _Gammas(shape=(y + m) ** 2 / (v + m**2), scale=(v + m**2) / (y + m))
    low = np.zeros_like(y, dtype=np.float64)
    if not mid_p:
        low[found] = below.quantile(tail)
        return low, above.quantile(1 - tail)
    high = above.quantile(1 - 2 * tail)  # without an event the lower distribution is all at 0
    if bool(found.any()):
        above = above.of(found)
        low[found], high[found] = _mid_quantile(below, above, tail), _mid_quantile(below, above, 1 - tail)
    return low, high


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
    left out. Not clipped above: with few items the upper end may exceed 1. `bins` does the same from sums.
    Raises ValueError for no item, an empty population, pi outside (0, 1], pi below its floor, NaN, differing shapes.
    Source: Zou and Donner 2008, Stat Med 27:1693 (MOVER) around `gamma_limits`; STATISTICS §2.3 b.
    """
    weights = inverse_pi(pi, n=len(is_error)) / _population(n_population, len(is_error))
    inverse_pi(floor_pi, n=len(pi))
    ratio = pi / floor_pi * (1 + ROUNDING)
    if bool((ratio < 1).any()):
        raise ValueError("no inclusion probability lies below the floor of its design")
    index = np.searchsorted(BIN_EDGES, ratio, side="right") - 1
    estimate, below, above = 0.0, 0.0, 0.0
    for number in np.unique(index):
        inside = index == number
        found = inside & is_error
        largest = 1.0 / (n_population * BIN_EDGES[number] * float(floor_pi[inside].min()))
        y, v = float(weights[found].sum()), float((weights[found] ** 2).sum())
        limits = gamma_limits(y=y, v=v, m=largest, mid_p=mid_p, confidence=confidence)
        shrink = 1.0 - float(pi[found].mean()) if found.any() else 1.0
        estimate += y
        below += shrink * (y - limits.low) ** 2
        above += shrink * (limits.high - y) ** 2
    return Interval(low=max(estimate - float(np.sqrt(below)), 0.0), high=estimate + float(np.sqrt(above)))


@dataclass(frozen=True, slots=True)
class _Gammas:
    """Gamma distributions, one for each of (n,) sums."""

    shape: Floats
    scale: Floats

    def of(self, mask: NDArray[np.bool_]) -> _Gammas:
        return _Gammas(self.shape[mask], self.scale[mask])

    def cdf(self, x: Floats) -> Floats:
        share: Floats = special.gammainc(self.shape, x / self.scale)
        return share

    def density(self, x: Floats) -> Floats:
        at = x / self.scale
        logs = special.xlogy(self.shape - 1, at) - at - special.gammaln(self.shape)
        height: Floats = np.exp(logs) / self.scale
        return height

    def quantile(self, p: float) -> Floats:
        value: Floats = special.gammaincinv(self.shape, p) * self.scale
        return value


def _mid_quantile(below: _Gammas, above: _Gammas, p: float) -> Floats:
    """Where the mean of the two distribution functions reaches p: between their own quantiles, by guarded Newton."""
    ends = np.stack([below.quantile(p), above.quantile(p)])
    low, high = ends.min(axis=0), ends.max(axis=0)
    x: Floats = (low + high) / 2
    for _ in range(MOST_STEPS):
        excess = (below.cdf(x) + above.cdf(x)) / 2 - p
        low, high = np.where(excess < 0, x, low), np.where(excess < 0, high, x)
        step = excess / np.maximum((below.density(x) + above.density(x)) / 2, np.finfo(float).tiny)
        guess = np.where((x - step > low) & (x - step < high), x - step, (low + high) / 2)
        is_near = bool((np.abs(guess - x) <= PRECISION * np.abs(x)).all())
        x = guess
        if is_near:
            break
    return x


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
