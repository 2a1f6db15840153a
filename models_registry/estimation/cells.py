"""What every estimate reads: sums over inspections that are alike, so that a report never scans verdicts.

A cell holds the inspections of one predicted class, true class, stratum and bin of pi/floor. All that the estimators
need of them are counts and sums of powers of w = 1/pi and of g, the model's own probability of error; so a single
inspection is a cell too, and cells with the same key may be added in any order.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from models_registry.estimation.intervals import BIN_EDGES, ROUNDING
from models_registry.estimation.totals import Floats, inverse_pi

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

UNSETTLED = -1
"""`Cells.true` of what is counted when an inspection arrives, before anything is known of its truth."""
NOT_JUDGEABLE = -2
"""`Cells.true` of what people found no judgeable image of: it leaves the domain (STATISTICS §1.3)."""


@dataclass(frozen=True, slots=True)
class Cells:
    """k cells, arrays of shape (k,). The classes are numbered 0..K-1 in an order that the caller keeps.

    Every inspection is in two places: once where ``true`` is `UNSETTLED` (the counts of all that arrived, which are
    never taken away), and once more, when it was drawn and is settled, under its truth. The sums of the other kind
    are 0 there. Raises ValueError for differing shapes, pi or floors outside (0, 1], or a negative count.
    """

    true: Ints
    predicted: Ints  # -1: labels before models
    is_certainty: Bools
    edge: Floats  # lower edge of the bin of pi/floor, one of `BIN_EDGES`
    floor_pi: Floats  # the smallest pi an inspection of the same design could have
    # where ``true`` is UNSETTLED
    n_arrived: Ints
    n_drawn: Ints
    w_drawn: Floats  # sum of w over the drawn
    g: Floats  # sum of g over all that arrived
    # elsewhere: sums over the drawn and settled
    n: Ints
    pi: Floats
    w: Floats
    w2: Floats
    wg: Floats
    w2g: Floats
    wg2: Floats
    w2g2: Floats

    def __post_init__(self) -> None:
        shape = self.true.shape
        if len(shape) != 1 or any(getattr(self, one.name).shape != shape for one in fields(self)):
            raise ValueError("the arrays of cells have one shape, (k,)")
        inverse_pi(self.floor_pi, n=len(self.true))
        if bool((self.n_arrived < 0).any() or (self.n < 0).any() or (self.n_drawn > self.n_arrived).any()):
            raise ValueError("no count lies below 0, and no more were drawn than arrived")

    def __len__(self) -> int:
        return len(self.true)

    def where(self, mask: Bools) -> Cells:
        """The cells that a mask (k,) picks."""
        return Cells(**{one.name: getattr(self, one.name)[mask] for one in fields(self)})


def cells_of_items(
    *,
    predicted: Ints,
    true: Ints,
    pi: Floats,
    floor_pi: Floats,
    is_certainty: Bools,
    is_drawn: Bools,
    g: Floats | None = None,
) -> Cells:
    """Cells of N inspections that arrived, arrays (N,): each on its own, twice where it was drawn and is settled.

    ``true`` of what is not settled is `UNSETTLED`; a truth that is known of what was not drawn is not looked at
    (STATISTICS §1.4). Without ``g`` the model says nothing of itself and g is 0.
    Raises ValueError for pi outside (0, 1] or below its floor.
    """
    n = len(pi)
    w, guess = inverse_pi(pi, n=n), np.zeros(n) if g is None else np.asarray(g, dtype=np.float64)
    if bool((pi < floor_pi * (1 - ROUNDING)).any()):
        raise ValueError("no inclusion probability lies below the floor of its design")
    drawn = np.asarray(is_drawn, dtype=bool)
    settled = drawn & (true != UNSETTLED)
    none, ones, zeros = np.zeros(n, dtype=np.int64), np.ones(n, dtype=np.int64), np.zeros(n)
    shared = {
        "predicted": np.asarray(predicted, dtype=np.int64),
        "is_certainty": np.asarray(is_certainty, dtype=bool),
        "edge": bin_edge(pi, floor_pi),
        "floor_pi": np.asarray(floor_pi, dtype=np.float64),
    }
    arrivals = Cells(
        true=np.full(n, UNSETTLED), n_arrived=ones, n_drawn=drawn.astype(np.int64), w_drawn=np.where(drawn, w, 0.0),
        g=guess, n=none, pi=zeros, w=zeros, w2=zeros, wg=zeros, w2g=zeros, wg2=zeros, w2g2=zeros, **shared,
    )  # fmt: skip
    truths = Cells(
        true=np.asarray(true, dtype=np.int64), n_arrived=none, n_drawn=none, w_drawn=zeros, g=zeros, n=ones, pi=pi,
        w=w, w2=w**2, wg=w * guess, w2g=w**2 * guess, wg2=w * guess**2, w2g2=(w * guess) ** 2, **shared,
    )  # fmt: skip
    return joined(arrivals, truths.where(settled))


def joined(*parts: Cells) -> Cells:
    """Cells of several sources in one. Raises ValueError when there is none."""
    return Cells(**{one.name: np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Cells)})


def bin_edge(pi: Floats, floor_pi: Floats) -> Floats:
    """The lower edge of each one's bin of pi/floor, (n,)."""
    number = np.searchsorted(BIN_EDGES, pi / floor_pi * (1 + ROUNDING), side="right") - 1
    edges: Floats = BIN_EDGES[np.maximum(number, 0)]
    return edges
