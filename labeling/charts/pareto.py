"""Which defects escape: each class's share of all that was passed as good, the largest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from labeling.charts.confusion import MatrixLabel
from labeling.charts.frame import Share, lying
from models_registry.charts import px

LEFT, WIDTH, TEXT = 96.0, 470.0, 106.0
STEP, BAR, TOP = 40.0, 20.0, 12.0
MOST_BARS = 12


@dataclass(frozen=True, slots=True)
class ParetoBar:
    label: MatrixLabel
    share: Share
    top: str
    text_y: str
    width: str
    whisker: str
    text_x: str


@dataclass(frozen=True, slots=True)
class ParetoChart:
    bars: tuple[ParetoBar, ...]
    height: str
    axis_end: str
    foot: str
    n_left_out: int

    @property
    def n_found(self) -> int:
        return sum(bar.share.n for bar in self.bars)


def pareto_chart(shares: Sequence[tuple[MatrixLabel, Share]]) -> ParetoChart | None:
    """Bars of what was found escaped; None where nothing was. Shares without an estimate keep their whisker alone."""
    found = sorted((one for one in shares if one[1].n), key=lambda one: -(one[1].value or 0.0))
    if not found:
        return None
    shown = found[:MOST_BARS]
    widest = max((n for _, share in shown for n in (share.value, share.high) if n is not None), default=1.0) or 1.0
    unit = (WIDTH - LEFT - TEXT) / min(widest, 1.0)
    axis = TOP + STEP * len(shown) + 4
    bars = tuple(_bar(number, label, share, unit) for number, (label, share) in enumerate(shown))
    return ParetoChart(bars, px(axis + 26), px(axis), px(axis + 18), len(found) - len(shown))


def _bar(number: int, label: MatrixLabel, share: Share, unit: float) -> ParetoBar:
    top = TOP + STEP * number + (STEP - BAR) / 2
    middle = top + BAR / 2
    low, high = ((share.low or 0.0) * unit, min(share.high or 0.0, 1.0) * unit)
    width = (share.value or 0.0) * unit if share.is_estimate else 0.0
    return ParetoBar(
        label=label,
        share=share,
        top=px(top),
        text_y=px(middle + 4),
        width=px(width),
        whisker=lying(middle, LEFT + low, LEFT + high) if share.high is not None else "",
        text_x=px(LEFT + max(width, high) + 8),
    )
