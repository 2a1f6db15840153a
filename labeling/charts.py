"""Geometry of the model page's charts: frozen data in, coordinates out. Pure, so that a test can check a picture.

Coordinates are strings with a point as decimal mark, so that a template can print them in any language.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from models_registry.charts import px

LEFT, RIGHT, TOP, BOTTOM = 44.0, 860.0, 26.0, 226.0
BARS_TOP, BARS_BOTTOM = 238.0, 268.0
LABEL_GAP = 32.0
MAX_POINTS = 60


@dataclass(frozen=True, slots=True)
class AccuracyPoint:
    """One estimate: the accuracy of ``version`` as it was known at ``at``. Shares between 0 and 1."""

    at: datetime
    version: str
    n: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    bound: float | None = None  # set instead of a value where only a lower bound can be shown
    naive: float | None = None

    @property
    def is_estimate(self) -> bool:
        return self.bound is None and None not in (self.value, self.low, self.high)


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the grid: its place and what it stands for."""

    place: str
    text_place: str
    value: float


@dataclass(frozen=True, slots=True)
class TimeTick:
    place: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Mark:
    """The moment from which a version was the champion."""

    place: str
    box: str
    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Bar:
    left: str
    top: str
    width: str
    height: str


@dataclass(frozen=True, slots=True)
class Spot:
    """A point of the picture, with the height of the words beside it."""

    x: str
    y: str
    text_y: str
    text_y2: str


@dataclass(frozen=True, slots=True)
class AccuracyChart:
    """Everything the template draws. Paths are empty where nothing was measured."""

    points: tuple[AccuracyPoint, ...]
    ticks: tuple[Tick, ...]
    time_ticks: tuple[TimeTick, ...]
    bands: tuple[str, ...]
    lines: tuple[str, ...]
    whiskers: tuple[str, ...]
    bounds: tuple[str, ...]
    dots: tuple[tuple[str, str], ...]
    naive: str
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    last: Spot | None
    naive_last: Spot | None
    target: Spot | None
    within_days: bool


@dataclass(frozen=True, slots=True)
class _Frame:
    start: datetime
    seconds: float
    low: float
    high: float
    step: float

    def x(self, at: datetime) -> float:
        if not self.seconds:
            return (LEFT + RIGHT) / 2
        return LEFT + 10 + (at - self.start).total_seconds() / self.seconds * (RIGHT - LEFT - 18)

    def y(self, value: float) -> float:
        return BOTTOM - (value - self.low) / (self.high - self.low) * (BOTTOM - TOP)


def thin_out(points: Sequence[AccuracyPoint], *, limit: int = MAX_POINTS) -> list[AccuracyPoint]:
    """The last point of each of ``limit`` equal stretches of time: enough for the width of the picture."""
    if len(points) <= limit:
        return list(points)
    start, span = points[0].at, (points[-1].at - points[0].at) / limit or timedelta(seconds=1)
    kept = {(min(int((point.at - start) / span), limit - 1), point.version): point for point in points}
    return sorted(kept.values(), key=lambda point: point.at)


def accuracy_chart(points: Sequence[AccuracyPoint], *, target: float | None = None) -> AccuracyChart | None:
    """The accuracy over time, or None where there is no point. ``points`` rise in time."""
    if not points:
        return None
    kept = thin_out(points)
    frame = _frame(kept, target)
    last = next((point for point in reversed(kept) if point.is_estimate or point.bound is not None), None)
    naive_last = next((point for point in reversed(kept) if point.naive is not None), None)
    heights = _spread(
        {
            "last": frame.y(_level(last)) if last else None,
            "target": frame.y(target) if target is not None else None,
            "naive": frame.y(naive_last.naive or 0.0) if naive_last else None,
        }
    )
    runs = _runs(kept)
    return AccuracyChart(
        points=tuple(kept),
        ticks=_ticks(frame),
        time_ticks=_time_ticks(kept, frame),
        bands=tuple(_band(run, frame) for run in runs if len(run) > 1),
        lines=tuple(_path(run, frame) for run in runs if len(run) > 1),
        whiskers=tuple(_whisker(run[0], frame) for run in runs if len(run) == 1),
        bounds=tuple(_bracket(point, frame) for point in kept if point.bound is not None),
        dots=tuple((px(frame.x(run[0].at)), px(frame.y(_level(run[0])))) for run in runs if len(run) == 1),
        naive=_naive(kept, frame),
        bars=_bars(kept, frame),
        marks=_marks(kept, frame),
        last=_spot(frame.x(last.at), frame.y(_level(last)), heights["last"]) if last else None,
        naive_last=_spot(RIGHT, 0.0, heights["naive"]) if naive_last else None,
        target=_spot(RIGHT, frame.y(target), heights["target"]) if target is not None else None,
        within_days=kept[-1].at - kept[0].at < timedelta(days=3),
    )


