"""Challenger against champion on the same items, weighted and paired (STATISTICS §3.3).

Items picked by the champion's uncertainty are those where the champion is weak: unweighted they favour any challenger.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from math import hypot, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from models_registry.estimation.intervals import gamma_limits, normal_quantile
from models_registry.estimation.totals import Floats, inverse_pi, process_mean

Labels = NDArray[np.str_]
Method = Literal["none", "normal", "gamma"]

MIN_DISCORDANT = 10
"""Fewer effective pairs on which the two differ, and the normal interval is not to be trusted."""
MIN_FOR_CHI2 = 25
"""Fewer pairs on which the two differ, and McNemar's test is taken exactly."""
SURE = 1e-9
"""The smallest p-value that is looked for."""


@dataclass(frozen=True, slots=True)
class Gain:
    """Accuracy of the challenger minus that of the champion, with its 95 % interval; all None when there is no item."""

    gain: float | None
    ci_low: float | None
    ci_high: float | None
    method: Method


@dataclass(frozen=True, slots=True)
class ClassGain:
    """The gain in recall of one true class, and for a defect class the change in its escapes.

    `escapes`: share of its parts that the challenger takes for good minus that of the champion, so below 0 is better;
    None where the class is no defect or no good class is known. `p_harm`: that the escapes rose by more than the margin
    only by chance, one-sided and held against all guarded classes (Holm); None where the class is not guarded.
    """

    label: str
    guarded: bool
    n: int
    n_fixed: int
    n_broken: int
    gain: float | None
    ci_low: float | None
    ci_high: float | None
    method: Method
    escapes: float | None = None
    escapes_low: float | None = None
    escapes_high: float | None = None
    p_harm: float | None = None


@dataclass(frozen=True, slots=True)
class SourceGain:
    """The gain in accuracy on the parts of one camera, and the chance of seeing so great a loss without harm.

    `p_harm`: that accuracy fell by more than the margin only by chance, one-sided and held against all cameras (Holm).
    """

    source: str
    n: int
    n_fixed: int
    n_broken: int
    gain: float | None
    ci_low: float | None
    ci_high: float | None
    p_harm: float


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """Named counts of items, the weighted gain, and the same for each true class.

    `n_fixed`: champion wrong, challenger right. `n_broken`: the reverse. Counts are plain, shares are weighted.
    `p_value`: two-sided McNemar, for reference, only where all pi are equal. `calibration`: how much worse the
    challenger's confidence is (`calibration_loss`), None where one of the two has none. `sources`: the same for each
    camera, where it is known. `confidence`: of every interval here.
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
    calibration: Gain | None = None
    sources: tuple[SourceGain, ...] = ()
    confidence: float = 0.95


def compare_paired(
    truth: Labels,
    champion: Labels,
    challenger: Labels,
    pi: Floats,
    *,
    classes: Sequence[str],
    guarded_classes: Collection[str] = (),
    good_classes: Collection[str] = (),
    escape_margin: float = 0.0,
    n_population: int | None = None,
    confidence: float = 0.95,
) -> PairedComparison:
    """Compare two models on items that neither was trained on.

    All arrays (n,): the true label, what each model says, and the inclusion probability of the item. `classes` in the
    order of the answer; `good_classes` are those that are no defect, and a guarded class is harmed when its escapes
    rise by more than `escape_margin`. `n_population`: all items the drawn ones stand for; None: unknown, weights are
    normalised. On a hold-out that is settled as a whole give pi = 1: the variance is the process's, so that an interval
    remains.
    Raises ValueError for differing shapes, pi outside (0, 1], a truth outside `classes`, a guarded class outside them.
    """
    if not truth.shape == champion.shape == challenger.shape == (len(truth),):
        raise ValueError("truth, champion and challenger have one shape, (n,)")
    weights = inverse_pi(pi, n=len(truth))
    _require_known(truth, classes, guarded_classes)
    champion_errs, challenger_errs = champion != truth, challenger != truth
    fixed, broken = champion_errs & ~challenger_errs, challenger_errs & ~champion_errs
    overall = paired_gain(fixed, broken, pi, n_population=n_population, confidence=confidence)
    n, n_fixed, n_broken = len(truth), int(fixed.sum()), int(broken.sum())
    n_both_wrong = int((champion_errs & challenger_errs).sum())
    total = float(weights.sum()) if n_population is None else float(n_population)
    by_class = [
        _class_gain(label, truth == label, fixed, broken, pi, label in guarded_classes, confidence) for label in classes
    ]
    good = np.isin(champion, list(good_classes)), np.isin(challenger, list(good_classes))
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
        p_value=mcnemar(n_fixed=n_fixed, n_broken=n_broken) if n and bool((pi == pi[0]).all()) else None,
        classes=_with_escapes(by_class, truth, good, pi, good_classes, escape_margin, confidence),
        confidence=confidence,
    )


def paired_gain(
    fixed: NDArray[np.bool_],
    broken: NDArray[np.bool_],
    pi: Floats,
    *,
    n_population: int | None = None,
    confidence: float = 0.95,
) -> Gain:
    """D = sum((fixed - broken)/pi)/N with its interval; all arrays (n,).

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
        half = normal_quantile(confidence) * sqrt(max(estimate.variance, 0.0))
        return _gain(estimate.value, half, half, "normal")
    shares = weights / (weights.sum() if n_population is None else n_population)
    largest = float(shares.max())
    below, above = _gamma_reach(shares[fixed], shares[broken], largest=largest, confidence=confidence)
    return _gain(estimate.value, below, above, "gamma")


