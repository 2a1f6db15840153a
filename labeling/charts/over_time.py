"""Accuracy over time: the estimates with their band, reviews below, promotions and alerts marked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from labeling.charts.frame import Spot, spot, spread, time_format
from models_registry.charts import Tick, px, upright

LEFT, RIGHT, TOP, BOTTOM = 44.0, 860.0, 26.0, 226.0
BARS_TOP, BARS_BOTTOM = 238.0, 268.0
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
    label_free: float | None = None  # what the model says of itself

    @property
    def is_estimate(self) -> bool:
        return self.bound is None and None not in (self.value, self.low, self.high)


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
class AlertSpan:
    """A stretch of time in which an alert was open; without an end it still is."""

    start: datetime
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Zone:
    """A tinted stretch; ``name_x`` is empty where another zone's words stand already."""

    left: str
    width: str
    name_x: str
    at: datetime
    ends: bool  # the words end at ``name_x`` rather than begin there


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
    label_free: str
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    measured: AccuracyPoint | None  # the newest with an estimate or a bound
    last: Spot | None  # where it stands
    naive_last: Spot | None
    label_free_last: Spot | None
    target: Spot | None
    zones: tuple[Zone, ...]
    time_format: str


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


def accuracy_chart(
    points: Sequence[AccuracyPoint], *, target: float | None = None, alerts: Sequence[AlertSpan] = ()
) -> AccuracyChart | None:
    """The accuracy over time, or None where there is no point. ``points`` and ``alerts`` rise in time."""
    if not points:
        return None
    kept = thin_out(points)
    frame = _frame(kept, target)
    last = next((point for point in reversed(kept) if point.is_estimate or point.bound is not None), None)
    heights = spread(
        {
            "last": frame.y(_level(last)) if last else None,
            "target": None if target is None else frame.y(target),
            **{name: None if value is None else frame.y(value) for name, value in _asides(kept).items()},
        },
        top=TOP,
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
        naive=_aside(kept, frame, "naive"),
        label_free=_aside(kept, frame, "label_free"),
        bars=_bars(kept, frame),
        marks=_marks(kept, frame),
        measured=last,
        last=spot(frame.x(last.at), frame.y(_level(last)), heights["last"]) if last else None,
        naive_last=spot(RIGHT, 0.0, heights["naive"]) if "naive" in heights else None,
        label_free_last=spot(RIGHT, 0.0, heights["label_free"]) if "label_free" in heights else None,
        target=spot(RIGHT, frame.y(target), heights["target"]) if target is not None else None,
        zones=_zones(kept, frame, alerts),
        time_format=time_format(frame.seconds),
    )


def _level(point: AccuracyPoint) -> float:
    value = point.value if point.bound is None else point.bound
    return value if value is not None else 0.0


def _frame(points: Sequence[AccuracyPoint], target: float | None) -> _Frame:
    """The picture's scale: down to the lowest number in it, up to 100 % or a little above the highest."""
    drawn = [n for p in points for n in (p.low, p.high, p.naive, p.label_free, p.bound)]
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
    return upright(frame.x(point.at), frame.y(point.low or 0.0), frame.y(point.high or 0.0))


def _bracket(point: AccuracyPoint, frame: _Frame) -> str:
    """A foot at the bound, open upwards: the accuracy is somewhere above it."""
    return f"M{px(frame.x(point.at) - 4)} {px(frame.y(point.bound or 0.0))}h8m-4 0v-7"


def _asides(points: Sequence[AccuracyPoint]) -> dict[str, float | None]:
    """The newest of the numbers that are shown and not used; None where the newest point has none."""
    return {"naive": points[-1].naive, "label_free": points[-1].label_free}


def _aside(points: Sequence[AccuracyPoint], frame: _Frame, name: str) -> str:
    """A number that is shown and not used: broken where another version takes over, like the line."""
    known = [(point, value) for point in points if (value := getattr(point, name)) is not None]
    paths = []
    for _, group in groupby(known, key=lambda pair: pair[0].version):
        paths.append("M" + " ".join(f"{px(frame.x(p.at))},{px(frame.y(value))}" for p, value in group))
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


def _zones(points: Sequence[AccuracyPoint], frame: _Frame, alerts: Sequence[AlertSpan]) -> tuple[Zone, ...]:
    """Where an alert was open, as far as the picture reaches; words that would lie on each other are left out."""
    start, end = points[0].at, points[-1].at
    zones: list[Zone] = []
    taken = LEFT
    for one in alerts:
        begins, ceases = max(one.start, start), min(one.end or end, end)
        if ceases < start or begins > end:
            continue
        left = max(frame.x(begins), LEFT)
        right = RIGHT if one.end is None or one.end > end else max(frame.x(ceases), left + 2)
        at_edge = left > RIGHT - 90
        fits = left >= taken and not (at_edge and zones)
        zones.append(
            Zone(
                px(left),
                px(max(right - left, 2)),
                px(left + (-6 if at_edge else 6)) if fits else "",
                one.start,
                at_edge,
            )
        )
        taken = left + 100 if fits else taken
    return tuple(zones)