def _level(point: AccuracyPoint) -> float:
    value = point.value if point.bound is None else point.bound
    return value if value is not None else 0.0


def _frame(points: Sequence[AccuracyPoint], target: float | None) -> _Frame:
    """The picture's scale: down to the lowest number in it, up to 100 % or a little above the highest."""
    drawn = [n for p in points for n in (p.low, p.high, p.naive, p.bound)]
    numbers = [n for n in (*drawn, target) if n is not None]
    lowest, highest = min(numbers, default=0.8), max(numbers, default=1.0)
    step = _step(highest - lowest)
    low = max(0.0, math.floor((lowest - step / 4) / step) * step)
    high = min(1.0, math.ceil((highest + step / 4) / step) * step)
    return _Frame(points[0].at, (points[-1].at - points[0].at).total_seconds(), low, max(high, low + step), step)


def _step(span: float) -> float:
    return next((step for step in (0.01, 0.02, 0.05, 0.1, 0.2) if span / step <= 6), 0.25)


def _ticks(frame: _Frame) -> tuple[Tick, ...]:
    count = math.floor((frame.high - frame.low) / frame.step + 1e-6)
    values = [frame.low + number * frame.step for number in range(count + 1)]
    return tuple(Tick(px(frame.y(value)), px(frame.y(value) + 4), value) for value in values)


def _time_ticks(points: Sequence[AccuracyPoint], frame: _Frame) -> tuple[TimeTick, ...]:
    if not frame.seconds:
        return (TimeTick(px(frame.x(points[0].at)), points[0].at),)
    moments = [frame.start + timedelta(seconds=frame.seconds * part / 4) for part in range(5)]
    return tuple(TimeTick(px(frame.x(moment)), moment) for moment in moments)


def _runs(points: Sequence[AccuracyPoint]) -> list[list[AccuracyPoint]]:
    """Stretches of estimates of one version: a line is not drawn across a promotion or a gap."""
    groups = groupby(points, key=lambda point: (point.version, point.is_estimate))
    return [list(group) for (_, is_estimate), group in groups if is_estimate]


def _band(run: Sequence[AccuracyPoint], frame: _Frame) -> str:
    upper = [f"{px(frame.x(p.at))},{px(frame.y(p.high or 0.0))}" for p in run]
    lower = [f"{px(frame.x(p.at))},{px(frame.y(p.low or 0.0))}" for p in reversed(run)]
    return f"M{' '.join(upper)} L{' '.join(lower)}Z"


def _path(run: Sequence[AccuracyPoint], frame: _Frame) -> str:
    return "M" + " ".join(f"{px(frame.x(p.at))},{px(frame.y(_level(p)))}" for p in run)


def _whisker(point: AccuracyPoint, frame: _Frame) -> str:
    x, low, high = frame.x(point.at), frame.y(point.low or 0.0), frame.y(point.high or 0.0)
    return f"M{px(x)} {px(low)}V{px(high)}M{px(x - 4)} {px(low)}h8M{px(x - 4)} {px(high)}h8"


def _bracket(point: AccuracyPoint, frame: _Frame) -> str:
    """A foot at the bound, open upwards: the accuracy is somewhere above it."""
    return f"M{px(frame.x(point.at) - 4)} {px(frame.y(point.bound or 0.0))}h8m-4 0v-7"


