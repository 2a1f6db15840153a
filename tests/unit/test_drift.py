"""Distances and tests of change against published numbers (STATISTICS §7.1 R12)."""

from __future__ import annotations

import numpy as np
import pytest

from models_registry.drift import discoveries, effect_size, jensen_shannon, kolmogorov_smirnov, psi, wasserstein

HOCHBERG = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1,
]  # fmt: skip


def a(*values: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array(values, dtype=np.float64)


def test_the_ways_of_scipys_documentation() -> None:
    assert wasserstein(a(0, 1, 3), a(5, 6, 8)) == pytest.approx(5)
    found = wasserstein(
        a(3.4, 3.9, 7.5, 7.8), a(4.5, 1.4), one_weights=a(1.4, 0.9, 3.1, 7.2), other_weights=a(3.2, 3.5)
    )
    assert found == pytest.approx(4.0781331438)


def test_the_distances_of_scipys_documentation() -> None:
    assert jensen_shannon(a(1, 0), a(0.5, 0.5), base=np.e) == pytest.approx(0.46450140402)
    assert jensen_shannon(a(1, 0, 0), a(0, 1, 0)) == pytest.approx(1)
    assert jensen_shannon(a(30, 10), a(3, 1)) == 0
    for one, other in ((a(1, 0), a(1)), (a(-1, 2), a(1, 1)), (a(0, 0), a(1, 1))):
        with pytest.raises(ValueError, match="two distributions"):
            jensen_shannon(one, other)


def test_benjamini_and_hochbergs_example_finds_four_where_bonferroni_finds_three() -> None:
    assert sum(discoveries(HOCHBERG)) == 4
    assert sum(p <= 0.05 / 15 for p in HOCHBERG) == 3
    assert sum(discoveries(HOCHBERG, method="by")) <= 4
    assert discoveries([]) == []


@pytest.mark.parametrize(("n", "m"), [(300, 200), (5000, 400)])
def test_without_a_change_the_index_exceeds_its_critical_value_one_time_in_twenty(n: int, m: int) -> None:
    """The folk rule of 0.1 would ring in a third of small comparisons and never in large ones."""
    rng = np.random.default_rng(1)
    found = [psi(rng.normal(size=n), rng.normal(size=m)) for _ in range(600)]
    assert np.mean([one.is_exceeded for one in found]) == pytest.approx(0.05, abs=0.03)


def test_a_change_is_seen_by_each_of_them() -> None:
    rng = np.random.default_rng(1)
    before, after = rng.normal(size=2000), rng.normal(0.5, 1, 500)
    assert psi(before, after).is_exceeded
    assert kolmogorov_smirnov(before, after) < 1e-6
    assert kolmogorov_smirnov(before, rng.normal(size=500)) > 0.01
    size = effect_size(before, after)
    assert size is not None
    assert size > 0.2
    assert effect_size(np.ones(9), after) is None


def test_values_that_are_all_alike_and_samples_of_nothing() -> None:
    same = psi(np.ones(300), np.ones(200))
    assert same.value == pytest.approx(0, abs=1e-3)
    assert psi(np.ones(300), np.full(200, 9.0)).is_exceeded
    with pytest.raises(ValueError, match="both samples"):
        psi(np.zeros(0), np.ones(3))
