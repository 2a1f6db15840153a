"""Drawn inspections that nobody settled: those like them speak for them, and the bounds of what they may hide.

Assumption: within a response cell (stratum, bin of pi, predicted class) it is chance who is settled (STATISTICS §1.3).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models_registry.estimation.cells import UNSETTLED, Bools, Cells, Ints, cells_of_items
from models_registry.estimation.intervals import BIN_EDGES
from models_registry.estimation.totals import Floats, summed

MIN_SELECTED = 20
_EDGES, _STRATA = len(BIN_EDGES), 2


def weigh_silence(cells: Cells, *, by: Cells | None = None) -> Cells:
    """The cells with pi multiplied by their response cell's settled share of the drawn weight, rho.

    Sums of powers of w follow (w/rho, w^2/rho^2, so that a = w^2 - w is that of pi*rho), and so does the floor. The
    certainty stratum becomes a bin of its own, with the floor rho: where it is not settled as a whole it is a sample
    of itself. A cell with fewer than 20 drawn, or nothing settled, is collapsed with its like in a fixed order: over
    the predicted classes, then over the bins; what still is too small joins the largest cell of its stratum. In a
    stratum without a settled inspection nothing is changed.
    ``by``: where the response is read, if not in the cells themselves: the window of a slice that does not know what
    arrived in it. Raises ValueError where more is settled than was drawn, and for a certainty inspection with pi < 1.
    """
    base = cells if by is None else by
    _require_sense(base)
    if bool((cells.is_certainty & (np.abs(cells.w - cells.n) > 1e-6 * cells.n)).any()):
        raise ValueError("an inspection of the certainty stratum has pi = 1")
    own, theirs = _codes(cells), _codes(base)
    rho = _response(base, theirs, n_codes=1 + max(int(own.max(initial=-1)), int(theirs.max(initial=-1))))[own]
    floor = np.where(cells.is_certainty, 1.0, cells.floor_pi)
    weighed = replace(cells, edge=np.where(cells.is_certainty, 1.0, cells.edge), floor_pi=floor * rho)
    if bool((rho == 1).all()):
        return weighed
    return replace(
        weighed,
        pi=cells.pi * rho,
        w=cells.w / rho,
        w2=cells.w2 / rho**2,
        wg=cells.wg / rho,
        w2g=cells.w2g / rho**2,
        wg2=cells.wg2 / rho,
        w2g2=cells.w2g2 / rho**2,
    )


def weigh_slice(cells: Cells, *, window: Cells | None = None) -> Cells:
    """`weigh_silence` of a slice, by its own arrivals where they are in its cells, else by the window's around it.

    Where neither is known every drawn inspection counts as settled.
    """
    if cells.n_arrived.sum() > 0:
        return weigh_silence(cells)
    return weigh_silence(cells, by=cells.where(cells.n_arrived > 0) if window is None else spoken_of(window))


def settled_shares(*, predicted: Ints, pi: Floats, is_settled: Bools) -> Floats:
    """rho of each of n drawn inspections, in (0, 1]: the settled share of the drawn weight of its response cell.

    Arrays (n,); ``predicted`` numbers what was said of each. pi*rho is the chance of being drawn and settled. Cells are
    collapsed as by `weigh_silence`; the floor is the smallest pi among them. Raises ValueError for pi outside (0, 1].
    """
    n = len(pi)
    cells = cells_of_items(
        predicted=predicted, true=np.where(is_settled, 0, UNSETTLED), pi=pi, is_certainty=pi == 1,
        floor_pi=np.full(n, float(pi.min(initial=1.0))), is_drawn=np.ones(n, dtype=np.bool_),
    )  # fmt: skip
    code = _codes(cells)
    return _response(cells, code, n_codes=1 + int(code.max(initial=-1)))[code][:n]


def spoken_of(cells: Cells) -> Cells:
    """The cells that a model said something of: others can be neither right nor wrong."""
    mask = cells.predicted >= 0
    return cells if bool(mask.all()) else cells.where(mask)


def _codes(cells: Cells) -> Ints:
    """Each one's (predicted, stratum, edge) as one number; the last two are the remainder by 12."""
    edge = np.searchsorted(BIN_EDGES, cells.edge)
    code: Ints = ((cells.predicted + 1) * _STRATA + cells.is_certainty) * _EDGES + edge
    return code


def _response(cells: Cells, code: Ints, *, n_codes: int) -> Floats:
    """The settled share of the drawn weight of each code, in (0, 1]."""
    of_edge, of_stratum = np.arange(n_codes) % (_STRATA * _EDGES), np.arange(n_codes) // _EDGES % _STRATA
    size, group = n_codes + _STRATA * (_EDGES + 1), np.arange(n_codes)
    # each level: groups too small go where all too small ones of their bin, then of their stratum, are gathered
    for coarser in (n_codes + of_edge, n_codes + _STRATA * _EDGES + of_stratum):
        group = np.where(_is_fit(cells, group[code], size)[group], group, coarser)
    n_drawn, is_fit = summed(cells.n_drawn, group[code], size=size), _is_fit(cells, group[code], size)
    for stratum in range(_STRATA):
        last, own = n_codes + _STRATA * _EDGES + stratum, group[of_stratum == stratum]
        if not is_fit[last] and bool((own != last).any()):
            largest = own[np.argmax(np.where(own == last, -1.0, n_drawn[own]))]
            group = np.where(group == last, largest, group)
    settled, drawn = summed(cells.w, group[code], size=size), summed(cells.w_drawn, group[code], size=size)
    share = np.divide(settled, drawn, out=np.ones(size), where=(settled > 0) & (drawn > 0))
    answer: Floats = np.minimum(share, 1.0)[group]
    return answer


def _is_fit(cells: Cells, group: Ints, size: int) -> Bools:
    """Which groups have enough drawn, and something settled, to speak for themselves."""
    fit: Bools = (summed(cells.n_drawn, group, size=size) >= MIN_SELECTED) & (summed(cells.n, group, size=size) > 0)
    return fit


def _require_sense(cells: Cells) -> None:
    stratum = cells.is_certainty.astype(np.int64)
    if bool((summed(cells.n, stratum, size=2) > summed(cells.n_drawn, stratum, size=2)).any()):
        raise ValueError("more inspections are settled than were drawn")
