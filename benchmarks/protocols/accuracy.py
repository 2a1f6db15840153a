"""Protocol "accuracy" (STATISTICS §7.4): streams of 20,000, three designs, four budgets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.streams import (
    HARD,
    P01,
    P10,
    TOO_SURE,
    Bools,
    Floats,
    Frame,
    Scenario,
    Stream,
    chances,
    make_stream,
    validation_mean,
)
from models_registry.estimation import Cells, estimate_accuracy, naive_of_cells
from models_registry.estimation.bins import arrived, ends, found, largest_weights
from models_registry.estimation.difference import aipw, ht, sums_of
from models_registry.estimation.intervals import normal_quantile, wilson

SCENARIOS: tuple[Scenario, ...] = (P01, P10, HARD)
MODELS = (("calibrated", 1.0), ("too sure", TOO_SURE))
TAUS = (1.0, 0.8, 0.5)
N_PARTS = 4
Z = normal_quantile(0.95)
COLUMNS = (
    "truth", "n", "ht", "aipw", "ht_of_right", "ours", "ours_low", "ours_high", "mid_low", "mid_high", "gamma_low",
    "gamma_high", "aw_low", "aw_high", "wald_low", "wald_high", "naive", "naive_low", "naive_high", "leaned",
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A quarter of the streams of one scenario and model: 500 of 2,000."""

    scenario: int
    model: int
    number: int
    n_streams: int
    budgets: tuple[float, ...]


def parts(*, n_streams: int, quick: bool) -> list[Part]:
    kinds = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)] if not quick else [(0, 0), (1, 1)]
    budgets = {0: (0.01, 0.02, 0.05, 0.1), 1: (0.01, 0.02, 0.05, 0.1), 2: (0.05, 0.1)}
    return [
        Part(scenario, model, number, n_streams // N_PARTS, (0.05,) if quick else budgets[scenario])
        for scenario, model in kinds
        for number in range(N_PARTS)
    ]


def run(part: Part) -> dict[tuple[int, int, float, float], Floats]:
    """Rows (n_streams, columns) by scenario, model, budget and tau."""
    rng = np.random.default_rng([100 + part.number, part.scenario, part.model])
    scenario, (_, sharpened) = SCENARIOS[part.scenario], MODELS[part.model]
    first = validation_mean(scenario, sharpened=sharpened)
    rows: dict[tuple[int, int, float, float], list[list[float]]] = {}
    for _ in range(part.n_streams):
        stream = make_stream(rng, scenario, sharpened=sharpened)
        for budget in part.budgets:
            for tau in TAUS:
                pi = chances(stream.u, budget=budget, tau=tau, first=first)
                frame = Frame(stream, pi, floor=tau * budget)
                row = measure(stream, frame.cells(frame.draw(rng)))
                rows.setdefault((part.scenario, part.model, budget, tau), []).append(row)
    return {key: np.array(found_rows) for key, found_rows in rows.items()}


def measure(stream: Stream, cells: Cells) -> list[float]:
    """Every estimator on one draw, in the order of `COLUMNS`. Error rates, not accuracies."""
    n = float(len(stream.true))
    wrong = (cells.n > 0) & (cells.true != cells.predicted)
    by_errors, by_right = sums_of(cells, wrong), sums_of(cells, (cells.n > 0) & ~wrong)
    ours, plain = estimate_accuracy(cells), naive_of_cells(cells)
    leaning, counting, right = aipw(by_errors), ht(by_errors), ht(by_right)
    assert leaning is not None
    assert counting is not None
    assert right is not None
    mid, gamma = _mover(cells, wrong, mid_p=True), _mover(cells, wrong, mid_p=False)
    aw = _wilson(leaning.value, leaning.variance)
    half = Z * leaning.variance**0.5
    numbers = [
        float(stream.is_error.mean()), float(cells.n.sum()), counting.value, leaning.value, 1 - right.value,
        *(1 - one if one is not None else np.nan for one in (ours.value, ours.ci_high, ours.ci_low)),
        *(end / n for end in mid), *(end / n for end in gamma), *aw, leaning.value - half, leaning.value + half,
        *(1 - one if one is not None else np.nan for one in (plain.value, plain.ci_high, plain.ci_low)),
        float(ours.method.startswith("aipw")),
    ]  # fmt: skip
    return numbers


def _mover(cells: Cells, wrong: Bools, *, mid_p: bool) -> tuple[float, float]:
    errors = found(cells, row=np.where(wrong, 0, -1))
    right = found(cells, row=np.where((cells.n > 0) & ~wrong, 0, -1))
    low, high = ends(errors, largest=largest_weights(cells), most=arrived(cells) - right.n, mid_p=mid_p)
    return max(float(low[0]), 0.0), float(high[0])


def _wilson(share: float, variance: float) -> tuple[float, float]:
    """With n_eff = E(1-E)/V; where there is no error or no spread there is no such interval, and it is a point."""
    if not 0 < share < 1 or variance <= 0:
        return share, share
    size = share * (1 - share) / variance
    limits = wilson(count=share * size, n=size)
    return limits.low, limits.high