def _naive(points: Sequence[AccuracyPoint], frame: _Frame) -> str:
    """What was reviewed, unweighted: broken where another version takes over, like the line."""
    paths = []
    for _, group in groupby((p for p in points if p.naive is not None), key=lambda point: point.version):
        paths.append("M" + " ".join(f"{px(frame.x(p.at))},{px(frame.y(p.naive or 0.0))}" for p in group))
    return "".join(paths)


def _bars(points: Sequence[AccuracyPoint], frame: _Frame) -> tuple[Bar, ...]:
    most = max((point.n for point in points), default=0) or 1
    width = min(14.0, max(3.0, (RIGHT - LEFT) / len(points) * 0.64))
    heights = [(point.n / most) * (BARS_BOTTOM - BARS_TOP) for point in points]
    return tuple(
        Bar(px(frame.x(p.at) - width / 2), px(BARS_BOTTOM - height), px(width), px(height))
        for p, height in zip(points, heights, strict=True)
    )


def _marks(points: Sequence[AccuracyPoint], frame: _Frame) -> tuple[Mark, ...]:
    """Where a version begins; of marks that would lie on each other the later one stays."""
    firsts = [next(group) for _, group in groupby(points, key=lambda point: point.version)]
    marks: list[Mark] = []
    for point in firsts:
        x = frame.x(point.at)
        if marks and x - float(marks[-1].place) < 40:
            marks.pop()
        marks.append(Mark(px(x), px(x - 18), point.version, point.at))
    return tuple(marks)


def _spread(heights: Mapping[str, float | None]) -> dict[str, float]:
    """Heights of the words at the right edge, moved apart where they would lie on each other."""
    placed: dict[str, float] = {}
    floor = TOP
    for name, height in sorted(((n, h) for n, h in heights.items() if h is not None), key=lambda pair: pair[1]):
        placed[name] = max(height, floor)
        floor = placed[name] + LABEL_GAP
    return placed


def _spot(x: float, y: float, text: float) -> Spot:
    return Spot(px(x), px(y), px(text + 4), px(text + 19))


@dataclass(frozen=True, slots=True)
class MatrixLabel:
    slug: str
    name: str
    is_defect: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """How often a true label was called so: ``share`` of the row by weight, ``n`` reviewed."""

    share: float | None
    n: int
    kind: str  # hit, warn (a defect called good), nil or plain


@dataclass(frozen=True, slots=True)
class MatrixRow:
    label: MatrixLabel
    n: int
    cells: tuple[Cell, ...]


def confusion_matrix(
    counts: Sequence[Sequence[object]], labels: Sequence[MatrixLabel]
) -> tuple[tuple[MatrixLabel, ...], tuple[MatrixRow, ...]]:
    """Columns and rows from ``[true, predicted, weighted count, n]``; labels that never occur are left out."""
    weights = {(str(true), str(said)): float(str(weight)) for true, said, weight, _ in counts}
    numbers = {(str(true), str(said)): int(str(n)) for true, said, _, n in counts}
    seen = {slug for pair in numbers for slug in pair}
    unknown = [MatrixLabel(slug, slug, True) for slug in sorted(seen - {label.slug for label in labels})]
    shown = (*(label for label in labels if label.slug in seen), *unknown)
    return shown, tuple(_matrix_row(label, shown, weights, numbers) for label in shown)


def _matrix_row(
    label: MatrixLabel,
    columns: Sequence[MatrixLabel],
    weights: Mapping[tuple[str, str], float],
    numbers: Mapping[tuple[str, str], int],
) -> MatrixRow:
    total = sum(weights.get((label.slug, column.slug), 0.0) for column in columns)
    cells = tuple(_cell(label, column, total, weights, numbers) for column in columns)
    return MatrixRow(label, sum(cell.n for cell in cells), cells)


def _cell(
    true: MatrixLabel,
    said: MatrixLabel,
    total: float,
    weights: Mapping[tuple[str, str], float],
    numbers: Mapping[tuple[str, str], int],
) -> Cell:
    n, weight = numbers.get((true.slug, said.slug), 0), weights.get((true.slug, said.slug), 0.0)
    share = weight / total if total else None
    if not n:
        return Cell(share, 0, "nil")
    if true.slug == said.slug:
        return Cell(share, n, "hit")
    return Cell(share, n, "warn" if true.is_defect and not said.is_defect else "plain")
