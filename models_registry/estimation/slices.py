"""A slice of a window: its accuracy where so much is known, and the evidence that it does harm (STATISTICS §2.1, §2.5).

How many arrived in a lot, a recipe or a shift is not counted: the slice's size is estimated from what was drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models_registry.estimation.accuracy import MIN_SETTLED
from models_registry.estimation.bins import CERTAINTY, N_BINS, Found, found, judged, largest_weights
from models_registry.estimation.cells import Cells
from models_registry.estimation.counts import METHOD_RATIO, Counts, Measured, counted, linearised, measured, shares
from models_registry.estimation.intervals import BIN_EDGES
from models_registry.estimation.response import spoken_of, weigh_slice
from models_registry.estimation.totals import Floats

NOT_MEASURABLE = "not_measurable"
N_BETS = 16
BOLDEST = 0.95
"""How much of its capital a bet may lose in one inspection; 1 would be ruin."""
LARGEST_LOG = float(np.log(1e300))


@dataclass(frozen=True, slots=True)
class SliceFigures:
    """``accuracy``: None with the method `NOT_MEASURABLE` below 30 settled. ``evidence``: of an error rate above the
    allowed one, to one, as `harm`; None where the accuracy is."""

    accuracy: Measured
    evidence: float | None


def slice_figures(cells: Cells, *, allowed: float, window: Cells | None = None) -> SliceFigures:
    """The figures of one slice's settled cells. ``allowed``: the error rate of the target, in (0, 1).

    ``window``: the cells of all that arrived around it, by which silence is weighed in (`response.weigh_slice`).
    Raises ValueError for an allowed rate outside (0, 1), and as `response.weigh_silence` does.
    """
    if not 0 < allowed < 1:
        raise ValueError(f"an allowed error rate lies between 0 and 1, not at {allowed}")
    weighed = weigh_slice(spoken_of(cells), window=window)
    seen = judged(weighed)
    wrong = found(weighed, row=np.where(seen & (weighed.true != weighed.predicted), 0, -1))
    right = found(weighed, row=np.where(seen & (weighed.true == weighed.predicted), 0, -1))
    n, n_found = float(weighed.n[seen].sum()), float(wrong.n.sum())
    if n < MIN_SETTLED:
        return SliceFigures(Measured(None, None, None, None, None, int(n), int(n_found), NOT_MEASURABLE, True), None)
    share = share_right(wrong, right, largest=largest_weights(weighed))
    accuracy = measured(share, 0, n=n, n_found=n_found, method=METHOD_RATIO)
    return SliceFigures(accuracy, harm(weighed.where(seen), allowed=allowed))


def share_right(wrong: Found, right: Found, *, largest: Floats) -> Counts:
    """Hájek's share of the right (1,), with limits: both counts estimate how many there are, so does their sum.

    What is always checked and settled as a whole is known: nothing more can hide there.
    """
    nowhere = np.full((1, N_BINS), np.inf)
    if largest[CERTAINTY] <= 1 + 1e-12:
        nowhere[:, CERTAINTY] = 0
    share = shares(counted(right, largest=largest, most=nowhere), counted(wrong, largest=largest, most=nowhere))
    straight, is_fit = linearised(right, wrong)
    return straight.where(is_fit, share)


def harm(cells: Cells, *, allowed: float) -> float:
    """An e-value against "the error rate of these is at most ``allowed``": its mean is at most 1 while that is true.

    Settled cells, silence weighed in. For each inspection X = xi w (e - p), and a bet b in [0, 1/(p w_max)) earns
    prod(1 + b X). What was not drawn earns nothing, so nobody needs to know how many arrived. Draws are independent,
    so over a population with errors e_i its mean is prod(1 + b(e_i - p)) <= exp(b sum(e_i - p)) <= 1 while
    sum(e_i) <= N p: valid for one look, whatever the mixture of easy and hard parts; and a mean over bets is too.
    log(1 + b w c) is concave in w: between the borders of a cell its chord, linear in w, lies below it, so the sums of
    a cell give a product that is never too large. Sources: Waudby-Smith and Ramdas 2024 (betting); STATISTICS §2.5.
    """
    some = cells.where((cells.n > 0) & judged(cells))
    if len(some) == 0:
        return 1.0
    least, most = _borders(some)
    top = float(most.max())
    bets = np.geomspace(0.05 / top, min(20.0, BOLDEST / allowed) / top, N_BETS)
    gain = np.where(some.true != some.predicted, 1.0 - allowed, -allowed)
    at_least, at_most = (np.log1p(bets[:, None] * (gain * border)) for border in (least, most))
    width = most - least
    slope = np.divide(at_most - at_least, width, out=np.zeros_like(at_most), where=width > 1e-12 * most)
    logs = (some.n * at_least + slope * (some.w - some.n * least)).sum(axis=1)
    largest = float(logs.max())
    return float(np.exp(min(largest + np.log(np.exp(logs - largest).mean()), LARGEST_LOG)))


def _borders(cells: Cells) -> tuple[Floats, Floats]:
    """The smallest and the largest weight that an inspection of each cell can have; its mean lies between them."""
    number = np.searchsorted(BIN_EDGES, cells.edge)
    above = np.append(BIN_EDGES[1:], np.inf)[number]
    mean = cells.w / cells.n
    least = np.where(cells.is_certainty, mean, np.maximum(1 / (above * cells.floor_pi), 1.0))
    most = np.where(cells.is_certainty, mean, 1 / (cells.edge * cells.floor_pi))
    return np.minimum(least, mean), np.maximum(most, mean)
