"""What a training said of itself, as pictures: the candidates it tried, its numbers while it learned, and where its
version stands on the curve of labels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models_registry.charts import Scale, Tick, accuracy_scale, px
from models_registry.learning_chart import LearningChart, learning_chart
from models_registry.learning_curve import fit_curve, points_of
from models_registry.models import ModelVersion, TrainingStep
from models_registry.training.series import Points

LEFT, RIGHT, TOP, BOTTOM = 52.0, 306.0, 12.0, 150.0
MOST_TICKS = 5
FOLDS_WIDTH = 160


@dataclass(frozen=True, slots=True)
class TriedRow:
    """A candidate of the built-in trainer; ``dots`` are where its folds lie, ``mean`` all of them together."""

    name: str
    n: int
    log_loss: float | None
    accuracy: float | None
    dots: tuple[str, ...]
    mean: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One number over the reports of a trainer. ``places``: the decimals that tell its ticks apart."""

    name: str
    path: str
    end_x: str
    end_y: str
    up: tuple[Tick, ...]
    across: tuple[Tick, ...]
    places: int
    points: Sequence[Sequence[float]]

    @property
    def first(self) -> float:
        return self.points[0][1]

    @property
    def last(self) -> float:
        return self.points[-1][1]


@dataclass(frozen=True, slots=True)
class Curves:
    tried: Sequence[TriedRow]
    scale: Scale | None
    lines: Sequence[Line]
    learning: LearningChart | None


def curves_of(steps: Sequence[TrainingStep], version: ModelVersion | None) -> Curves | None:
    """None: there is nothing to draw (yet)."""
    told: dict[str, Any] = next((step.curves for step in steps if step.curves), {})
    tried = told.get("tried", [])
    scale = accuracy_scale((min(one["folds"], default=None) for one in tried), width=FOLDS_WIDTH) if tried else None
    points = points_of(version.metrics.get("learning_curve")) if version else []
    found = Curves(
        tried=[_tried_row(one, told.get("chosen"), scale) for one in tried] if scale else [],
        scale=scale,
        lines=lines_of(told.get("series", {})),
        learning=learning_chart(points, fit_curve(points)),
    )
    return found if found.tried or found.lines or found.learning else None


def _tried_row(told: Mapping[str, Any], chosen: str | None, scale: Scale) -> TriedRow:
    accuracy = told["accuracy"]
    return TriedRow(
        name=told["name"],
        n=told["n"],
        log_loss=told["log_loss"],
        accuracy=accuracy,
        dots=tuple(px(scale.at(share)) for share in told["folds"]),
        mean="" if accuracy is None else px(scale.at(accuracy)),
        is_chosen=told["name"] == chosen,
    )


def lines_of(points: Points) -> list[Line]:
    """A picture for each number that was told at least twice, in the order in which they were first told."""
    last = max((of_it[-1][0] for of_it in points.values()), default=1)
    return [_line(name, of_it, last) for name, of_it in points.items() if len(of_it) > 1]


def _line(name: str, points: Sequence[Sequence[float]], last: float) -> Line:
    values = [value for _number, value in points]
    ticks, places = ticks_between(min(values), max(values))
    low, high = min(ticks[0], *values), max(ticks[-1], *values)

    def x(number: float) -> float:
        return LEFT + (number - 1) / (last - 1) * (RIGHT - LEFT)

    def y(value: float) -> float:
        return BOTTOM - (value - low) / (high - low) * (BOTTOM - TOP)

    middle = round((1 + last) / 2)
    across = [1.0, float(last)] if middle in (1, last) else [1.0, float(middle), float(last)]
    return Line(
        name=name,
        path="M" + " ".join(f"{px(x(number))},{px(y(value))}" for number, value in points),
        end_x=px(x(points[-1][0])),
        end_y=px(y(points[-1][1])),
        up=tuple(Tick(px(y(value)), px(y(value) + 4), value) for value in ticks),
        across=tuple(Tick(px(x(number)), px(x(number)), number) for number in across),
        places=places,
        points=points,
    )


def ticks_between(low: float, high: float) -> tuple[list[float], int]:
    """At most six round numbers from at most ``low`` to at least ``high``, and the decimals that tell them apart."""
    if high - low <= 1e-9 * max(abs(low), abs(high)):  # it never moved
        around = max(abs(low) / 2, 1e-9)
        low, high = low - around, high + around
    rough = (high - low) / (MOST_TICKS - 1)
    whole = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * whole for factor in (1, 2, 5, 10) if factor * whole >= rough * (1 - 1e-9))
    first, end = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    places = max(0, -math.floor(math.log10(step) + 1e-9))
    return [round(place * step, min(places + 2, 300)) for place in range(first, end + 1)], places
