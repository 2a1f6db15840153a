"""Distances and tests of change against published numbers (STATISTICS §7.1 R12)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from models_registry.drift import (
    Comparison,
    Row,
    compare_classes,
    compare_numbers,
    discoveries,
    drifted,
    effect_size,
    in_a_row,
    jensen_shannon,
    kolmogorov_smirnov,
    psi,
    wasserstein,
)

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


def classes_drifted(reference: np.ndarray, current: np.ndarray) -> bool | None:
    found = compare_classes(reference, current)
    return None if found is None else bool(drifted({"classes": found}))


def test_classes_drift_when_they_differ_surely_and_noticeably() -> None:
    reference = a(900, 80, 20)

    assert classes_drifted(reference, a(180, 16, 4)) is False
    assert classes_drifted(reference * 100, reference * 20 + a(0, 60, 0)) is False  # surely, but by a hair
    assert classes_drifted(reference, a(140, 50, 10)) is True
    assert classes_drifted(reference, a(100, 50, 10)) is None
    assert classes_drifted(a(1000, 0), a(200, 0)) is False


def test_numbers_are_compared_as_scipy_compares_them_and_not_when_there_are_few() -> None:
    rng = np.random.default_rng(3)
    before, after = rng.gamma(2, size=1000), rng.gamma(2.5, size=200)
    found = compare_numbers(before, after)
    assert found is not None
    assert found.p_value == pytest.approx(stats.ks_2samp(before, after, method="exact").pvalue, rel=0.3)
    assert found.is_noticeable is bool(stats.wasserstein_distance(before, after) / stats.iqr(before) > 0.2)
    assert compare_numbers(before[:999], after) is compare_numbers(before, after[:199]) is None


def test_numbers_without_a_middle_half_are_measured_by_what_spread_there_is() -> None:
    seldom = np.repeat(a(0, 1), [900, 100])
    often = np.repeat(a(0, 1), [120, 80])
    steady, other = np.ones(1000), np.full(200, 1.5)
    told = {
        "often": compare_numbers(seldom, often), "as before": compare_numbers(seldom, seldom[::5]),
        "other": compare_numbers(steady, other), "the same": compare_numbers(steady, steady[:200]),
    }  # fmt: skip
    assert drifted({name: one for name, one in told.items() if one is not None}) == {"often", "other"}


def a_window(
    rng: np.random.Generator, reference: np.ndarray, *, n: int = 300, moved: float = 0.0
) -> dict[str, Comparison]:
    """Five things compared; the first has moved by so many interquartile ranges."""
    current = rng.normal(size=(5, n))
    current[0] += moved * float(stats.iqr(reference[0]))
    pairs = {f"{n:02}": compare_numbers(*both) for n, both in enumerate(zip(reference, current, strict=True))}
    return {name: one for name, one in pairs.items() if one is not None}


def test_of_two_hundred_windows_of_a_steady_stream_at_most_one_in_twenty_is_called_drifted() -> None:
    rng = np.random.default_rng(7)
    reference = rng.normal(size=(5, 1000))
    windows = [a_window(rng, reference, n=200) for _ in range(200)]

    assert sum(bool(drifted(one)) for one in windows) <= 10
    assert sum(min(one.p_value for one in window.values()) < 0.05 for window in windows) > 25  # each test by itself


def test_half_an_interquartile_range_is_found_in_each_of_two_windows_and_named() -> None:
    rng = np.random.default_rng(7)
    reference = rng.normal(size=(5, 1000))
    for _ in range(20):
        assert in_a_row([a_window(rng, reference, moved=0.5) for _ in range(2)]) == Row(2, ("00",))


def test_a_row_is_of_the_same_thing_and_broken_by_a_window_without_it() -> None:
    yes, no = Comparison(1e-9, is_noticeable=True), Comparison(1e-9, is_noticeable=False)
    assert in_a_row([{"light": yes, "noise": yes}, {"light": yes, "noise": no}]) == Row(2, ("light",))
    assert in_a_row([{"light": yes}, {"noise": yes}]) == Row(1, ("light",))
    assert in_a_row([{"light": no}, {"light": yes}]) == Row(0, ())
    assert in_a_row([{"light": yes}, {}]) == Row(1, ("light",))
    assert in_a_row([{}, {"light": yes}]) is None
