"""Precision and recall of a detector over everything that arrived, from the inspections that chance picked.

The unit is the inspection: its regions were drawn together, fail together, and enter as one number with its one chance.
Both are ratios of two such sums. Their limits are MOVER's over gamma limits, the two sums taken as independent: of
sums of numbers from 0 on over the same draws the covariance is never below 0, and leaving it out only widens a share
of both. Where many were found, the linearised variance has it in, and Wilson's limits with n_eff are shorter
(STATISTICS §2.2, §2.3).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from models_registry.estimation.accuracy import ONE_SIDED
from models_registry.estimation.bins import CERTAINTY, N_BINS, Found, arrived, bin_of, largest_weights
from models_registry.estimation.cells import NOT_JUDGEABLE, UNSETTLED, Bools, Cells, Ints, joined
from models_registry.estimation.counts import (
    METHOD_LINEAR,
    METHOD_RATIO,
    Counts,
    Measured,
    counted,
    measured,
    shares,
    wilson_ends,
)
from models_registry.estimation.response import weigh_silence
from models_registry.estimation.totals import Floats, inverse_pi, summed

MANY = 50  # inspections with an event, on either side, from which on the linearised variance holds
MANY_AT_FLOOR = 10


@dataclass(frozen=True, slots=True)
class Events:
    """Sums over the inspections of each of k cells, arrays (k,), of the number of regions x of one kind in each."""

    n: Ints  # inspections with x > 0
    count: Ints  # sum of x
    largest: Ints  # the largest x
    pi: Floats  # sum of pi where x > 0
    w: Floats  # sum of w x
    w_sq: Floats  # sum of w x^2
    w2_sq: Floats  # sum of w^2 x^2


@dataclass(frozen=True, slots=True)
class RegionCells:
    """k cells of inspections whose regions are settled: alike in class, predicted label, stratum and bin of pi/floor.

    ``label`` numbers the class of the regions, 0..L-1; ``unit`` (k,) is the place of the cell's inspections in
    ``spoken``, the cells of all inspections whose regions somebody spoke of, with or without any.
    """

    label: Ints
    unit: Ints
    matched: Events
    missed: Events
    false: Events
    n_predicted: Ints  # inspections with a predicted region
    n_true: Ints  # inspections with a true one
    w_false: Floats  # sum of w * matched * false
    w2_false: Floats  # sum of w^2 * matched * false
    w_missed: Floats  # sum of w * matched * missed
    w2_missed: Floats
    spoken: Cells

    def __len__(self) -> int:
        return len(self.label)


@dataclass(frozen=True, slots=True)
class RegionRates:
    """Of one class. Counts are of what was looked at, unweighted."""

    precision: Measured
    recall: Measured
    n_matched: int
    n_missed: int
    n_false: int


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two kinds of regions by row and bin, and the linearised variance's sums with a = w^2 - w, (r,)."""

    events: Found
    others: Found
    events_sq: Floats
    others_sq: Floats
    product: Floats


def region_rates(cells: RegionCells, window: Cells, *, n_labels: int) -> tuple[RegionRates, ...]:
    """The rates of each of the classes 0..L-1. ``window``: everything that arrived and what is settled of it.

    Drawn inspections whose regions nobody spoke of are weighed in by those like them (`response.weigh_silence`).
    Raises ValueError as that does.
    """
    alike = _weighed(cells.spoken, window)
    ours = alike.where(np.arange(len(alike)) < len(cells.spoken))
    rho = np.divide(ours.pi, cells.spoken.pi, out=np.ones(len(ours)), where=cells.spoken.pi > 0)
    table = _Table(cells, rho, n_labels, _is_open(cells.spoken, window), largest_weights(alike))
    matched, missed, false = (table.found(part) for part in (cells.matched, cells.missed, cells.false))
    squares = [table.spread(part.w_sq, part.w2_sq) for part in (cells.matched, cells.missed, cells.false)]
    precision = _Pair(matched, false, squares[0], squares[2], table.spread(cells.w_false, cells.w2_false))
    recall = _Pair(matched, missed, squares[0], squares[1], table.spread(cells.w_missed, cells.w2_missed))
    sizes = [table.largest(part) for part in (cells.matched, cells.missed, cells.false)]
    rates = [
        _rates(precision, table, sizes[0], sizes[2], table.count(cells.n_predicted)),
        _rates(recall, table, sizes[0], sizes[1], table.count(cells.n_true)),
    ]
    n = [table.count(part.count) for part in (cells.matched, cells.missed, cells.false)]
    return tuple(
        RegionRates(rates[0][at], rates[1][at], int(n[0][at]), int(n[1][at]), int(n[2][at])) for at in range(n_labels)
    )


def _weighed(spoken: Cells, window: Cells) -> Cells:
    """The spoken-of cells, their chances times the share that was spoken of among those like them; then the rest.

    What is spoken of may have been read a moment after the window: with more of it than was drawn all counts as spoken
    of.
    """
    silent = window.where((window.true == UNSETTLED) | (window.true == NOT_JUDGEABLE))
    answered = replace(spoken, true=np.zeros(len(spoken), dtype=np.int64))
    both = joined(answered, silent)
    stratum = both.is_certainty.astype(np.int64)
    if bool((summed(both.n, stratum, size=2) > summed(both.n_drawn, stratum, size=2)).any()):
        nobody = np.zeros(len(silent), dtype=np.int64)
        answered = replace(answered, n_arrived=spoken.n, n_drawn=spoken.n, w_drawn=spoken.w)
        both = joined(answered, replace(silent, n_drawn=nobody, w_drawn=nobody.astype(np.float64), n=nobody))
    return weigh_silence(both)


