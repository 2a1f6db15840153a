"""A slice says how accurate it is only where it can, and its evidence of harm is evidence."""

from __future__ import annotations

import numpy as np
import pytest

from models_registry.estimation import Cells
from models_registry.estimation.bins import judged
from models_registry.estimation.cells import UNSETTLED
from models_registry.estimation.response import weigh_silence
from models_registry.estimation.slices import N_BETS, harm, slice_figures
from models_registry.estimation.totals import hajek
from tests.unit.streams import drawn_cells, three_classes
from tests.unit.test_cells_of_estimates import grouped


def settled(cells: Cells) -> Cells:
    """What rollups keep of a slice whose arrivals are not counted."""
    return cells.where(cells.true != UNSETTLED)


def make_slice(n: int = 400, n_wrong: int = 12, *, pi: float = 0.1, n_arrived: int = 4000) -> Cells:
    at = np.arange(n_arrived)
    return drawn_cells(at < n_wrong, np.zeros(n_arrived), pi=np.full(n_arrived, pi), drawn=at < n)


def evidence(cells: Cells, allowed: float) -> float:
    weighed = weigh_silence(cells)
    return harm(weighed.where(judged(weighed)), allowed=allowed)


def test_below_thirty_verdicts_nothing_is_said() -> None:
    few = slice_figures(settled(make_slice(29, 20)), allowed=0.05)

    assert (few.accuracy.value, few.accuracy.upper_bound, few.accuracy.n, few.accuracy.method) == (
        None, None, 29, "not_measurable",
    )  # fmt: skip
    assert few.evidence is None
    assert slice_figures(settled(make_slice(30, 20)), allowed=0.05).accuracy.value is not None


def test_a_slice_estimates_its_size_too() -> None:
    true, said, g = three_classes(4)
    pi = 0.05 + 0.5 * g
    drawn = np.random.default_rng(1).random(len(true)) < pi
    found = slice_figures(settled(drawn_cells(true, said, pi=pi, drawn=drawn)), allowed=0.1).accuracy
    mean = hajek((true != said)[drawn], pi[drawn])

    assert mean is not None
    assert found.value == pytest.approx(1 - mean.value)
    assert (found.n, found.n_found) == (drawn.sum(), (true != said)[drawn].sum())
    assert found.low is not None
    assert found.high is not None
    assert found.low < 1 - mean.value < found.high


def test_the_silent_of_a_slice_are_weighed_in_by_the_window_around_it() -> None:
    """In the window half of those called 1 are settled; in the slice they weigh twice as much."""
    said = np.tile([0, 1], 100)
    silent = (said == 1) & (np.arange(200) % 4 == 1)
    window = drawn_cells(
        np.where(silent, UNSETTLED, 0), said, pi=np.full(200, 0.5), drawn=np.ones(200, dtype=bool)
    )  # fmt: skip
    own = settled(drawn_cells([0] * 40, [0] * 20 + [1] * 20, pi=np.full(40, 0.5), drawn=np.ones(40, dtype=bool)))

    assert slice_figures(own, allowed=0.1).accuracy.value == pytest.approx(1 / 2)
    assert slice_figures(own, allowed=0.1, window=window).accuracy.value == pytest.approx(1 / 3)


def test_evidence_is_what_the_bets_have_earned() -> None:
    """400 of weight 10 with 30 errors against 5 % allowed."""
    bets = np.geomspace(0.05 / 10, min(20, 0.95 / 0.05) / 10, N_BETS)
    earned = (1 + bets * 10 * 0.95) ** 30 * (1 - bets * 10 * 0.05) ** 370

    assert evidence(make_slice(400, 30), 0.05) == pytest.approx(float(earned.mean()))
    assert slice_figures(make_slice(400, 30), allowed=0.05).evidence == pytest.approx(float(earned.mean()))


def test_more_errors_are_more_evidence_and_none_are_less_than_none() -> None:
    found = [evidence(make_slice(400, n_wrong), 0.05) for n_wrong in (0, 10, 20, 40, 80)]

    assert found == sorted(found)
    assert found[0] < 1 < 1000 < found[-1]
    assert evidence(make_slice(0, 0), 0.05) == 1


