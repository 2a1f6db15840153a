"""Precision and recall of regions: right where all is known, unbiased where chance picked, honest in their limits."""

from __future__ import annotations

import numpy as np
import pytest

from models_registry.estimation.accuracy import METHOD_CENSUS
from models_registry.estimation.cells import UNSETTLED, Cells, cells_of_items
from models_registry.estimation.counts import METHOD_LINEAR
from models_registry.estimation.detection import (
    RegionRates,
    region_cells_of_inspections,
    region_rates,
    response_share,
)
from tests.unit.streams import Floats, Ints


def plant(seed: int, n: int) -> tuple[Ints, Ints, Ints, Ints, Floats]:
    """Regions matched, missed and false of n parts, what was said of each (0 good, 1 defect), and a guess of error.

    A part in ten has defects, mostly several; a bad part is bad in several places at once.
    """
    rng = np.random.default_rng(seed)
    n_true = np.where(rng.random(n) < 0.1, 1 + rng.poisson(1.2, n), 0)
    skill = rng.beta(8, 2, n)
    matched = rng.binomial(n_true, skill)
    false = rng.poisson(np.where(rng.random(n) < 0.05, 1.5, 0.01))
    said = ((matched + false) > 0).astype(np.int64)
    return matched, n_true - matched, false, said, np.where(said == 1, 0.3, 0.02)


def rates_of(
    parts: tuple[Ints, Ints, Ints, Ints, Floats], *, pi: Floats, drawn: np.ndarray, spoken: np.ndarray, floor: float
) -> RegionRates:
    matched, missed, false, said, _g = parts
    n, settled = len(pi), drawn & spoken
    window = cells_of_items(
        predicted=said, true=np.full(n, UNSETTLED), pi=pi, floor_pi=np.full(n, floor), is_drawn=drawn,
        is_certainty=np.zeros(n, dtype=bool),
    )  # fmt: skip
    units = _spoken(said[settled], pi[settled], floor)
    cells = region_cells_of_inspections(
        matched=matched[settled], missed=missed[settled], false=false[settled], pi=pi[settled], spoken=units,
        unit=np.arange(len(units)), label=np.zeros(len(units), dtype=np.int64),
    )  # fmt: skip
    return region_rates(cells, window, n_labels=1)[0]


def _spoken(said: Ints, pi: Floats, floor: float) -> Cells:
    n = len(pi)
    both = cells_of_items(
        predicted=said, true=np.zeros(n, dtype=np.int64), pi=pi, floor_pi=np.full(n, floor),
        is_drawn=np.ones(n, dtype=bool), is_certainty=np.zeros(n, dtype=bool),
    )  # fmt: skip
    return both.where(both.true == 0)


def truth(parts: tuple[Ints, Ints, Ints, Ints, Floats]) -> tuple[float, float]:
    matched, missed, false = (part.sum() for part in parts[:3])
    return float(matched / (matched + false)), float(matched / (matched + missed))


def tilted(parts: tuple[Ints, Ints, Ints, Ints, Floats], budget: float) -> Floats:
    u: Floats = np.sqrt(parts[4] * (1 - parts[4]))
    pi: Floats = np.clip(0.5 * budget + 0.5 * budget * u / u.mean(), 0, 1)
    return pi


def test_where_everything_was_looked_at_the_rates_are_counted() -> None:
    parts = plant(1, 400)
    everything = np.ones(400, dtype=bool)
    found = rates_of(parts, pi=np.ones(400), drawn=everything, spoken=everything, floor=1.0)

    precision, recall = truth(parts)
    assert [found.precision.value, found.precision.low, found.precision.high] == pytest.approx([precision] * 3)
    assert [found.recall.value, found.recall.low, found.recall.high] == pytest.approx([recall] * 3)
    assert found.recall.method == METHOD_CENSUS
    assert (found.n_matched, found.n_missed, found.n_false) == tuple(int(part.sum()) for part in parts[:3])


def test_without_a_single_region_nothing_is_claimed() -> None:
    zero = np.zeros(50, dtype=np.int64)
    parts = (zero, zero, zero, zero, np.full(50, 0.1))
    found = rates_of(parts, pi=np.full(50, 0.5), drawn=np.arange(50) < 25, spoken=np.ones(50, dtype=bool), floor=0.5)

    assert (found.precision.value, found.recall.value, found.precision.n, found.recall.n) == (None, None, 0, 0)


def test_few_misses_leave_a_bound_alone() -> None:
    """40 parts with one found region each, drawn with 1 in 2: no miss was seen, and some may be."""
    one, zero = np.ones(80, dtype=np.int64), np.zeros(80, dtype=np.int64)
    parts = (one, zero, zero, one, np.full(80, 0.1))
    found = rates_of(parts, pi=np.full(80, 0.5), drawn=np.arange(80) < 40, spoken=np.ones(80, dtype=bool), floor=0.5)

    assert (found.recall.value, found.recall.bound_only, found.recall.n, found.recall.n_found) == (1.0, True, 40, 0)
    assert found.recall.lower_bound is not None
    assert 0.85 < found.recall.lower_bound < 0.97


