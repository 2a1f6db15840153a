"""Estimators that lean on the model's own guess g and correct it by what was drawn (STATISTICS §2.1).

All read sums over one population of N inspections, drawn independently with known pi: a = (1-pi)/pi^2 is the design's
variance factor, G the sum of g over all N. Assumptions: pi > 0 for all, recorded before the truth; g made without the
window's own verdicts. Sources: Horvitz and Thompson 1952; Hajek 1971; Särndal, Swensson and Wretman 1992 (GREG);
Zrnic and Candes 2024 (active inference, tuned lambda).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models_registry.estimation.bins import STRATA, Found, bin_of
from models_registry.estimation.cells import Cells
from models_registry.estimation.intervals import BIN_EDGES
from models_registry.estimation.totals import Estimate, Floats, inverse_pi

MIN_FOUND, MIN_FOUND_AT_FLOOR = 50, 10
"""From here on the normal approximation holds: simulated over 54 designs and streams (STATISTICS §2.3 c)."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over a population: e is the value of a settled inspection, 0/1 errors or costs."""

    n_population: float
    g: float  # over all that arrived
    n: int  # settled
    w: float
    a: float
    wg: float
    ag: float
    wg2: float
    ag2: float
    we: float
    ae: float
    weg: float
    aeg: float
    we2: float
    ae2: float


def sums_of(cells: Cells, value: Floats | NDArray[np.bool_]) -> Sums:
    """The sums of cells in which every settled inspection of cell i has the value ``value[i]``, (k,)."""
    e = np.asarray(value, dtype=np.float64)
    a, ag, ag2 = cells.w2 - cells.w, cells.w2g - cells.wg, cells.w2g2 - cells.wg2
    return Sums(
        n_population=float(cells.n_arrived.sum()),
        g=float(cells.g.sum()),
        n=int(cells.n.sum()),
        w=float(cells.w.sum()),
        a=float(a.sum()),
        wg=float(cells.wg.sum()),
        ag=float(ag.sum()),
        wg2=float(cells.wg2.sum()),
        ag2=float(ag2.sum()),
        we=float((e * cells.w).sum()),
        ae=float((e * a).sum()),
        weg=float((e * cells.wg).sum()),
        aeg=float((e * ag).sum()),
        we2=float((e**2 * cells.w).sum()),
        ae2=float((e**2 * a).sum()),
    )


def ht(sums: Sums) -> Estimate | None:
    """E = sum(w e)/N, V = sum(a e^2)/N^2: the default for rare errors. None for an empty population."""
    return aipw(sums, lam=0.0)


def hajek(sums: Sums) -> Estimate | None:
    """E = sum(w e)/sum(w), V = sum(a (e-E)^2)/sum(w)^2: for an unknown N. None when nothing is settled."""
    if sums.n == 0:
        return None
    mean = sums.we / sums.w
    return Estimate(mean, _variance(sums.ae2 - 2 * mean * sums.ae + mean**2 * sums.a, sums.w))


def aipw(sums: Sums, *, lam: float | None = None) -> Estimate | None:
    """E = [lam G + sum(w (e - lam g))]/N, V = sum(a (e - lam g)^2)/N^2. None for an empty population.

    Unbiased for any fixed ``lam``; None tunes it to the smallest variance within [0, 1] (`tuned_lambda`), which is
    asymptotically never worse than ht. lam = 0 is ht; e = g and lam = 1 has no variance.
    """
    if sums.n_population <= 0:
        return None
    lam = tuned_lambda(sums) if lam is None else lam
    total = lam * sums.g + sums.we - lam * sums.wg
    squares = sums.ae2 - 2 * lam * sums.aeg + lam**2 * sums.ag2
    return Estimate(total / sums.n_population, _variance(squares, sums.n_population))


def tuned_lambda(sums: Sums) -> float:
    """sum(a e g)/sum(a g^2), clipped to [0, 1]; 0 where g says nothing. Clipping guards against few errors."""
    return min(max(sums.aeg / sums.ag2, 0.0), 1.0) if sums.ag2 > 0 else 0.0