def test_sums_never_show_more_evidence_than_their_inspections() -> None:
    for seed in range(20):
        true, said, g = three_classes(seed, 2000)
        pi = np.clip(0.04 + 0.6 * g, 0, 1)
        cells = drawn_cells(true, said, pi=pi, drawn=np.random.default_rng(seed).random(2000) < pi)
        by_items, by_sums = evidence_of_items(cells, 0.08), evidence(grouped(cells), 0.08)
        assert by_sums <= by_items * (1 + 1e-9)
        assert np.log(by_sums) > np.log(by_items) - 0.1 * abs(np.log(by_items)) - 0.5


def evidence_of_items(cells: Cells, allowed: float) -> float:
    """The product itself, with the same bets."""
    own = settled(cells)
    top = float((1 / (own.edge * own.floor_pi)).max())
    bets = np.geomspace(0.05 / top, min(20.0, 0.95 / allowed) / top, N_BETS)[:, None]
    gain = np.where(own.true != own.predicted, 1 - allowed, -allowed)
    return float(np.exp(np.log1p(bets * own.w * gain).sum(axis=1)).mean())


@pytest.mark.slow
def test_while_the_rate_is_allowed_evidence_stays_at_one_on_average() -> None:
    """1,500 draws from one population whose error rate is the allowed one: mean <= 1, and 20 to one in <= 5 %."""
    true, said, g = three_classes(12, 1500)
    pi = np.clip(0.05 + 0.8 * g, 0, 1)
    allowed = float((true != said).mean())
    rng = np.random.default_rng(5)
    found = np.array(
        [evidence(drawn_cells(true, said, pi=pi, drawn=rng.random(1500) < pi), allowed) for _ in range(1500)]
    )

    assert found.mean() <= 1 + 3 * found.std() / 1500**0.5
    assert (found >= 20).mean() <= 0.05


def test_the_bets_see_a_doubled_rate_sooner_than_a_p_value_turned_into_evidence() -> None:
    """Error 16 % where 8 % are allowed: median over 200 draws, against 1/(2 sqrt(p)) of the normal tail."""
    true, said, g = three_classes(3, 3000)
    pi, rate = np.clip(0.05 + 0.2 * g, 0, 1), float((true != said).mean())
    rng, bets, tails = np.random.default_rng(0), [], []
    for _ in range(200):
        cells = drawn_cells(true, said, pi=pi, drawn=rng.random(3000) < pi)
        found = slice_figures(cells, allowed=rate / 2)
        assert found.evidence is not None
        bets.append(found.evidence)
        accuracy = found.accuracy
        assert accuracy.value is not None
        assert accuracy.upper_bound is not None
        z = (1 - accuracy.value - rate / 2) / ((accuracy.upper_bound - accuracy.value) / 1.645)
        tails.append(0.5 / np.sqrt(max(0.5 * np.exp(-0.717 * z - 0.416 * z**2), 1e-300)) if z > 0 else 0.5)

    assert np.median(bets) > np.median(tails)


@pytest.mark.slow
def test_the_interval_of_a_slice_covers() -> None:
    """300 slices of 1,500 that arrived, drawn at 4 % and more: >= 91 % (95 less 3 errors)."""
    hits = 0
    for seed in range(300):
        true, said, g = three_classes(seed, 1500)
        pi = 0.04 + 0.3 * np.sqrt(g * (1 - g))
        cells = settled(drawn_cells(true, said, pi=pi, drawn=np.random.default_rng([4, seed]).random(1500) < pi))
        found, truth = slice_figures(cells, allowed=0.1).accuracy, float((true == said).mean())
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= truth <= found.high

    assert hits / 300 >= 0.91


@pytest.mark.parametrize("allowed", [0.0, 1.0, -0.1, float("nan")])
def test_an_allowed_rate_is_a_share(allowed: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        slice_figures(make_slice(), allowed=allowed)
