"""How accurate a model is over everything that arrived, from the inspections that chance picked (STATISTICS §2.4).

The errors of the always-checked (certainty) stratum are counted, those of the sampled stratum estimated: HT on errors
with MOVER-gamma mid-p limits; where many were found, AIPW with tuned lambda and Wilson's limits, which are shorter. A
uniform design has the textbook's: the plain share and Wilson's limits, leaning on a regression (GREG) where many were
found.
Errors, not "correct", are weighted; accuracy is one minus their share.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models_registry.estimation.bins import (
    N_BINS,
    STRATA,
    Found,
    arrived,
    bin_of,
    ends,
    found,
    judged,
    largest_weights,
)
from models_registry.estimation.cells import NOT_JUDGEABLE, Cells
from models_registry.estimation.difference import aipw, greg, has_many, sums_of
from models_registry.estimation.intervals import Interval, clopper_pearson, normal_quantile, wilson
from models_registry.estimation.response import spoken_of, weigh_silence
from models_registry.estimation.totals import Floats, summed

MIN_SETTLED = 30
MIN_FOUND = 3
ONE_SIDED = 0.90  # the confidence of a two-sided interval whose upper end is a one-sided 95 % bound
METHOD_NONE, METHOD_CENSUS = "none", "census"
METHOD_SAMPLE, METHOD_LEANED = "ht_mover_gamma_mid_p", "aipw_tuned_wilson_n_eff"
METHOD_UNIFORM, METHOD_REGRESSED = "uniform_wilson", "greg_wilson_n_eff"


@dataclass(frozen=True, slots=True)
class AccuracyEstimate:
    """Accuracy as a share with its 95 % interval. `value`, its interval and its bound are None iff n is 0.

    `lower_bound` is one-sided, 95 %. `bound_only`: too little for an estimate (n < 30, fewer than 3 errors found, or a
    stratum of which nothing is settled), pages show the bound alone. `provisional`: drawn inspections are unsettled.
    `n_eff` = E(1-E)/V: the size of a uniform sample as precise; None where no error was found or V = 0.
    `n` counts judged inspections, `n_arrived` those that arrived and were not found to be not judgeable.
    `worst_low`, `worst_high`: the estimate if all that were drawn and are unsettled were wrong, or were right.
    `label_free`: 1 - mean g, what the model believes of itself; None where it says nothing. It is 19-75 % too
    optimistic about errors where the model is wrong about itself (STATISTICS R13): shown dashed, read by no gate.
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
    worst_low: float | None = None
    worst_high: float | None = None
    label_free: float | None = None


@dataclass(frozen=True, slots=True)
class NaiveAccuracy:
    """The plain share of everything reviewed, with its Wilson interval: biased when reviews are selective."""

    value: float | None
    ci_low: float | None
    ci_high: float | None
    n: int


@dataclass(frozen=True, slots=True)
class _Sums:
    """A window's sums over both strata, silence weighed in. Arrays (`N_BINS`,)."""

    cells: Cells
    errors: Found
    arrived: Floats
    n_settled: Floats  # judged
    n_unjudgeable: Floats
    n_drawn: Floats

    @property
    def n(self) -> int:
        return int(self.n_settled.sum())

    @property
    def n_found(self) -> int:
        return int(self.errors.n.sum())


@dataclass(frozen=True, slots=True)
class _Errors:
    """Errors among all judgeable arrivals, as counts. `bound`: the one-sided upper 95 % limit."""

    total: float
    variance: float
    low: float
    high: float
    bound: float
    method: str


def estimate_accuracy(cells: Cells) -> AccuracyEstimate:
    """Accuracy over all judgeable inspections that arrived: 1 - (errors of both strata)/N_judgeable.

    Unsettled inspections are weighed in (`response.weigh_silence`); a certainty stratum that is not settled as a whole
    is thereby a sample of itself. N_judgeable = N - sum of w over those without a judgeable image, whose noise is in
    the interval. Everything reviewed (all pi 1, all settled): the finite population is known, so low = value = high,
    "census". Nothing settled in a stratum that has inspections: its errors may be anything from none to all.
    No end leaves what is possible given the errors and the correct items that were seen. What no model said anything
    of is left out. Raises ValueError as `weigh_silence` does.
    """
    cells = spoken_of(cells)
    sums = _sums(weigh_silence(cells))
    if sums.n == 0:
        return _nothing(sums, cells)
    errors, domain = _errors(sums), _judgeable(sums)
    n, least, most = sums.n, sums.n_found, domain - sums.n + sums.n_found
    value, low, high, bound = (
        min(max(end, least), most) / domain for end in (errors.total, errors.low, errors.high, errors.bound)
    )
    n_settled, n_drawn = n + int(sums.n_unjudgeable.sum()), int(sums.n_drawn.sum())
    worst = _sensitivity(cells)
    return AccuracyEstimate(
        value=1 - value,
        ci_low=1 - max(high, value),
        ci_high=1 - min(low, value),
        lower_bound=1 - max(bound, value),
        n=n,
        n_found=sums.n_found,
        n_arrived=int(sums.arrived.sum()),
        n_eff=value * (1 - value) / errors.variance * domain**2 if errors.variance > 0 else None,
        response_rate=n_settled / n_drawn,
        method=errors.method,
        provisional=n_settled < n_drawn,
        bound_only=n < MIN_SETTLED or sums.n_found < MIN_FOUND or bool(_unmeasured(sums)),
        worst_low=worst.low,
        worst_high=worst.high,
        label_free=_label_free(cells),
    )


