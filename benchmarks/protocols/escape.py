"""Protocol "escape" (STATISTICS §7.2): every predicted defect is checked, and of the passed a share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.streams import BLIND, P01, Floats, Frame, Stream, chances, make_stream, validation_mean
from models_registry.estimation import Cells
from models_registry.estimation.bins import arrived, ends, found, largest_weights
from models_registry.estimation.confusion import confusion
from models_registry.estimation.intervals import normal_quantile
from models_registry.estimation.response import weigh_silence

ROWS = (("calibrated", 0.01), ("calibrated", 0.02), ("calibrated", 0.05), ("calibrated", 0.1), ("blind spot", 0.01),
        ("blind spot", 0.05), ("blind spot", 0.1))  # fmt: skip
DESIGNS = (("uniform", 1.0), ("active", 0.5))
COLUMNS = ("truth", "n_found", "value", "low", "high", "gamma_low", "gamma_high", "delta_low", "delta_high")


@dataclass(frozen=True)
class Part:
    row: int
    design: int
    n_streams: int


def parts(*, n_streams: int, quick: bool) -> list[Part]:
    rows = (2,) if quick else range(len(ROWS))
    return [Part(row, design, n_streams) for row in rows for design in range(len(DESIGNS))]


def run(part: Part) -> dict[tuple[str, float, str], Floats]:
    """Rows (n_streams, columns) by model, budget and design."""
    (model, budget), (design, tau) = ROWS[part.row], DESIGNS[part.design]
    rng = np.random.default_rng([9, int(budget * 100), part.design])
    blind, first = BLIND if model == "blind spot" else 0.0, validation_mean(P01)
    rows = []
    for _ in range(part.n_streams):
        stream = make_stream(rng, P01, blind=blind)
        sure = stream.predicted == 1
        pi = np.full(len(sure), tau * budget)
        pi[~sure] = chances(stream.u[~sure], budget=budget, tau=tau, first=first)
        frame = Frame(stream, pi, floor=tau * budget, sure=sure)
        rows.append(measure(stream, frame.cells(frame.draw(rng))))
    return {(model, budget, design): np.array(rows)}


def measure(stream: Stream, cells: Cells) -> list[float]:
    """Our escape rate with its interval, MOVER-gamma without mid-p, and what a delta interval would have said."""
    is_defect, is_caught = stream.true == 1, (stream.true == 1) & (stream.predicted == 1)
    ours = confusion(cells, is_defect=np.array([False, True])).escape_rate
    caught, escaped = float(is_caught.sum()), (cells.true == 1) & (cells.predicted == 0)
    weighed = weigh_silence(cells)
    events = found(weighed, row=np.where(escaped, 0, -1))
    most = arrived(weighed)
    most[:, -1] = 0
    low, high = ends(events, largest=largest_weights(weighed), most=most, mid_p=False)
    missed, variance = float(events.y.sum()), float((events.v - events.y).sum())
    rate = missed / (missed + caught)
    half = normal_quantile(0.95) * caught / (missed + caught) ** 2 * variance**0.5
    value, least, utmost = (np.nan if end is None else end for end in (ours.value, ours.low, ours.high))
    return [
        1 - caught / float(is_defect.sum()), float(escaped.sum()), value, least, utmost,
        max(float(low[0]), 0.0) / (max(float(low[0]), 0.0) + caught), float(high[0]) / (float(high[0]) + caught),
        rate - half, rate + half,
    ]  # fmt: skip
