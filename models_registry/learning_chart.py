"""Accuracy against the number of labels: dots with their intervals, and the curve through them a little further."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from models_registry.charts import Tick, px, upright
from models_registry.estimation.intervals import wilson
from models_registry.learning_curve import CurveFit, CurvePoint

LEFT, RIGHT, TOP, BOTTOM = 36.0, 306.0, 12.0, 150.0
AHEAD = 2.0
STEPS = 24
GRIDS = (0.01, 0.02, 0.05, 0.1, 0.2)


@dataclass(frozen=True, slots=True)
class LearningDot:
    point: CurvePoint
    low: float
    high: float
    x: str
    y: str
    whisker: str


@dataclass(frozen=True, slots=True)
class LearningChart:
    """``line`` lies among the points, ``ahead`` beyond them; both empty without a curve."""

    dots: tuple[LearningDot, ...]
    line: str
    ahead: str
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]


def learning_chart(points: Sequence[CurvePoint], fit: CurveFit | None) -> LearningChart | None:
    """By the logarithm of the labels, from the fewest to twice the most. None without two points."""
    known = sorted((one for one in points if one.n and one.n_labels), key=lambda one: one.n_labels)
    if len(known) < 2 or known[0].n_labels == known[-1].n_labels:
        return None
    first, most = known[0].n_labels, known[-1].n_labels
    ends = [wilson(count=min(max(one.accuracy, 0.0), 1.0) * one.n, n=one.n) for one in known]
    grid = next((step for step in GRIDS if 1 - min(end.low for end in ends) <= 6 * step), GRIDS[-1])
    bottom = max(0.0, math.floor(min(end.low for end in ends) / grid) * grid)

    def x(n: float) -> float:
        return LEFT + math.log(n / first) / math.log(AHEAD * most / first) * (RIGHT - LEFT)

    def y(share: float) -> float:
        return BOTTOM - (min(max(share, bottom), 1.0) - bottom) / (1 - bottom) * (BOTTOM - TOP)

    def way(start: float, end: float) -> str:
        if fit is None:
            return ""
        steps = [start * (end / start) ** (step / STEPS) for step in range(STEPS + 1)]
        return "M" + " ".join(f"{px(x(n))},{px(y(fit.accuracy(n)))}" for n in steps)

    return LearningChart(
        dots=tuple(
            LearningDot(one, end.low, end.high, px(x(one.n_labels)), px(y(one.accuracy)),
                        upright(x(one.n_labels), y(end.low), y(end.high)))
            for one, end in zip(known, ends, strict=True)
        ),
        line=way(first, most),
        ahead=way(most, AHEAD * most),
        across=tuple(Tick(px(x(one.n_labels)), px(x(one.n_labels)), one.n_labels) for one in _apart(known)),
        up=tuple(
            Tick(px(y(value)), px(y(value) + 4), value)
            for value in (bottom + step * grid for step in range(round((1 - bottom) / grid) + 1))
        ),
    )  # fmt: skip


def _apart(known: Sequence[CurvePoint]) -> list[CurvePoint]:
    """Points whose numbers can stand beside each other on the axis."""
    kept: list[CurvePoint] = []
    for one in known:
        if not kept or one.n_labels >= 1.3 * kept[-1].n_labels:
            kept.append(one)
    return kept