def response_share(spoken: Cells, window: Cells) -> float | None:
    """Of what was drawn and can be judged, the share whose regions were spoken of; None where nothing was drawn."""
    n_drawn = float(window.n_drawn.sum()) - float(window.n[window.true == NOT_JUDGEABLE].sum())
    return min(float(spoken.n.sum()) / n_drawn, 1.0) if n_drawn > 0 else None


def _is_open(spoken: Cells, window: Cells) -> Bools:
    """In which bins something arrived whose regions are not known, (`N_BINS`,)."""
    is_open: Bools = arrived(window)[0] > summed(spoken.n, bin_of(spoken), size=N_BINS)
    return is_open


@dataclass(frozen=True)
class _Table:
    """Cells as rows (classes) and columns (bins), silence weighed in."""

    cells: RegionCells
    rho: Floats  # of the spoken-of cells
    n_labels: int
    is_open: Bools
    weights: Floats  # the largest w of an inspection of each bin

    @property
    def column(self) -> Ints:
        return bin_of(self.cells.spoken)[self.cells.unit]

    def table(self, values: Floats | Ints) -> Floats:
        place = self.cells.label * N_BINS + self.column
        return summed(values, place, size=self.n_labels * N_BINS).reshape(self.n_labels, N_BINS)

    def count(self, values: Ints) -> Floats:
        return summed(values, self.cells.label, size=self.n_labels)

    def found(self, events: Events) -> Found:
        rho = self.rho[self.cells.unit]
        return Found(
            n=self.table(events.n),
            least=self.table(events.count),
            y=self.table(events.w / rho),
            v=self.table(events.w2_sq / rho**2),
            pi=self.table(events.pi * rho),
        )

    def spread(self, w: Floats, w2: Floats) -> Floats:
        """Sums of (w^2 - w) of products, by class."""
        rho = self.rho[self.cells.unit]
        return summed(w2 / rho**2 - w / rho, self.cells.label, size=self.n_labels)

    def largest(self, events: Events) -> Floats:
        """The largest weight that the regions of one inspection can come to, (L, `N_BINS`)."""
        most = np.ones(self.n_labels)
        np.maximum.at(most, self.cells.label, events.largest)
        return most[:, None] * self.weights


def _rates(pair: _Pair, table: _Table, largest: Floats, of_others: Floats, n: Floats) -> list[Measured]:
    share = shares(_counted(pair.events, table, largest), _counted(pair.others, table, of_others))
    straight, is_fit = _linearised(pair)
    share = straight.where(is_fit, share)
    n_found = pair.others.least.sum(axis=1)
    methods = np.where(is_fit, METHOD_LINEAR, METHOD_RATIO)
    return [
        measured(share, at, n=float(n[at]), n_found=float(n_found[at]), method=str(methods[at]))
        for at in range(len(n))
    ]  # fmt: skip


def _counted(events: Found, table: _Table, largest: Floats) -> Counts:
    """Where everything is known nothing more can be found; elsewhere an inspection may hold any number."""
    return counted(events, largest=largest, most=np.where(table.is_open, np.inf, events.least))


def _linearised(pair: _Pair) -> tuple[Counts, Bools]:
    """Wilson's limits with n_eff = R(1-R)/V, V = sum a (m (1-R) - o R)^2/(sum of w (m + o))^2, and where they hold."""
    a, b = pair.events.y.sum(axis=1), pair.others.y.sum(axis=1)
    at_floor = np.minimum(pair.events.n[:, 0], pair.others.n[:, 0])
    is_sampled = pair.events.n[:, :CERTAINTY].sum(axis=1) + pair.others.n[:, :CERTAINTY].sum(axis=1) > 0
    is_fit = np.minimum(pair.events.n.sum(axis=1), pair.others.n.sum(axis=1)) >= MANY
    is_fit &= (at_floor >= MANY_AT_FLOOR) | ~is_sampled
    total = np.where(is_fit, a + b, 1.0)
    share = np.where(is_fit, a, 0.5) / total
    spread = pair.events_sq * (1 - share) ** 2 + pair.others_sq * share**2 - 2 * share * (1 - share) * pair.product
    inverse = np.where(is_fit, np.maximum(spread, 0) / total**2, 0.0) / np.where(is_fit, share * (1 - share), 1.0)
    low, high = wilson_ends(share, inverse, 0.95)
    least, most = wilson_ends(share, inverse, ONE_SIDED)
    return Counts(share, low, high, least, most), is_fit


def region_cells_of_inspections(
    *, matched: Ints, missed: Ints, false: Ints, pi: Floats, spoken: Cells, unit: Ints, label: Ints
) -> RegionCells:
    """Cells of single inspections, arrays (n,): each on its own. Raises ValueError for pi outside (0, 1]."""
    w = inverse_pi(pi, n=len(pi))

    def events(x: Ints) -> Events:
        some = x > 0
        return Events(
            n=some.astype(np.int64), count=x, largest=x, pi=np.where(some, pi, 0.0), w=w * x, w_sq=w * x**2,
            w2_sq=(w * x) ** 2,
        )  # fmt: skip

    return RegionCells(
        label=label, unit=unit, matched=events(matched), missed=events(missed), false=events(false),
        n_predicted=((matched + false) > 0).astype(np.int64), n_true=((matched + missed) > 0).astype(np.int64),
        w_false=w * matched * false, w2_false=w**2 * matched * false,
        w_missed=w * matched * missed, w2_missed=w**2 * matched * missed, spoken=spoken,
    )  # fmt: skip
