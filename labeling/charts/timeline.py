"""Ninety days on one line: labels as bars, alarms as stretches, runs that were and runs that would have been. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from models_registry.charts import px
from models_registry.policy.replay import History, Replay

WIDTH = 320.0  # as wide as the card that it stands in, so that its words are as large as the others
LABELS_TOP, LABELS_BOTTOM = 4.0, 40.0
BAR_DAYS = 3


@dataclass(frozen=True, slots=True)
class Box:
    left: str
    top: str
    width: str
    height: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """``real`` and ``would``: where runs are drawn on their lines."""

    bars: tuple[Box, ...]
    alarms: tuple[Box, ...]
    real: tuple[str, ...]
    would: tuple[str, ...]
    ticks: tuple[tuple[str, datetime], ...]
    n_labels: int
    n_real: int


def timeline(past: History, played: Replay, *, now: datetime, days: int) -> Timeline:
    start = now - timedelta(days=days)

    def x(at: datetime) -> float:
        return min(max((at - start) / (now - start), 0.0), 1.0) * WIDTH

    counts: Counter[int] = Counter()
    for one in past.labels:
        if start <= one.at <= now:
            counts[(one.at - start).days // BAR_DAYS] += one.n
    most, wide = max(counts.values(), default=1), WIDTH * BAR_DAYS / days
    bars = []
    for place, n in sorted(counts.items()):
        tall = (LABELS_BOTTOM - LABELS_TOP) * n / most
        bars.append(Box(px(place * wide + 1), px(LABELS_BOTTOM - tall), px(max(wide - 2, 1)), px(tall)))
    alarms = [
        Box(px(x(one.start)), px(LABELS_BOTTOM + 6), px(max(x(one.end or now) - x(one.start), 2)), "6")
        for one in past.alarms
        if one.end is None or one.end >= start
    ]
    real = [at for at in past.runs if at >= start]
    return Timeline(
        bars=tuple(bars),
        alarms=tuple(alarms),
        real=tuple(px(x(at)) for at in real),
        would=tuple(px(x(one.at)) for one in played.runs),
        ticks=tuple((px(x(now - timedelta(days=n))), now - timedelta(days=n)) for n in (90, 60, 30) if n <= days),
        n_labels=sum(counts.values()),
        n_real=len(real),
    )
