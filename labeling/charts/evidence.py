"""Evidence of a fall, on a scale of its powers: what may be looked at at any time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from labeling.charts.frame import Spot, spot, time_format
from labeling.charts.over_time import TimeTick
from models_registry.charts import Tick, px

LEFT, RIGHT, TOP, BOTTOM = 44.0, 378.0, 20.0, 226.0
LOWEST, WATCH, ALERT, CRITICAL = 0.5, 5.0, 20.0, 100.0
GRID = (0.5, 1.0, WATCH, ALERT, CRITICAL)
MOST_POINTS = 240


@dataclass(frozen=True, slots=True)
class EvidencePoint:
    at: datetime
    n: int  # reviews that were fed
    evidence: float  # so many to 1


@dataclass(frozen=True, slots=True)
class EvidenceChart:
    path: str
    ticks: tuple[Tick, ...]
    watch: Spot
    alert: Spot
    critical: Spot
    last: Spot
    time_ticks: tuple[TimeTick, ...]
    time_format: str
    first_at: datetime
    newest: EvidencePoint
    name_left: str  # where the newest number ends
    is_above: bool  # the words stand above the point


def evidence_chart(points: Sequence[EvidencePoint]) -> EvidenceChart | None:
    """The evidence over time, or None before the first review. ``points`` rise in time."""
    if not points:
        return None
    kept = _thin(points)
    start, seconds = kept[0].at, (kept[-1].at - kept[0].at).total_seconds()
    highest = max(2 * CRITICAL, *(point.evidence for point in kept))
    unit = (BOTTOM - TOP) / math.log(highest / LOWEST)

    def y(evidence: float) -> float:
        return BOTTOM - math.log(max(evidence, LOWEST) / LOWEST) * unit

    def x(at: datetime) -> float:
        return LEFT + (at - start).total_seconds() / seconds * (RIGHT - LEFT) if seconds else RIGHT

    moments = [start + timedelta(seconds=seconds * part / 2) for part in range(3)] if seconds else [start]
    newest, last_y = kept[-1], y(kept[-1].evidence)
    return EvidenceChart(
        path="M" + " ".join(f"{px(x(one.at))},{px(y(one.evidence))}" for one in kept) if len(kept) > 1 else "",
        ticks=tuple(Tick(px(y(value)), px(y(value) + 4), value) for value in GRID),
        watch=spot(RIGHT, y(WATCH), y(WATCH)),
        alert=spot(RIGHT, y(ALERT), y(ALERT)),
        critical=spot(RIGHT, y(CRITICAL), y(CRITICAL)),
        last=spot(x(newest.at), last_y, last_y - 14 if last_y > TOP + 14 else last_y + 18),
        time_ticks=tuple(TimeTick(px(x(moment)), moment) for moment in moments),
        time_format=time_format(seconds),
        first_at=start,
        newest=newest,
        name_left=px(x(newest.at) - 8),
        is_above=last_y > TOP + 14,
    )


def _thin(points: Sequence[EvidencePoint]) -> list[EvidencePoint]:
    """At most so many points as the picture has room for; the highest of each stretch stays, and the newest."""
    if len(points) <= MOST_POINTS:
        return list(points)
    size = math.ceil(len(points) / (MOST_POINTS - 1))
    stretches = [points[at : at + size] for at in range(0, len(points) - 1, size)]
    return [*(max(one, key=lambda point: point.evidence) for one in stretches), points[-1]]
