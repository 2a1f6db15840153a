"""Geometry of the small pictures that stand beside a number: a value, its interval, its limit. Pure.

Coordinates are strings with a point as decimal mark, so that a template can print them in any language.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

ACCURACY_WIDTH = 132
GAIN_WIDTH = 300


def px(value: float) -> str:
    """A coordinate as SVG wants it."""
    return f"{value:.1f}"


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the grid: its place and what it stands for."""

    place: str
    text_place: str
    value: float


def upright(x: float, low: float, high: float, *, half: float = 4.0) -> str:
    """A whisker that stands: from one height to the other, with two feet."""
    left, foot = px(x - half), px(2 * half)
    return f"M{px(x)} {px(low)}V{px(high)}M{left} {px(low)}h{foot}M{left} {px(high)}h{foot}"


@dataclass(frozen=True, slots=True)
class Scale:
    """A line from ``low`` at the left edge to ``high`` at the right edge; what lies outside is drawn at the edge."""

    low: float
    high: float
    width: int

    def at(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return min(max(share, 0.0), 1.0) * self.width

    @property
    def middle(self) -> float:
        return (self.low + self.high) / 2


@dataclass(frozen=True, slots=True)
class Range:
    """Where to draw a value, its interval and its limits; empty where there is nothing to draw."""

    width: int
    point: str = ""
    ci_left: str = ""
    ci_right: str = ""
    bound: str = ""
    target: str = ""
    zero: str = ""
    misses_target: bool = False


def accuracy_scale(lows: Iterable[float | None], *, width: int = ACCURACY_WIDTH) -> Scale:
    """One scale for a whole list, ending at 100 %: from the lowest number in it, at most down to 0."""
    known = [low for low in lows if low is not None]
    lowest = min(known, default=0.9)
    step = 0.02 if lowest >= 0.88 else 0.1
    low = math.floor((lowest - 0.005) / step) * step
    return Scale(low=max(0.0, min(low, 0.9)), high=1.0, width=width)


def accuracy_range(
    scale: Scale,
    *,
    value: float | None,
    low: float | None,
    high: float | None,
    bound: float | None = None,
    target: float | None = None,
) -> Range:
    """A dot with its interval; with ``bound`` a bracket that is open upwards; with neither only the target.

    ``misses_target`` says that the whole interval lies below the target.
    """
    target_x = "" if target is None else px(scale.at(target))
    if bound is not None:
        return Range(scale.width, bound=px(scale.at(bound)), target=target_x)
    if value is None or low is None or high is None:
        return Range(scale.width, target=target_x)
    return Range(
        scale.width,
        point=px(scale.at(value)),
        ci_left=px(scale.at(low)),
        ci_right=px(scale.at(high)),
        target=target_x,
        misses_target=target is not None and high < target,
    )


def gain_scale(ends: Iterable[float | None], *, width: int = GAIN_WIDTH) -> Scale:
    """A scale with 0 in its middle that holds every interval, in whole points."""
    widest = max((abs(end) for end in ends if end is not None), default=0.0)
    reach = min(max(0.02, math.ceil(widest * 100 + 0.5) / 100), 1.0)
    return Scale(low=-reach, high=reach, width=width)


def gain_range(
    scale: Scale, *, gain: float | None, low: float | None, high: float | None, limit: float | None = None
) -> Range:
    """A change with its interval around 0; ``limit`` is what the lower end must not cross."""
    zero = px(scale.at(0.0))
    limit_x = "" if limit is None else px(scale.at(limit))
    if gain is None or low is None or high is None:
        return Range(scale.width, zero=zero, target=limit_x)
    return Range(
        scale.width,
        point=px(scale.at(gain)),
        ci_left=px(scale.at(low)),
        ci_right=px(scale.at(high)),
        target=limit_x,
        zero=zero,
        misses_target=limit is not None and low < limit,
    )