def _nothing(sums: _Sums, cells: Cells) -> AccuracyEstimate:
    n_drawn, n_settled = int(sums.n_drawn.sum()), int(sums.n_unjudgeable.sum())
    return AccuracyEstimate(
        value=None,
        ci_low=None,
        ci_high=None,
        lower_bound=None,
        n=0,
        n_found=0,
        n_arrived=int(sums.arrived.sum()),
        n_eff=None,
        response_rate=n_settled / n_drawn if n_drawn else None,
        method=METHOD_NONE,
        provisional=n_settled < n_drawn,
        bound_only=True,
        label_free=_label_free(cells),
    )


def _sums(cells: Cells) -> _Sums:
    is_judged, is_unjudgeable = judged(cells), cells.true == NOT_JUDGEABLE
    column = bin_of(cells)
    return _Sums(
        cells=cells,
        errors=found(cells, row=np.where(is_judged & (cells.true != cells.predicted), 0, -1)),
        arrived=arrived(cells)[0],
        n_settled=summed(np.where(is_judged, cells.n, 0), column, size=N_BINS),
        n_unjudgeable=summed(np.where(is_unjudgeable, cells.n, 0), column, size=N_BINS),
        n_drawn=summed(cells.n_drawn, column, size=N_BINS),
    )


def _errors(sums: _Sums) -> _Errors:
    """Errors of both strata as counts among the judgeable, with the noise of how many are judgeable."""
    strata = [_counted(sums, part) for part in STRATA]
    is_uniform, is_many = _is_uniform(sums), has_many(sums.errors)
    leaned = _leaned(sums, is_uniform=is_uniform) if is_many else None
    strata[0] = leaned or (_plain(sums) if is_uniform else None) or strata[0]
    total, domain = sum(stratum.total for stratum in strata), _judgeable(sums)
    doubt = (total / domain) ** 2 * _unjudgeable_variance(sums)

    def end(distances: list[float], confidence: float) -> float:
        return math.hypot(*distances, normal_quantile(confidence) * math.sqrt(doubt))

    return _Errors(
        total=total,
        variance=sum(stratum.variance for stratum in strata) + doubt,
        low=total - end([one.total - one.low for one in strata], 0.95),
        high=total + end([one.high - one.total for one in strata], 0.95),
        bound=total + end([one.bound - one.total for one in strata], ONE_SIDED),
        method=METHOD_CENSUS if _is_census(sums) else strata[0].method,
    )


def _counted(sums: _Sums, part: slice) -> _Errors:
    """HT of the errors of a stratum, with MOVER-gamma limits."""
    most, largest = _room(sums)
    errors = sums.errors.part(part)
    low, high = ends(errors, largest=largest[part], most=most[:, part], few_exact=True)
    _, bound = ends(errors, largest=largest[part], most=most[:, part], mid_p=False, confidence=ONE_SIDED)
    return _Errors(
        total=float(errors.y.sum()),
        variance=max(float((errors.v - errors.y).sum()), 0.0),
        low=float(low[0]),
        high=float(high[0]),
        bound=float(bound[0]),
        method=METHOD_SAMPLE,
    )


def _leaned(sums: _Sums, *, is_uniform: bool) -> _Errors | None:
    """The sampled stratum's errors leaning on g, and Wilson's limits with n_eff = E(1-E)/V.

    AIPW with tuned lambda; where all chances are equal GREG, which without help from g still is no worse than the plain
    mean. What is not judgeable is no error there, and its g is corrected away like any other. None where the share is
    not one: nearly everything is wrong, and the limits of counts hold.
    """
    cells = sums.cells.where(~sums.cells.is_certainty)
    over = sums_of(cells, judged(cells) & (cells.true != cells.predicted))
    share = greg(over) if is_uniform else aipw(over)
    if share is None or not 0 < share.value < 1 or share.variance <= 0:
        return None
    n, size = float(cells.n_arrived.sum()), share.value * (1 - share.value) / share.variance
    limits = wilson(count=share.value * size, n=size)
    bound = wilson(count=share.value * size, n=size, confidence=ONE_SIDED)
    return _Errors(
        total=share.value * n,
        variance=share.variance * n**2,
        low=limits.low * n,
        high=limits.high * n,
        bound=bound.high * n,
        method=METHOD_REGRESSED if is_uniform else METHOD_LEANED,
    )