def test_the_mean_over_many_draws_is_the_truth() -> None:
    parts, ends = plant(2, 3000), []
    pi = tilted(parts, 0.3)
    for seed in range(60):
        drawn = np.random.default_rng([5, seed]).random(3000) < pi
        found = rates_of(parts, pi=pi, drawn=drawn, spoken=np.ones(3000, dtype=bool), floor=0.15)
        ends.append((found.precision.value, found.recall.value))

    assert np.array(ends, dtype=np.float64).mean(axis=0) == pytest.approx(truth(parts), abs=0.012)


def test_what_nobody_spoke_of_is_weighed_in_by_what_is_like_it() -> None:
    """Of parts that were called defects half are spoken of, of the others all: a plain ratio would be off."""
    parts, ends = plant(3, 4000), []
    pi = np.full(4000, 0.4)
    for seed in range(40):
        rng = np.random.default_rng([6, seed])
        drawn = rng.random(4000) < pi
        spoken = (parts[3] == 0) | (rng.random(4000) < 0.5)
        ends.append(rates_of(parts, pi=pi, drawn=drawn, spoken=spoken, floor=0.4).recall.value)

    assert np.mean(np.array(ends, dtype=np.float64)) == pytest.approx(truth(parts)[1], abs=0.015)


@pytest.mark.parametrize(("n", "budget", "uniform"), [(3000, 0.1, False), (6000, 0.4, True)])
def test_intervals_contain_the_truth_as_often_as_they_say(n: int, budget: float, uniform: bool) -> None:
    """60 streams; 95 % less three standard errors of 60 are 87 %. The second case is the linearised interval's."""
    hits, methods = np.zeros(2), set()
    for seed in range(60):
        parts = plant(100 + seed, n)
        pi = np.full(n, 0.5 * budget) if uniform else tilted(parts, budget)
        drawn = np.random.default_rng([7, seed]).random(n) < pi
        found = rates_of(parts, pi=pi, drawn=drawn, spoken=np.ones(n, dtype=bool), floor=0.5 * budget)
        for at, (one, exact) in enumerate(zip((found.precision, found.recall), truth(parts), strict=True)):
            assert one.low is not None
            assert one.high is not None
            hits[at] += one.low <= exact <= one.high
            methods.add(one.method)

    assert (hits / 60).min() >= 0.87, hits
    assert (METHOD_LINEAR in methods) is uniform


def test_the_order_of_inspections_changes_nothing() -> None:
    matched, missed, false, said, _g = plant(4, 2000)
    everything, pi = np.ones(2000, dtype=bool), np.full(2000, 0.3)
    drawn = np.random.default_rng(8).random(2000) < pi
    single = rates_of((matched, missed, false, said, pi), pi=pi, drawn=drawn, spoken=everything, floor=0.3)
    order = np.argsort(said, kind="stable")
    parts = (matched[order], missed[order], false[order], said[order], pi)
    again = rates_of(parts, pi=pi, drawn=drawn[order], spoken=everything, floor=0.3)

    for one, other in ((single.precision, again.precision), (single.recall, again.recall)):
        assert [other.low, other.high, other.n] == pytest.approx([one.low, one.high, one.n])


def test_a_review_that_was_settled_while_the_window_was_read_is_taken_as_it_is() -> None:
    """Of one drawn part two are spoken of: nothing is weighed, and nothing falls over."""
    one = np.ones(2, dtype=np.int64)
    units = _spoken(one, np.full(2, 0.5), 0.5)
    window = cells_of_items(
        predicted=one, true=np.full(2, UNSETTLED), pi=np.full(2, 0.5), floor_pi=np.full(2, 0.5),
        is_drawn=np.array([True, False]), is_certainty=np.zeros(2, dtype=bool),
    )  # fmt: skip
    cells = region_cells_of_inspections(
        matched=one, missed=one - 1, false=np.array([0, 1]), pi=np.full(2, 0.5), spoken=units, unit=np.arange(2),
        label=np.zeros(2, dtype=np.int64),
    )  # fmt: skip

    assert region_rates(cells, window, n_labels=1)[0].precision.value == pytest.approx(2 / 3)


def test_the_share_that_was_spoken_of() -> None:
    said = np.zeros(10, dtype=np.int64)
    window = cells_of_items(
        predicted=said, true=np.full(10, UNSETTLED), pi=np.full(10, 0.5), floor_pi=np.full(10, 0.5),
        is_drawn=np.arange(10) < 8, is_certainty=np.zeros(10, dtype=bool),
    )  # fmt: skip
    assert response_share(_spoken(said[:6], np.full(6, 0.5), 0.5), window) == 0.75
    assert response_share(_spoken(said[:0], np.full(0, 0.5), 0.5), window.where(window.n_drawn < 0)) is None