def greg(sums: Sums) -> Estimate | None:
    """Regression estimator with the auxiliaries 1 and g, weighted by a; V with the correction n/(n-2).

    Robust to a wrong scale of g, and Hájek where g says nothing. None below three settled or for an empty population.
    """
    if sums.n < 3 or sums.n_population <= 0:
        return None
    moments = np.array([[sums.a, sums.ag], [sums.ag, sums.ag2]])
    products = np.array([sums.ae, sums.aeg])
    slope = np.linalg.lstsq(moments, products, rcond=1e-12)[0]
    total = float(slope @ [sums.n_population - sums.w, sums.g - sums.wg]) + sums.we
    squares = sums.ae2 - 2 * float(slope @ products) + float(slope @ moments @ slope)
    variance = _variance(squares, sums.n_population) * sums.n / (sums.n - 2)
    return Estimate(total / sums.n_population, variance)


def post_stratified(cells: Cells, value: Floats | NDArray[np.bool_]) -> Estimate | None:
    """sum over bins of pi of (N_k/N) Hájek_k, V = sum (N_k/N)^2 V_k. None when nothing is settled.

    A bin of which nothing is settled is joined with the next lower one that has something, or else the lowest.
    Its intervals cover less than MOVER's (88.8 % at worst, STATISTICS §7.4): for comparison, not for reports.
    """
    column, values = bin_of(cells), np.asarray(value, dtype=np.float64)
    settled = sorted({int(number) for number in column[cells.n > 0]})
    if not settled:
        return None
    home = np.array(
        [max([one for one in settled if one <= at], default=settled[0]) for at in range(len(BIN_EDGES) + 1)]
    )
    total, n, variance = 0.0, float(cells.n_arrived.sum()), 0.0
    for one in settled:
        inside = home[column] == one
        mean = hajek(sums_of(cells.where(inside), values[inside]))
        share = float(cells.n_arrived[inside].sum()) / n
        if mean is not None:
            total, variance = total + share * mean.value, variance + share**2 * mean.variance
    return Estimate(total, variance)


def process_aipw(sums: Sums, *, lam: float) -> Estimate | None:
    """`aipw` of the process behind the population: alerts, windows compared, challengers. None below N = 2.

    phi = lam g + xi (e - lam g)/pi for all N, E = mean(phi), V = var(phi, ddof 1)/N. The sum of g^2 over all N is not
    kept; its HT estimate stands for it, which for lam = 0 changes nothing.
    """
    estimate, n = aipw(sums, lam=lam), sums.n_population
    if estimate is None or n < 2:
        return None
    between = lam**2 * sums.wg2 + 2 * lam * (sums.weg - lam * sums.wg2)
    drawn = (sums.ae2 + sums.we2) - 2 * lam * (sums.aeg + sums.weg) + lam**2 * (sums.ag2 + sums.wg2)
    spread = max(between + drawn - n * estimate.value**2, 0.0) / (n - 1)
    return Estimate(estimate.value, spread / n)


def process_aipw_of_items(
    values: Floats, *, is_drawn: NDArray[np.bool_], pi: Floats, g: Floats, lam: float | None = None
) -> Estimate:
    """`process_aipw` from all N items, arrays (N,); values of what was not drawn are not read.

    Without ``lam`` it is cov(g(xi/pi - 1), e xi/pi)/var(g(xi/pi - 1)), not clipped: the tuned process mean of active
    inference (glide-py, `ASIMeanEstimator`). Raises ValueError for fewer than two items or pi outside (0, 1].
    """
    if len(values) < 2:
        raise ValueError("a spread needs at least two items")
    weight = np.where(is_drawn, inverse_pi(pi, n=len(values)), 0.0)
    seen, lever = np.where(is_drawn, values, 0.0) * weight, g * (weight - 1)
    if lam is None:
        spread = float(np.var(lever, ddof=1))
        lam = float(np.cov(lever, seen)[0, 1]) / spread if spread > 0 else 0.0
    phi = seen - lam * lever
    return Estimate(float(phi.mean()), float(phi.var(ddof=1)) / len(phi))


def has_many(errors: Found) -> bool:
    """Whether a row of errors found in the sampled stratum passes the gate: >= 50, and >= 10 of them at the floor."""
    n = errors.n[0, STRATA[0]]
    return float(n.sum()) >= MIN_FOUND and float(n[0]) >= MIN_FOUND_AT_FLOOR


def _variance(squares: float, n: float) -> float:
    return max(squares, 0.0) / n**2
