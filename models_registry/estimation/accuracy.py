"""How accurate a model is over everything that arrived, from the inspections that chance picked (STATISTICS §2.4).

The errors of the always-checked (certainty) stratum are counted, those of the sampled stratum estimated: HT on errors
with MOVER-gamma mid-p limits. Errors, not "correct", are weighted; accuracy is one minus their share.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models_registry.estimation.intervals import mover_gamma, wilson
from models_registry.estimation.totals import Floats, ht_errors, inverse_pi

MIN_SETTLED = 30
MIN_FOUND = 3
ONE_SIDED = 0.90  # the confidence of a two-sided interval whose upper end is a one-sided 95 % bound
METHOD_NONE, METHOD_CENSUS, METHOD_SAMPLE = "none", "census", "ht_mover_gamma_mid_p"


@dataclass(frozen=True, slots=True)
class DrawnSample:
    """The drawn and settled inspections of a window, arrays of shape (n,), and what arrived around them.

    Raises ValueError when shapes differ, a probability lies outside (0, 1] or below its floor, a certainty item has
    pi < 1, or the counts contradict each other.
    """

    is_error: NDArray[np.bool_]
    pi: Floats  # in force when the dice were thrown
    is_certainty: NDArray[np.bool_]
    floor_pi: Floats  # the smallest pi of each item's own design, tau*b
    n_arrived: int  # all inspections of the window, both strata
    n_certainty: int  # of these in the certainty stratum, settled or not
    n_drawn: int  # drawn in either stratum, settled or not

    def __post_init__(self) -> None:
        n, n_sure = len(self.is_error), int(self.is_certainty.sum())
        inverse_pi(self.pi, n=n)
        inverse_pi(self.floor_pi, n=n)
        if self.is_error.shape != (n,) or self.is_certainty.shape != (n,):
            raise ValueError("the four arrays have one shape, (n,)")
        if not bool((self.pi[self.is_certainty] == 1).all()):
            raise ValueError("an inspection of the certainty stratum has pi = 1")
        if bool((self.pi < self.floor_pi * (1 - 1e-9)).any()):
            raise ValueError("no inclusion probability lies below the floor of its design")
        if not n_sure <= self.n_certainty <= self.n_drawn <= self.n_arrived:
            raise ValueError("settled certainty items <= certainty items <= drawn <= arrived does not hold")
        if n - n_sure > self.n_drawn - self.n_certainty:
            raise ValueError("more sampled items are settled than were drawn")


@dataclass(frozen=True, slots=True)
class AccuracyEstimate:
    """Accuracy as a share with its 95 % interval. `value`, its interval and its bound are None iff n is 0.

    `lower_bound` is one-sided, 95 %. `bound_only`: too little for an estimate (n < 30, fewer than 3 errors found, or a
    stratum of which nothing is settled), pages show the bound alone. `provisional`: drawn inspections are unsettled.
    `n_eff` = E(1-E)/V: the size of a uniform sample as precise; None where no error was found or V = 0.
    """

    value: float | None
    ci_low: float | None
    ci_high: float | None
    lower_bound: float | None
    n: int
    n_found: int
    n_arrived: int
    n_eff: float | None
    response_rate: float | None
    method: str
    provisional: bool
    bound_only: bool


@dataclass(frozen=True, slots=True)
class NaiveAccuracy:
    """The plain share of everything reviewed, with its Wilson interval: biased when reviews are selective."""

    value: float | None
    ci_low: float | None
    ci_high: float | None
    n: int


@dataclass(frozen=True, slots=True)
class _Errors:
    """Errors among all arrivals of a stratum, as counts. `bound`: the one-sided upper 95 % limit."""

    total: float
    variance: float
    low: float
    high: float
    bound: float
    is_measured: bool = True


def estimate_accuracy(sample: DrawnSample) -> AccuracyEstimate:
    """Accuracy over all `n_arrived` inspections: 1 - (HT errors of the sampled + errors of the certainty stratum)/N.

    Unsettled inspections are taken as missing at random within their stratum (one cell each): pi is multiplied by the
    stratum's settled share. A certainty stratum that is not settled as a whole is thereby a sample of itself.
    Everything reviewed (all pi 1, all settled): the finite population is known, so low = value = high, "census".
    Nothing settled in a stratum that has inspections: its errors may be anything from none to all.
    No end leaves what is possible given the errors and the correct items that were seen.
    """
    n, n_found = len(sample.is_error), int(sample.is_error.sum())
    if n == 0:
        return _nothing(sample)
    strata = _strata(sample)
    errors = _joined(strata, sample)
    is_census = n == sample.n_arrived and bool((sample.pi == 1).all())
    is_measured = all(stratum.is_measured for stratum in strata)
    return AccuracyEstimate(
        value=1 - errors.total,
        ci_low=1 - errors.high,
        ci_high=1 - errors.low,
        lower_bound=1 - errors.bound,
        n=n,
        n_found=n_found,
        n_arrived=sample.n_arrived,
        n_eff=errors.total * (1 - errors.total) / errors.variance if errors.variance > 0 else None,
        response_rate=n / sample.n_drawn,
        method=METHOD_CENSUS if is_census else METHOD_SAMPLE,
        provisional=n < sample.n_drawn,
        bound_only=n < MIN_SETTLED or n_found < MIN_FOUND or not is_measured,
    )


def _nothing(sample: DrawnSample) -> AccuracyEstimate:
    return AccuracyEstimate(
        value=None,
        ci_low=None,
        ci_high=None,
        lower_bound=None,
        n=0,
        n_found=0,
        n_arrived=sample.n_arrived,
        n_eff=None,
        response_rate=0.0 if sample.n_drawn else None,
        method=METHOD_NONE,
        provisional=sample.n_drawn > 0,
        bound_only=True,
    )


def _strata(sample: DrawnSample) -> list[_Errors]:
    """The errors of the two strata; one without inspections is left out."""
    sure, n_certainty = sample.is_certainty, sample.n_certainty
    n_sampled, n_drawn = sample.n_arrived - n_certainty, sample.n_drawn - n_certainty
    strata = []
    if n_certainty:
        own_floor = np.ones(int(sure.sum()))
        strata.append(_stratum(sample.is_error[sure], sample.pi[sure], own_floor, n_certainty, n_certainty))
    if n_sampled:
        chance = ~sure
        strata.append(_stratum(sample.is_error[chance], sample.pi[chance], sample.floor_pi[chance], n_drawn, n_sampled))
    return strata


def _stratum(is_error: NDArray[np.bool_], pi: Floats, floor_pi: Floats, n_drawn: int, n_arrived: int) -> _Errors:
    n = len(is_error)
    if n == 0:
        return _Errors(total=0.0, variance=0.0, low=0.0, high=n_arrived, bound=n_arrived, is_measured=False)
    if n == n_arrived and bool((pi == 1).all()):
        found = float(is_error.sum())
        return _Errors(total=found, variance=0.0, low=found, high=found, bound=found)
    pi, floor_pi = pi * (n / n_drawn), floor_pi * (n / n_drawn)
    estimate = ht_errors(is_error, pi, n_population=n_arrived)
    limits = mover_gamma(is_error, pi=pi, floor_pi=floor_pi, n_population=n_arrived)
    one_sided = mover_gamma(
        is_error, pi=pi, floor_pi=floor_pi, n_population=n_arrived, mid_p=False, confidence=ONE_SIDED
    )
    return _Errors(
        total=estimate.value * n_arrived,
        variance=estimate.variance * n_arrived**2,
        low=limits.low * n_arrived,
        high=limits.high * n_arrived,
        bound=one_sided.high * n_arrived,
    )


def _joined(strata: list[_Errors], sample: DrawnSample) -> _Errors:
    """The strata's counts as shares of all arrivals: totals and variances add, distances to the limits by squares."""
    n_found, n_arrived = int(sample.is_error.sum()), sample.n_arrived
    total = sum(stratum.total for stratum in strata)
    ends = (
        total,
        total - math.hypot(*(stratum.total - stratum.low for stratum in strata)),
        total + math.hypot(*(stratum.high - stratum.total for stratum in strata)),
        total + math.hypot(*(stratum.bound - stratum.total for stratum in strata)),
    )
    least, most = n_found, n_arrived - len(sample.is_error) + n_found
    share, low, high, bound = (min(max(end, least), most) / n_arrived for end in ends)
    variance = sum(stratum.variance for stratum in strata) / n_arrived**2
    return _Errors(total=share, variance=variance, low=min(low, share), high=max(high, share), bound=bound)


def naive_accuracy(is_error: NDArray[np.bool_]) -> NaiveAccuracy:
    """The unweighted share of correct among everything reviewed, (n,). Shown beside the estimate, as what it is."""
    n = len(is_error)
    if n == 0:
        return NaiveAccuracy(None, None, None, 0)
    n_correct = n - int(is_error.sum())
    interval = wilson(count=n_correct, n=n)
    return NaiveAccuracy(n_correct / n, interval.low, interval.high, n)