def _plain(sums: _Sums) -> _Errors | None:
    """Equal chances: the share among the judged, Wilson's limits and Clopper and Pearson's bound (STATISTICS §2.3 a).

    The size is that of a sample without replacement, n(N-1)/(N-n). None where nothing or everything was judged.
    """
    part = STRATA[0]
    n, n_found = float(sums.n_settled[part].sum()), float(sums.errors.n[0, part].sum())
    domain = _judgeable_of(sums, ~sums.cells.is_certainty)
    if n < 1 or domain <= n:
        return None
    size = n * (domain - 1) / (domain - n)
    limits, bound = wilson(count=n_found / n * size, n=size), clopper_pearson(count=n_found, n=n, confidence=ONE_SIDED)
    return _Errors(
        total=n_found / n * domain,
        variance=n_found / n * (1 - n_found / n) / size * domain**2,
        low=limits.low * domain,
        high=limits.high * domain,
        bound=bound.high * domain,
        method=METHOD_UNIFORM,
    )


def _is_uniform(sums: _Sums) -> bool:
    """Whether everything in the sampled stratum has one chance: that of the floor of one design."""
    cells = sums.cells.where(~sums.cells.is_certainty)
    if len(cells) == 0 or float(cells.n.sum()) == 0:
        return False
    floor = float(cells.floor_pi[0])
    is_alike = bool((np.abs(cells.floor_pi / floor - 1) < 1e-9).all() and (cells.edge == 1).all())
    return is_alike and bool((np.abs(cells.w * floor - cells.n) <= 1e-6 * cells.n).all())


def _room(sums: _Sums) -> tuple[Floats, Floats]:
    """How many errors each bin can hold at most, (1, `N_BINS`), and the largest weight of one, (`N_BINS`,).

    Of a stratum in which nothing is settled not even the rule of three holds: it may be all errors, as one bin.
    """
    most, largest = sums.arrived - sums.n_settled + sums.errors.n[0], largest_weights(sums.cells)
    for part in _unmeasured(sums):
        largest[part.start] = max(float(most[part].sum()), 1.0)
        most[part] = np.where(np.arange(N_BINS)[part] == part.start, most[part].sum(), 0)
    return most[None, :], largest


def _judgeable(sums: _Sums) -> float:
    return sum(_judgeable_of(sums, stratum) for stratum in (sums.cells.is_certainty, ~sums.cells.is_certainty))


def _judgeable_of(sums: _Sums, stratum: NDArray[np.bool_]) -> float:
    """How many arrived that can be judged: known minus estimated, and never fewer than were judged."""
    cells = sums.cells
    gone = float(cells.w[stratum & (cells.true == NOT_JUDGEABLE)].sum())
    return max(float(cells.n_arrived[stratum].sum()) - gone, float(cells.n[stratum & judged(cells)].sum()))


def _unjudgeable_variance(sums: _Sums) -> float:
    gone = sums.cells.true == NOT_JUDGEABLE
    return max(float((sums.cells.w2 - sums.cells.w)[gone].sum()), 0.0)


def _is_census(sums: _Sums) -> bool:
    cells = sums.cells
    n = float(cells.n.sum())
    return n == float(cells.n_arrived.sum()) and math.isclose(float(cells.w.sum()), n, rel_tol=1e-12)


def _unmeasured(sums: _Sums) -> list[slice]:
    """The strata in which something arrived and nothing is settled."""
    n_settled = sums.n_settled + sums.n_unjudgeable
    return [part for part in STRATA if n_settled[part].sum() == 0 < sums.arrived[part].sum()]


def _sensitivity(cells: Cells) -> Interval:
    """Accuracy if every drawn and unsettled inspection were an error, and if none were (STATISTICS §1.3)."""
    is_judged = judged(cells)
    wrong = float(cells.w[is_judged & (cells.true != cells.predicted)].sum())
    silent = max(float(cells.w_drawn.sum() - cells.w.sum()), 0.0)
    domain = float(cells.n_arrived.sum()) - float(cells.w[cells.true == NOT_JUDGEABLE].sum())
    domain = max(domain, float(cells.n[is_judged].sum()))
    return Interval(low=max(1 - (wrong + silent) / domain, 0.0), high=max(1 - wrong / domain, 0.0))


def _label_free(cells: Cells) -> float | None:
    n, believed = int(cells.n_arrived.sum()), float(cells.g.sum())
    return 1 - believed / n if n > 0 and believed > 0 else None


def naive_of_cells(cells: Cells) -> NaiveAccuracy:
    """`naive_accuracy` of everything settled in cells."""
    seen = cells.where(judged(cells))
    return _naive(int(seen.n[seen.true != seen.predicted].sum()), int(seen.n.sum()))


def naive_accuracy(is_error: NDArray[np.bool_]) -> NaiveAccuracy:
    """The unweighted share of correct among everything reviewed, (n,). Shown beside the estimate, as what it is."""
    return _naive(int(is_error.sum()), len(is_error))


def _naive(n_found: int, n: int) -> NaiveAccuracy:
    if n == 0:
        return NaiveAccuracy(None, None, None, 0)
    n_correct = n - n_found
    interval = wilson(count=n_correct, n=n)
    return NaiveAccuracy(n_correct / n, interval.low, interval.high, n)
