"""Said and right are compared bin by bin, weighted back, and chance is not taken for an error of calibration."""

from __future__ import annotations

import numpy as np
import pytest

from models_registry.estimation import Cells
from models_registry.estimation.reliability import Reliability, reliability
from tests.unit.streams import Floats, drawn_cells


def make_bins(
    seed: int, *, slope: float = 1.0, n: int = 4000, budget: float = 0.15, all_reviewed: bool = False
) -> tuple[list[Cells], Floats, Floats]:
    """Ten bins of confidence of a model that is wrong with chance g*slope where it says g; g and right, (n,)."""
    rng = np.random.default_rng(seed)
    g = rng.uniform(0, 0.5, n)
    is_wrong = rng.random(n) < g * slope
    pi = np.ones(n) if all_reviewed else np.clip(budget * np.sqrt(g * (1 - g)) / 0.4, budget / 5, 1)
    drawn = rng.random(n) < pi
    number = np.minimum((10 * (1 - g)).astype(int), 9)
    bins = [
        drawn_cells(
            is_wrong[own], np.zeros(own.sum()), pi=pi[own], drawn=drawn[own], floor=float(pi.min(initial=1)), g=g[own]
        )
        for own in (number == at for at in range(10))
    ]
    return bins, g, (~is_wrong).astype(float)


def known(*figures: float | None) -> list[float]:
    there = [figure for figure in figures if figure is not None]
    assert len(there) == len(figures)
    return there


def test_a_whole_reviewed_gives_the_plain_sums() -> None:
    bins, g, right = make_bins(1, slope=1.4, all_reviewed=True)
    found = reliability(bins)
    brier, too_sure = known(found.brier, found.too_sure)

    assert brier == pytest.approx(float(((1 - g - right) ** 2).mean()))
    assert too_sure == pytest.approx(float((1 - g - right).mean()))
    assert sum(one.weight for one in found.bins) == pytest.approx(1)
    for at in range(5, 10):
        own = np.minimum((10 * (1 - g)).astype(int), 9) == at
        one = found.bins[at]
        assert known(one.said, one.right.value) == pytest.approx([(1 - g[own]).mean(), right[own].mean()])


def test_weights_bring_the_drawn_back_to_all() -> None:
    """80 streams at 15 %: Brier and how much too sure are right on average, within three standard errors."""
    rows = []
    for seed in range(80):
        bins, g, right = make_bins(seed, slope=1.4, n=2000)
        found = reliability(bins)
        rows.append([*known(found.brier, found.too_sure), ((1 - g - right) ** 2).mean(), (1 - g - right).mean()])
    off = np.array(rows)[:, :2] - np.array(rows)[:, 2:]

    assert (np.abs(off.mean(axis=0)) <= 3 * off.std(axis=0) / 80**0.5).all()


@pytest.mark.slow
def test_chance_is_no_error_of_calibration() -> None:
    """Calibrated, 100 streams of some 450 verdicts: the plain error would be about 4 %, the corrected is below 2."""
    found = [reliability(make_bins(seed)[0]) for seed in range(100)]
    ece, low = np.array([known(one.ece, one.ece_low) for one in found]).T

    assert ece.mean() < 0.02
    assert (low == 0).mean() >= 0.95


def test_a_model_that_is_too_sure_is_found_out() -> None:
    """Wrong 1.4 times as often as it says: 10 points too sure on average, and mostly surely more than 3."""
    found = [reliability(make_bins(seed, slope=1.4)[0]) for seed in range(50)]
    ece, low, high, too_sure = np.array([known(one.ece, one.ece_low, one.ece_high, one.too_sure) for one in found]).T

    assert ece.mean() == pytest.approx(0.1, abs=0.01)
    assert too_sure.mean() == pytest.approx(0.1, abs=0.01)
    assert (low > 0.03).mean() > 0.6
    assert ((low <= 0.1) & (high >= 0.1)).mean() >= 0.93


def test_the_same_cells_give_the_same_figures() -> None:
    bins = make_bins(3)[0]
    assert reliability(bins) == reliability(bins)


def test_too_little_is_no_figure() -> None:
    few = reliability(make_bins(0, n=60)[0])
    empty = reliability(make_bins(0, n=0, all_reviewed=True)[0])

    assert few.n < 30
    assert_nothing(few)
    assert_nothing(empty)
    assert {(one.said, one.right.value, one.weight) for one in empty.bins} == {(None, None, 0.0)}
    assert reliability([]) == Reliability((), 0, None, None, None, None, None)


def assert_nothing(found: Reliability) -> None:
    assert (found.ece, found.ece_low, found.ece_high, found.too_sure, found.brier) == (None,) * 5
