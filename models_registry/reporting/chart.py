"""A value with its interval on a line, for the PDF."""

from __future__ import annotations

import math

from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.platypus import Flowable

from models_registry.reporting.content import Figure
from models_registry.reporting.face import ACCENT, BAND, INK, INK_3, LINE, REGULAR
from models_registry.reporting.wording import amount

STEPS = (1, 2, 5, 10)


class IntervalChart(Flowable):  # type: ignore[misc]  # reportlab has no types
    """A band from the low to the high end, the value on it, and a scale that fits. Nothing without a value."""

    def __init__(self, figure: Figure, *, width: float) -> None:
        super().__init__()
        self.figure, self.width = figure, width
        self.height = 13 * mm if figure.value is not None else 0.0

    def draw(self) -> None:
        one, canvas = self.figure, self.canv
        if one.value is None or one.low is None or one.high is None:
            return
        least, most, ticks = scale(one.low, one.high, is_share=one.unit == "share")

        def x(value: float) -> float:
            return (value - least) / (most - least) * self.width

        base = 6 * mm
        canvas.setStrokeColor(LINE)
        canvas.setFont(REGULAR, 7.5)
        for tick in ticks:
            canvas.line(x(tick), base - 1.5 * mm, x(tick), base + 5.5 * mm)
            canvas.setFillColor(INK_3)
            text = amount(tick, one) if one.unit != "share" else f"{100 * tick:.6g} %"
            half = stringWidth(text, REGULAR, 7.5) / 2
            canvas.drawCentredString(min(max(x(tick), half), self.width - half), 1.2 * mm, text)
        canvas.setFillColor(BAND)
        canvas.rect(x(one.low), base, max(x(one.high) - x(one.low), 0.6), 4 * mm, stroke=0, fill=1)
        canvas.setFillColor(ACCENT)
        if not one.bound_only:
            canvas.rect(x(one.value) - 0.5 * mm, base - 0.8 * mm, 1 * mm, 5.6 * mm, stroke=0, fill=1)
        canvas.setStrokeColor(INK)


def scale(low: float, high: float, *, is_share: bool) -> tuple[float, float, list[float]]:
    """Ends of the scale and its ticks, about five, at round numbers; a share stays within 0 and 1."""
    room = max(high - low, 0.02 if is_share else max(abs(high) * 0.1, 1e-9))
    least, most = low - room * 0.6, high + room * 0.6
    if is_share:
        least, most = max(least, 0.0), min(most, 1.0)
    rough = (most - least) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * one for one in STEPS if power * one >= rough * (1 - 1e-9))
    first, last = math.floor(least / step + 1e-9), math.ceil(most / step - 1e-9)
    ticks = [round(k * step, 12) for k in range(first, last + 1)]
    return ticks[0], ticks[-1], ticks
