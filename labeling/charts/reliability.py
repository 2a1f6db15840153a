"""Is it as sure as it is right? The share right against the model's own confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from labeling.charts.frame import Share
from models_registry.charts import Tick, px, upright

LEFT, RIGHT, TOP, BOTTOM = 44.0, 450.0, 12.0, 226.0
QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class ConfidencePoint:
    """One bin: how sure the model was on average, and the share that was right. ``stands_for``: how many parts."""

    confidence: float
    right: Share
    stands_for: float = 0.0


@dataclass(frozen=True, slots=True)
class Dot:
    point: ConfidencePoint
    x: str
    y: str
    radius: str
    whisker: str


@dataclass(frozen=True, slots=True)
class ReliabilityChart:
    dots: tuple[Dot, ...]
    line: str
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]


def reliability_chart(points: Sequence[ConfidencePoint]) -> ReliabilityChart | None:
    """Dots by confidence with their intervals; None where no bin can be measured. Too small bins are left out."""
    known = sorted((one for one in points if one.right.is_estimate), key=lambda one: one.confidence)
    if not known:
        return None
    most = max(one.right.n for one in known)
    dots = tuple(_dot(one, most) for one in known)
    line = "M" + " ".join(f"{dot.x},{dot.y}" for dot in dots) if len(dots) > 1 else ""
    return ReliabilityChart(
        dots=dots,
        line=line,
        across=tuple(Tick(px(_x(value)), px(_x(value)), value) for value in QUARTERS),
        up=tuple(Tick(px(_y(value)), px(_y(value) + 4), value) for value in QUARTERS),
    )


def _dot(point: ConfidencePoint, most: int) -> Dot:
    x, right = _x(point.confidence), point.right
    whisker = upright(x, _y(right.low or 0.0), _y(right.high or 0.0), half=0.0)
    radius = 3.2 + 3.4 * (right.n / most) ** 0.5
    return Dot(point, px(x), px(_y(right.value or 0.0)), px(radius), whisker)


def _x(share: float) -> float:
    return LEFT + min(max(share, 0.0), 1.0) * (RIGHT - LEFT)


def _y(share: float) -> float:
    return BOTTOM - min(max(share, 0.0), 1.0) * (BOTTOM - TOP)
