"""Weighted counts of rare events per bin of pi, and their limits: MOVER over gamma limits, from cells.

A weighted count of whole classes, columns or slices is a row; the columns are the six bins of the sampled stratum and
the certainty stratum. Read after `response.weigh_silence`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from models_registry.estimation.cells import NOT_JUDGEABLE, Bools, Cells, Ints
from models_registry.estimation.intervals import BIN_EDGES, gamma_ends
from models_registry.estimation.totals import Floats, summed

CERTAINTY = len(BIN_EDGES)
N_BINS = len(BIN_EDGES) + 1
FEW_IN_BIN, FEW_IN_ALL = 5, 15  # see `ends`
STRATA = (slice(0, CERTAINTY), slice(CERTAINTY, N_BINS))
"""The columns of the sampled and of the certainty stratum."""


@dataclass(frozen=True, slots=True)
class Found:
    """Events found, per row and bin, arrays (r, bins)."""

    n: Floats  # how many
    least: Floats  # what they come to without weights: n, or the sum of their costs
    y: Floats  # sum of w (times cost)
    v: Floats  # sum of its squares
    pi: Floats  # sum of pi

    def part(self, columns: slice) -> Found:
        """Some of the bins."""
        return Found(*(getattr(self, one.name)[:, columns] for one in fields(self)))


def bin_of(cells: Cells) -> Ints:
    """Each cell's column, (k,)."""
    column: Ints = np.where(cells.is_certainty, CERTAINTY, np.searchsorted(BIN_EDGES, cells.edge))
    return column


def found(cells: Cells, *, row: Ints | None = None, n_rows: int = 1, cost: Floats | None = None) -> Found:
    """Sum settled cells by row (k,), below 0: in none, and bin. ``cost`` (k,): what an event weighs, 1 without it."""
    mask = cells.n > 0 if row is None else (cells.n > 0) & (row >= 0)
    price = np.ones(len(cells)) if cost is None else cost
    mask = mask & (price > 0)
    place = bin_of(cells)[mask] + (0 if row is None else row[mask] * N_BINS)

    def table(values: Floats | Ints) -> Floats:
        return summed(values[mask], place, size=n_rows * N_BINS).reshape(n_rows, N_BINS)

    return Found(
        n=table(cells.n),
        least=table(cells.n * price),
        y=table(cells.w * price),
        v=table(cells.w2 * price**2),
        pi=table(cells.pi),
    )


def arrived(cells: Cells, *, row: Ints | None = None, n_rows: int = 1) -> Floats:
    """How many arrived, by row and bin, (n_rows, `N_BINS`), without those found to be not judgeable."""
    n = cells.n_arrived - np.where(cells.true == NOT_JUDGEABLE, cells.n, 0)
    mask = np.ones(len(cells), dtype=bool) if row is None else row >= 0
    place = bin_of(cells)[mask] + (0 if row is None else row[mask] * N_BINS)
    return summed(n[mask], place, size=n_rows * N_BINS).reshape(n_rows, N_BINS)


def largest_weights(cells: Cells) -> Floats:
    """The largest w that an inspection of each bin can have, 1/(edge*floor), (`N_BINS`,); 1 where nothing arrived."""
    largest = np.ones(N_BINS)
    np.maximum.at(largest, bin_of(cells), 1.0 / (cells.edge * cells.floor_pi))
    return largest


def ends(
    events: Found,
    *,
    largest: Floats,
    most: Floats,
    mid_p: bool = True,
    few_exact: bool = False,
    confidence: float = 0.95,
) -> tuple[Floats, Floats]:
    """The limits of each row's weighted count, two arrays (r,), in the units of y.

    ``most`` (r, `N_BINS`): what each bin can hold of the events at most. Each bin's gamma limits are shrunk towards its
    count by sqrt(1 - mean pi of the events found in it), kept within what is possible, and the bins joined by squares
    (MOVER). A bin of which nothing is settled has the limits of "none found": the rule of three. ``few_exact``: bins
    with 1 to 4 events have exact limits instead of mid-p's where a row's events weigh as few as 15 equal ones,
    (sum w)^2 / sum w^2 < 15. Mid-p is right on average over many bins, and there one bin is nearly all that counts.
    Source: `intervals.mover_gamma`, which this equals where ``most`` is out of reach, without ``few_exact``.
    """
    largest = np.broadcast_to(largest, events.y.shape)
    low, high = gamma_ends(events.y, events.v, largest, mid_p=mid_p, confidence=confidence)
    if few_exact and (few := _few(events)).any():
        low[few], high[few] = gamma_ends(events.y[few], events.v[few], largest[few], mid_p=False, confidence=confidence)
    mean_pi = np.divide(events.pi, events.n, out=np.zeros_like(events.y), where=events.n > 0)
    shrink = np.sqrt(np.clip(1 - mean_pi, 0, 1))
    below = np.minimum(shrink * (events.y - low), np.maximum(events.y - events.least, 0))
    above = np.minimum(shrink * (high - events.y), np.maximum(most - events.y, 0))
    total = events.y.sum(axis=1)
    return total - np.sqrt((below**2).sum(axis=1)), total + np.sqrt((above**2).sum(axis=1))


def _few(events: Found) -> Bools:
    """Bins with hardly an event in rows that weigh as few; (r, `N_BINS`)."""
    weight, squares = events.y.sum(axis=1, keepdims=True), events.v.sum(axis=1, keepdims=True)
    is_few: Bools = (events.n > 0) & (events.n < FEW_IN_BIN) & (weight**2 < FEW_IN_ALL * squares)
    return is_few


def judged(cells: Cells) -> Bools:
    """Which cells hold settled inspections of a known class that a model said something of, (k,)."""
    mask: Bools = (cells.true >= 0) & (cells.predicted >= 0)
    return mask
