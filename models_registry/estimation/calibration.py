"""Whether a confidence means what it says, from single inspections. (`reliability` does it from the rollups' sums.)"""

from __future__ import annotations

from typing import Literal

import numpy as np

from models_registry.estimation.cells import Bools, Ints
from models_registry.estimation.totals import Floats

Norm = Literal["l1", "l2", "max"]


def brier(confidence: Floats, is_right: Bools, *, weights: Floats | None = None) -> float | None:
    """Weighted mean of (confidence - right)^2; None without an inspection. Raises ValueError as below."""
    w = _weights(confidence, is_right, weights)
    return float((w * (confidence - is_right) ** 2).sum() / w.sum()) if len(w) else None


def calibration_error(
    confidence: Floats,
    is_right: Bools,
    *,
    weights: Floats | None = None,
    n_bins: int = 10,
    equal_mass: bool = True,
    norm: Norm = "l1",
) -> float | None:
    """Distance between confidence and share right over bins, weighted by 1/pi; None without an inspection.

    Arrays (n,). Bins are of equal weight, or of equal width. l1: the mean distance (ECE), l2: its root mean square,
    max: the largest. Biased upwards where bins hold few. Raises ValueError for differing shapes, a confidence outside
    [0, 1], a weight that is not above 0. Source: Guo et al. 2017; Kumar et al. 2019.
    """
    w = _weights(confidence, is_right, weights)
    if not len(w):
        return None
    place = _bins(confidence, w, n_bins, equal_mass)

    def total(values: Floats) -> Floats:
        return np.asarray(np.bincount(place, weights=values, minlength=n_bins), dtype=np.float64)

    mass = total(w)
    used = mass > 0
    share = mass[used] / mass.sum()
    gap = np.abs(total(w * confidence)[used] - total(w * is_right)[used]) / mass[used]
    if norm == "max":
        return float(gap.max())
    return float((share * gap).sum()) if norm == "l1" else float(np.sqrt((share * gap**2).sum()))


def _bins(confidence: Floats, w: Floats, n_bins: int, equal_mass: bool) -> Ints:
    if n_bins < 1:
        raise ValueError("there is at least one bin")
    if not equal_mass:
        return np.minimum((confidence * n_bins).astype(np.int64), n_bins - 1)
    order = np.argsort(confidence, kind="stable")
    middle = (np.cumsum(w[order]) - w[order] / 2) / w.sum()
    place = np.empty(len(w), dtype=np.int64)
    place[order] = np.minimum((middle * n_bins).astype(np.int64), n_bins - 1)
    return place


def _weights(confidence: Floats, is_right: Bools, weights: Floats | None) -> Floats:
    w = np.ones(len(confidence)) if weights is None else weights
    if confidence.shape != is_right.shape or w.shape != confidence.shape:
        raise ValueError("confidences, truths and weights are arrays of one shape")
    if not bool(((confidence >= 0) & (confidence <= 1)).all()) or not bool((w > 0).all() and np.isfinite(w).all()):
        raise ValueError("a confidence lies between 0 and 1, and a weight above 0")
    return w
