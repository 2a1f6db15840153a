"""Accuracy against the number of labels, and what the next labels promise.

Errors of classifiers fall about as a power of the number of labels (Hestness et al. 2017): error = b * n^-c, a line in
logarithms. With a handful of points nothing finer can be fitted, so no floor is assumed and nothing is promised beyond
ten times the labels that there are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

FEWEST_POINTS = 3
LEAST_SPAN = 2.0
"""The most labels must be so many times the fewest."""
FARTHEST = 10.0
ONE_POINT = 0.01


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A model that learned from ``n_labels``: its share right on ``n`` held-out parts, and where it comes from."""

    n_labels: int
    accuracy: float
    n: int
    version: int | None = None


@dataclass(frozen=True, slots=True)
class CurveFit:
    """error = exp(intercept) * n^-slope; ``low`` and ``high`` are the 95 % interval of the slope."""

    intercept: float
    slope: float
    low: float
    high: float
    n_points: int

    def accuracy(self, n_labels: float) -> float:
        return 1 - min(1.0, math.exp(self.intercept - self.slope * math.log(n_labels)))


@dataclass(frozen=True, slots=True)
class MoreLabels:
    """About ``n`` more labels for one more point of accuracy; ``high`` None: it may take any number."""

    n: int
    low: int
    high: int | None


def points_of(stored: Any) -> list[CurvePoint]:
    """Points as a version carries them along (`metrics["learning_curve"]`); what is no point is passed over."""
    found = []
    for one in stored if isinstance(stored, list) else []:
        if isinstance(one, Mapping) and {"n_labels", "accuracy", "n"} <= one.keys():
            found.append(CurvePoint(int(one["n_labels"]), float(one["accuracy"]), int(one["n"])))
    return found


def fit_curve(points: Sequence[CurvePoint]) -> CurveFit | None:
    """Least squares in logarithms, each point by its binomial precision; None where the points are too few or too near.

    A half is added to errors and right ones, so that a faultless point has a place. The interval is Student's, of the
    residuals or of the binomial precision, whichever is wider: the points share their held-out parts.
    """
    known = [one for one in points if one.n_labels > 0 and one.n > 0]
    if len(known) < FEWEST_POINTS:
        return None
    labels = np.array([one.n_labels for one in known], dtype=np.float64)
    if labels.max() < LEAST_SPAN * labels.min() or len(np.unique(labels)) < FEWEST_POINTS:
        return None
    n = np.array([one.n for one in known], dtype=np.float64)
    error = (n * (1 - np.array([one.accuracy for one in known])) + 0.5) / (n + 1)
    weights = n * error / (1 - error)
    x, y = np.log(labels), np.log(error)
    centre, level = np.average(x, weights=weights), np.average(y, weights=weights)
    spread = float((weights * (x - centre) ** 2).sum())
    slope = float((weights * (x - centre) * (y - level)).sum() / spread)
    left = y - level - slope * (x - centre)
    scale = max(1.0, float((weights * left**2).sum()) / (len(known) - 2))
    half = float(stats.t.ppf(0.975, len(known) - 2)) * math.sqrt(scale / spread)
    return CurveFit(float(level - slope * centre), -slope, -slope - half, -slope + half, len(known))


def labels_for_one_more_point(fit: CurveFit | None, *, n_labels: int) -> MoreLabels | None:
    """How many more labels than ``n_labels`` the curve asks for one more point. None where it cannot be told: the slope
    may as well be 0, less than a point is left, or it would be beyond ten times the labels.
    """
    if fit is None or fit.low <= 0 or n_labels < 1:
        return None
    error = 1 - fit.accuracy(n_labels)
    if error <= ONE_POINT:
        return None
    ratio = math.log(error / (error - ONE_POINT))

    def more(slope: float) -> float:
        return n_labels * math.expm1(min(ratio / slope, 50.0))

    if more(fit.slope) > FARTHEST * n_labels:
        return None
    far = more(fit.low)
    return MoreLabels(
        max(1, round(more(fit.slope))),
        max(1, round(more(fit.high))),
        round(far) if far <= FARTHEST * n_labels else None,
    )
