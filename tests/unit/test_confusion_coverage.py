"""The intervals of rates and costs contain the truth as often as they say, and tend to the textbook's."""

from __future__ import annotations

import numpy as np
import pytest

from models_registry.estimation.bins import N_BINS, Found
from models_registry.estimation.confusion import confusion, expected_cost
from models_registry.estimation.counts import Measured, counted, linearised, shares
from tests.unit.streams import Floats, Ints, drawn_cells, three_classes
from tests.unit.test_confusion import figures

DEFECTS = np.array([False, True, True])
PRICES = np.array([[0.0, 2, 2], [100, 0, 5], [30, 5, 0]])
N_STREAMS = 120


def truths(true: Ints, said: Ints) -> dict[str, float]:
    """What the figures are, counted over everything."""
    bad, rejected = DEFECTS[true], DEFECTS[said]
    exact = {
        "escape_rate": (bad & ~rejected).sum() / bad.sum(), "overkill_rate": (~bad & rejected).sum() / (~bad).sum(),
        "escape_rate_of_passed": (bad & ~rejected).sum() / (~rejected).sum(), "truly_good": (~bad).mean(),
        "missed_per_million": 1e6 * (bad & ~rejected).mean(), "cost": PRICES[true, said].mean(),
    }  # fmt: skip
    for k in range(3):
        hits = ((true == k) & (said == k)).sum()
        exact |= {
            f"precision {k}": hits / (said == k).sum(), f"recall {k}": hits / (true == k).sum(),
            f"f1 {k}": 2 * hits / ((said == k).sum() + (true == k).sum()),
        }  # fmt: skip
    return {name: float(share) for name, share in exact.items()}


def contains(figure: Measured, truth: float) -> bool:
    if figure.low is None or figure.high is None:
        return False
    return figure.low - 1e-9 * truth <= truth <= figure.high + 1e-9 * truth  # rounding, where it is known exactly


@pytest.mark.slow
@pytest.mark.parametrize(("budget", "always"), [(0.02, False), (0.1, False), (0.05, True)])
def test_intervals_of_rates_and_costs_cover(budget: float, always: bool) -> None:
    """120 streams of 6,000, tau .5, with every predicted defect checked and without: >= 88 % (95 less 3 errors)."""
    hits: dict[str, int] = {}
    for seed in range(N_STREAMS):
        true, said, g = three_classes(1000 + seed)
        u: Floats = np.sqrt(g * (1 - g))
        pi = np.clip(0.5 * budget + 0.5 * budget * u / u.mean(), 0, 1)
        sure = DEFECTS[said] if always else np.zeros(len(said), dtype=bool)
        drawn = (np.random.default_rng([8, seed]).random(len(true)) < pi) | sure
        cells = drawn_cells(true, said, pi=pi, drawn=drawn, floor=0.5 * budget, sure=sure, g=g)
        found = figures(confusion(cells, is_defect=DEFECTS)) | {"cost": expected_cost(cells, PRICES)[0]}
        for name, truth in truths(true, said).items():
            hits[name] = hits.get(name, 0) + contains(found[name], truth)
    shares_covered = {name: count / N_STREAMS for name, count in hits.items()}

    assert min(shares_covered.values()) >= 0.88, shares_covered


def test_with_many_of_both_the_ratio_has_the_linearised_interval() -> None:
    """2,000 events and 6,000 others of weights 2 to 20: ends within 3 % of the half-width."""
    rng, tables = np.random.default_rng(3), []
    for n in (2000, 6000):
        bins = np.zeros((5, 1, N_BINS))
        for at, weight in enumerate((20.0, 14, 7, 4, 2)):
            count = rng.poisson(n / 5)
            bins[:, 0, at] = count, count, count * weight, count * weight**2, count / weight
        tables.append(Found(*bins))
    largest = np.array([20.0, 14, 7, 4, 2, 1, 1])
    far = np.full((1, N_BINS), 1e9)
    mover = shares(*(counted(one, largest=largest, most=far) for one in tables))
    straight, is_fit = linearised(*tables)

    assert is_fit.all()
    assert mover.value == pytest.approx(straight.value)
    half = straight.high - straight.value
    assert np.abs(mover.high - straight.high) < 0.03 * half
    assert np.abs(mover.low - straight.low) < 0.03 * half