def paired_saving(champion: Floats, challenger: Floats, pi: Floats, *, n_population: int | None = None) -> Gain:
    """Cost per inspection that the challenger saves, D = sum((c_champion - c_challenger)/pi)/N, with its 95 % interval.

    All arrays (n,): what each model's answer costs on the item, as a matrix of costs has it. In money or points, so
    not held to [-1, 1]. Normal with the process variance; below 10 effective items on which the costs differ, gamma
    limits of the two totals with the weights times the differences, and the largest difference found as the largest
    possible one (of equal costs everywhere, nothing can be said: 0 and no interval, "none").
    Raises ValueError as `totals.process_mean` does. Source: STATISTICS §2.2, §3.3.
    """
    weights, saved = inverse_pi(pi, n=len(champion)), champion - challenger
    estimate = process_mean(saved, pi, n_population=n_population)
    if estimate is None or not bool(saved.any()):
        return Gain(None if estimate is None else 0.0, None, None, "none")
    if _effective_number(weights[saved != 0]) >= MIN_DISCORDANT:
        half = normal_quantile(0.95) * sqrt(max(estimate.variance, 0.0))
        return Gain(estimate.value, estimate.value - half, estimate.value + half, "normal")
    shares = weights / (weights.sum() if n_population is None else n_population) * np.abs(saved)
    largest = float(weights.max() / (weights.sum() if n_population is None else n_population))
    below, above = _gamma_reach(shares[saved > 0], shares[saved < 0], largest=largest * float(np.abs(saved).max()))
    return Gain(estimate.value, estimate.value - below, estimate.value + above, "gamma")


def calibration_loss(
    champion_right: NDArray[np.bool_], champion_sure: Floats, right: NDArray[np.bool_], sure: Floats, pi: Floats
) -> Gain:
    """How much worse the challenger's confidence is: its Brier score minus the champion's, paired, with 95 % limits.

    All arrays (n,): whether each model was right and how sure it was, in [0, 1]. Above 0 is worse. Weights are
    normalised. Raises ValueError for a confidence outside [0, 1], NaN included, or pi outside (0, 1].
    Source: Brier 1950; Gneiting and Raftery 2007, JASA 102:359 (a proper score: it cannot be gained by hedging).
    """
    for one in (champion_sure, sure):
        if not bool(((one >= 0) & (one <= 1)).all()):
            raise ValueError("a confidence lies between 0 and 1")
    worse = (sure - right) ** 2 - (champion_sure - champion_right) ** 2
    estimate = process_mean(worse, pi)
    if estimate is None:
        return Gain(None, None, None, "none")
    half = normal_quantile(0.95) * sqrt(max(estimate.variance, 0.0))
    return _gain(estimate.value, half, half, "normal")


