"""Streams of inspections for tests of estimators: who is what, what was said, with which chance it is looked at."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models_registry.estimation import Cells, cells_of_items
from models_registry.estimation.cells import UNSETTLED

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def whole(true: Any, predicted: Any, *, copies: int = 1) -> Cells:
    """Every inspection reviewed, each pair so many times."""
    truth, said = np.repeat(true, copies), np.repeat(predicted, copies)
    return drawn_cells(truth, said, pi=np.ones(len(truth)), drawn=np.ones(len(truth), dtype=bool))


def drawn_cells(
    true: Any, predicted: Any, *, pi: Floats, drawn: Any, floor: float | None = None, sure: Any = None, g: Any = None
) -> Cells:
    """Cells of a stream whose drawn are settled. ``sure``: the certainty stratum; ``floor``: else the smallest pi."""
    n = len(pi)
    is_sure = np.zeros(n, dtype=bool) if sure is None else np.asarray(sure, dtype=bool)
    smallest = float(pi.min(initial=1.0)) if floor is None else floor
    return cells_of_items(
        predicted=np.asarray(predicted, dtype=np.int64),
        true=np.where(drawn, true, UNSETTLED),
        pi=np.where(is_sure, 1.0, pi),
        floor_pi=np.full(n, smallest),
        is_certainty=is_sure,
        is_drawn=np.asarray(drawn, dtype=bool) | is_sure,
        g=g,
    )


def three_classes(seed: int, n: int = 6000) -> tuple[Ints, Ints, Floats]:
    """Class 0 is good (80 %), 1 and 2 are defects; true, predicted, and g, a calibrated guess of error."""
    rng = np.random.default_rng(seed)
    true = rng.choice(3, n, p=[0.8, 0.14, 0.06])
    g = np.where(true == 0, rng.beta(1, 14, n), rng.beta(1, 4, n))
    predicted = np.where(rng.random(n) < g, (true + rng.integers(1, 3, n)) % 3, true)
    return true, predicted, g
