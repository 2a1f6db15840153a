"""Challenger against champion on the same items, weighted and paired (STATISTICS §3.3).

Items picked by the champion's uncertainty are those where the champion is weak: unweighted they favour any challenger.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import hypot, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from models_registry.estimation.intervals import gamma_limits, normal_quantile
from models_registry.estimation.totals import Floats, inverse_pi, process_mean

Labels = NDArray[np.str_]
Method = Literal["none", "normal", "gamma"]

MIN_DISCORDANT = 10
"""Fewer effective pairs on which the two differ, and the normal interval is not to be trusted."""


@dataclass(frozen=True, slots=True)
class Gain:
    """Accuracy of the challenger minus that of the champion, with its 95 % interval; all None when there is no item."""

    gain: float | None
    ci_low: float | None
    ci_high: float | None
    method: Method


@dataclass(frozen=True, slots=True)
class ClassGain:
    """The gain in recall of one true class."""

    label: str
    guarded: bool
    n: int
    n_fixed: int
    n_broken: int
    gain: float | None
    ci_low: float | None
    ci_high: float | None
    method: Method


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """Named counts of items, the weighted gain, and the same for each true class.

    `n_fixed`: champion wrong, challenger right. `n_broken`: the reverse. Counts are plain, shares are weighted.
    `p_value`: exact two-sided McNemar, for reference, only where all pi are equal.
    """

    n: int
    n_fixed: int
    n_broken: int
    n_both_wrong: int
    n_both_right: int
    gain: float | None
    ci_low: float | None
    ci_high: float | None
    method: Method
    champion_accuracy: float | None
    challenger_accuracy: float | None
    p_value: float | None
    classes: tuple[ClassGain, ...]


def compare_paired(
    truth: Labels,
    champion: Labels,
    challenger: Labels,
    pi: Floats,
    *,
    classes: Sequence[str],
    guarded_classes: Collection[str] = (),
    n_population: int | None = None,
) -> PairedComparison:
    """Compare two models on items that neither was trained on.

    All arrays (n,): the true label, what each model says, and the inclusion probability of the item. `classes` in the
    order of the answer. `n_population`: all items the drawn ones stand for; None: unknown, weights are normalised. On a
    hold-out that is settled as a whole give pi = 1: the variance is the process's, so that an interval remains.
    Raises ValueError for differing shapes, pi outside (0, 1], a truth outside `classes`, a guarded class outside them.
    """
    if not truth.shape == champion.shape == challenger.shape == (len(truth),):
        raise ValueError("truth, champion and challenger have one shape, (n,)")
    weights = inverse_pi(pi, n=len(truth))
    _require_known(truth, classes, guarded_classes)
    champion_errs, challenger_errs = champion != truth, challenger != truth
    fixed, broken = champion_errs & ~challenger_errs, challenger_errs & ~champion_errs
    overall = paired_gain(fixed, broken, pi, n_population=n_population)
    n, n_fixed, n_broken = len(truth), int(fixed.sum()), int(broken.sum())
    n_both_wrong = int((champion_errs & challenger_errs).sum())
    total = float(weights.sum()) if n_population is None else float(n_population)
    return PairedComparison(
        n=n,
        n_fixed=n_fixed,
        n_broken=n_broken,
        n_both_wrong=n_both_wrong,
        n_both_right=n - n_fixed - n_broken - n_both_wrong,
        gain=overall.gain,
        ci_low=overall.ci_low,
        ci_high=overall.ci_high,
        method=overall.method,
        champion_accuracy=_accuracy(champion_errs, weights, total),
        challenger_accuracy=_accuracy(challenger_errs, weights, total),
        p_value=mcnemar_exact(n_fixed=n_fixed, n_broken=n_broken) if n and bool((pi == pi[0]).all()) else None,
        classes=tuple(
            _class_gain(label, truth == label, fixed, broken, pi, guarded=label in guarded_classes) for label in classes
        ),
    )


def paired_gain(
    fixed: NDArray[np.bool_], broken: NDArray[np.bool_], pi: Floats, *, n_population: int | None = None
) -> Gain:
    """D = sum((fixed - broken)/pi)/N with its 95 % interval; all arrays (n,).

    Normal with the process variance; with fewer than 10 effective discordant pairs, (sum w)^2/sum w^2, gamma limits of
    the two totals joined by MOVER: L = D - hypot(P - l_P, u_M - M), U = D + hypot(u_P - P, M - l_M).
    Raises ValueError as `totals.process_mean` does. Source: STATISTICS §3.3; Zou and Donner 2008.
    """
    weights = inverse_pi(pi, n=len(fixed))
    estimate = process_mean(fixed.astype(np.float64) - broken, pi, n_population=n_population)
    if estimate is None:
        return Gain(None, None, None, "none")
    discordant = weights[fixed | broken]
    if _effective_number(discordant) >= MIN_DISCORDANT:
        half = normal_quantile(0.95) * sqrt(max(estimate.variance, 0.0))
        return _gain(estimate.value, half, half, "normal")
    shares = weights / (weights.sum() if n_population is None else n_population)
    below, above = _gamma_reach(shares[fixed], shares[broken], largest=float(shares.max()))
    return _gain(estimate.value, below, above, "gamma")


def mcnemar_exact(*, n_fixed: int, n_broken: int) -> float:
    """Two-sided exact p-value of "as many fixed as broken", 1 when none. Right only for items drawn uniformly."""
    n = n_fixed + n_broken
    return min(1.0, 2 * float(special.bdtr(min(n_fixed, n_broken), n, 0.5))) if n else 1.0


def _gain(value: float, below: float, above: float, method: Method) -> Gain:
    low, gain, high = (min(max(end, -1.0), 1.0) for end in (value - below, value, value + above))
    return Gain(gain, low, high, method)


def _effective_number(weights: Floats) -> float:
    """(sum w)^2/sum w^2, the plain number where weights are equal; rounding must not push 10 below 10."""
    return round(float(weights.sum() ** 2 / (weights**2).sum()), 9) if len(weights) else 0.0


def _gamma_reach(fixed: Floats, broken: Floats, *, largest: float) -> tuple[float, float]:
    """How far the interval reaches below and above the gain, from the weights (as shares) of the discordant items."""
    plus, minus = float(fixed.sum()), float(broken.sum())
    up = gamma_limits(y=plus, v=float((fixed**2).sum()), m=largest)
    down = gamma_limits(y=minus, v=float((broken**2).sum()), m=largest)
    return hypot(plus - up.low, down.high - minus), hypot(up.high - plus, minus - down.low)


def _class_gain(
    label: str,
    inside: NDArray[np.bool_],
    fixed: NDArray[np.bool_],
    broken: NDArray[np.bool_],
    pi: Floats,
    *,
    guarded: bool,
) -> ClassGain:
    """Recall over the domain of a true class, whose size is unknown: weights are normalised inside it."""
    result = paired_gain(fixed[inside], broken[inside], pi[inside])
    return ClassGain(
        label=label,
        guarded=guarded,
        n=int(inside.sum()),
        n_fixed=int(fixed[inside].sum()),
        n_broken=int(broken[inside].sum()),
        gain=result.gain,
        ci_low=result.ci_low,
        ci_high=result.ci_high,
        method=result.method,
    )


def _accuracy(errs: NDArray[np.bool_], weights: Floats, total: float) -> float | None:
    return max(1 - float(weights[errs].sum()) / total, 0.0) if len(errs) else None


def _require_known(truth: Labels, classes: Sequence[str], guarded_classes: Collection[str]) -> None:
    unknown = sorted(({str(label) for label in truth} | set(guarded_classes)) - set(classes))
    if unknown:
        raise ValueError(f"not among the classes: {', '.join(unknown)}")
