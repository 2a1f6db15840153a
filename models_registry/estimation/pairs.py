"""A window by true and predicted class: weighted sums, and totals of whole groups of pairs within known columns."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from models_registry.estimation.bins import N_BINS, STRATA, Found, arrived, found, judged, largest_weights
from models_registry.estimation.cells import NOT_JUDGEABLE, Bools, Cells
from models_registry.estimation.counts import Counts, added, counted, linearised, shares
from models_registry.estimation.response import spoken_of, weigh_silence
from models_registry.estimation.totals import Floats, summed


@dataclass(frozen=True, slots=True)
class Pairs:
    """Sums of a window, silence weighed in. Truth comes first: pair (j, k) is row j*K + k."""

    n_classes: int
    found: Found  # (K*K, N_BINS)
    arrived: Floats  # (K, N_BINS) by predicted class, without those found not judgeable
    judgeable: Floats  # (K, 2) by predicted class and stratum: what of it can be judged
    largest: Floats  # (N_BINS,)

    def counts(self) -> Floats:
        """Plain counts of what was judged, (K, K): the naive confusion matrix."""
        plain: Floats = self.found.n.sum(axis=1).reshape(self.n_classes, self.n_classes)
        return plain

    def of(self, events: Bools) -> Found:
        """Sums over groups of pairs, (r, K, K) in, (r, N_BINS) out."""
        groups = events.reshape(len(events), -1).astype(np.float64)
        return Found(*(groups @ getattr(self.found, one.name) for one in fields(Found)))

    def by_true(self) -> Found:
        """Sums of each pair's row, the true class, (K*K, N_BINS)."""
        return self._spread(axis=1)

    def by_predicted(self) -> Found:
        """Sums of each pair's column, (K*K, N_BINS)."""
        return self._spread(axis=0)

    def altogether(self) -> Found:
        """All sums, for each pair, (K*K, N_BINS)."""
        parts = (getattr(self.found, one.name) for one in fields(Found))
        return Found(*(np.broadcast_to(part.sum(axis=0), part.shape) for part in parts))

    def _spread(self, *, axis: int) -> Found:
        k, shape = self.n_classes, (self.n_classes, self.n_classes, N_BINS)
        tables = (getattr(self.found, one.name).reshape(shape).sum(axis=axis, keepdims=True) for one in fields(Found))
        return Found(*(np.broadcast_to(table, shape).reshape(k * k, N_BINS) for table in tables))


def without(whole: Found, part: Found) -> Found:
    """What is left of sums. Where no event is left nothing is: differences of floats leave crumbs."""
    some = whole.n - part.n > 0
    pairs = ((getattr(whole, one.name), getattr(part, one.name)) for one in fields(Found))
    return Found(*(np.where(some, one - other, 0.0) for one, other in pairs))


def pairs_of(cells: Cells, *, n_classes: int) -> Pairs:
    """Sum the cells of K classes. What no model said anything of is left out.

    Raises ValueError for a class that is not in 0..K-1, and as `weigh_silence` does.
    """
    cells = spoken_of(cells)
    if len(cells) and max(int(cells.true.max()), int(cells.predicted.max())) >= n_classes:
        raise ValueError(f"a class is not one of the {n_classes}")
    cells = weigh_silence(cells)
    pair = np.where(judged(cells), cells.true * n_classes + cells.predicted, -1)
    sums = found(cells, row=pair, n_rows=n_classes**2)
    gone = np.where(cells.true == NOT_JUDGEABLE, cells.w, 0.0)
    stratum = cells.predicted * 2 + cells.is_certainty
    domain = summed(cells.n_arrived - gone, stratum, size=2 * n_classes).reshape(n_classes, 2)
    by_column = sums.n.reshape(n_classes, n_classes, N_BINS).sum(axis=0)
    least = np.stack([by_column[:, part].sum(axis=1) for part in STRATA], axis=1)
    return Pairs(
        n_classes=n_classes,
        found=sums,
        arrived=arrived(cells, row=cells.predicted, n_rows=n_classes),
        judgeable=np.maximum(domain, least),
        largest=largest_weights(cells),
    )


def totals(pairs: Pairs, events: Found, others: Found, columns: Floats) -> Counts:
    """How many of all arrivals are events (r, N_BINS), among those that were called one of ``columns`` (r, K), 0/1.

    ``others`` (r, N_BINS): what else was found there. How many arrived in the columns is known, so each stratum's total
    is its size times the events' share of it (`shares`; `linearised` where many were found): the calibration of columns
    of STATISTICS §2.2. The noise of how many of them can be judged is not in the limits: it is of the order of the
    total times that of a rare rate. In a stratum of which nothing is settled the events may be none or all; it adds
    nothing to the value.
    """
    room, strata = columns @ pairs.arrived, []
    for at, part in enumerate(STRATA):
        one, other = events.part(part), others.part(part)
        largest, size = pairs.largest[part], columns @ pairs.judgeable[:, at]
        share = shares(
            counted(one, largest=largest, most=room[:, part] - other.n),
            counted(other, largest=largest, most=room[:, part] - one.n),
        )
        straight, is_fit = linearised(one, other)
        share = straight.where(is_fit & (at == 0), share)
        zero, whole = np.zeros(len(size)), np.ones(len(size))
        is_known = (one.n.sum(axis=1) + other.n.sum(axis=1)) > 0
        strata.append(share.where(is_known, Counts(zero, zero, whole, zero, whole)).times(size))
    return added(*strata)