def p_above(fixed: NDArray[np.bool_], broken: NDArray[np.bool_], pi: Floats, *, margin: float) -> float:
    """One-sided p-value of "the paired difference fixed - broken is at most `margin`": by turning `paired_gain` round.

    Arrays (n,). 1 when the difference does not exceed the margin, or there is no item; never below `SURE`.
    """

    def excess(tail: float) -> float:
        low = paired_gain(fixed, broken, pi, confidence=1 - 2 * tail).ci_low
        return (-1.0 if low is None else low) - margin

    if len(fixed) == 0 or excess(0.5 - SURE) <= 0:
        return 1.0
    if excess(SURE) >= 0:
        return SURE
    return float(optimize.brentq(excess, SURE, 0.5 - SURE, xtol=1e-12))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values that may all be read at once, in the same order. Source: Holm 1979, Scand. J. Statist. 6:65."""
    adjusted, highest, k = [1.0] * len(p_values), 0.0, len(p_values)
    for rank, place in enumerate(sorted(range(k), key=lambda i: p_values[i])):
        highest = max(highest, min((k - rank) * p_values[place], 1.0))
        adjusted[place] = highest
    return adjusted


def mcnemar(*, n_fixed: int, n_broken: int) -> float:
    """Two-sided p-value of "as many fixed as broken": exact below `MIN_FOR_CHI2` differences, else z^2 = (b-c)^2/(b+c).

    Right only for items drawn uniformly. Source: McNemar 1947; Agresti, Categorical Data Analysis, §11.1.
    """
    n = n_fixed + n_broken
    if n < MIN_FOR_CHI2:
        return mcnemar_exact(n_fixed=n_fixed, n_broken=n_broken)
    return float(special.chdtrc(1, (n_fixed - n_broken) ** 2 / n))


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


def _gamma_reach(fixed: Floats, broken: Floats, *, largest: float, confidence: float = 0.95) -> tuple[float, float]:
    """How far the interval reaches below and above the gain, from the weights (as shares) of the discordant items."""
    plus, minus = float(fixed.sum()), float(broken.sum())
    up = gamma_limits(y=plus, v=float((fixed**2).sum()), m=largest, confidence=confidence)
    down = gamma_limits(y=minus, v=float((broken**2).sum()), m=largest, confidence=confidence)
    return hypot(plus - up.low, down.high - minus), hypot(up.high - plus, minus - down.low)


def _class_gain(
    label: str,
    inside: NDArray[np.bool_],
    fixed: NDArray[np.bool_],
    broken: NDArray[np.bool_],
    pi: Floats,
    guarded: bool,
    confidence: float,
) -> ClassGain:
    """Recall over the domain of a true class, whose size is unknown: weights are normalised inside it."""
    result = paired_gain(fixed[inside], broken[inside], pi[inside], confidence=confidence)
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


def _with_escapes(
    gains: Sequence[ClassGain],
    truth: Labels,
    good: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    pi: Floats,
    good_classes: Collection[str],
    margin: float,
    confidence: float,
) -> tuple[ClassGain, ...]:
    """The classes with the change in their escapes, which are a class's parts that a model takes for good."""
    by_champion, by_challenger = good
    filled, p_values = [], {}
    for one in gains:
        if one.label in good_classes or not good_classes or not one.n:
            filled.append(one)
            continue
        inside = truth == one.label
        more, fewer, drawn = (by_challenger & ~by_champion)[inside], (by_champion & ~by_challenger)[inside], pi[inside]
        change = paired_gain(more, fewer, drawn, confidence=confidence)
        if one.guarded:
            p_values[one.label] = p_above(more, fewer, drawn, margin=margin)
        filled.append(
            replace(one, escapes=change.gain, escapes_low=change.ci_low, escapes_high=change.ci_high),
        )
    together = dict(zip(p_values, holm(list(p_values.values())), strict=True))
    return tuple(replace(one, p_harm=together.get(one.label)) for one in filled)


def _accuracy(errs: NDArray[np.bool_], weights: Floats, total: float) -> float | None:
    return max(1 - float(weights[errs].sum()) / total, 0.0) if len(errs) else None


def _require_known(truth: Labels, classes: Sequence[str], guarded_classes: Collection[str]) -> None:
    unknown = sorted(({str(label) for label in truth} | set(guarded_classes)) - set(classes))
    if unknown:
        raise ValueError(f"not among the classes: {', '.join(unknown)}")
