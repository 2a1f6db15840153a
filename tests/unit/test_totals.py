"""Weighted means agree with the textbook, and weights that do not differ do not matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_registry.estimation.intervals import normal_quantile
from models_registry.estimation.totals import hajek, ht_errors, process_mean

quick = settings(max_examples=25, deadline=None)
errors = st.lists(st.booleans(), min_size=1, max_size=80)


def test_the_textbook_total_comes_out() -> None:
    """Thompson, Sampling, exercises 6.1 and 6.2: three draws with replacement."""
    pi = 1 - (1 - np.array([0.06, 0.20, 0.10])) ** 3

    assert pi == pytest.approx([0.1694, 0.4880, 0.2710], abs=5e-5)
    assert ht_errors(np.array([3.0, 10.0, 7.0]), pi, n_population=1).value == pytest.approx(64.03, abs=0.005)


def test_the_mean_of_a_process_has_the_published_spread() -> None:
    """glide-py, tests of the classical inverse-probability mean: y = 2, 4 and two that were not drawn."""
    mean = process_mean(np.array([2.0, 4.0]), np.array([0.5, 0.5]), n_population=4, ddof=1)

    assert mean is not None
    se = mean.variance**0.5
    assert mean.value == pytest.approx(3.0)
    assert se == pytest.approx(1.915, abs=5e-4)
    for confidence, low, high in ((0.95, -0.753, 6.753), (0.85, 0.243, 5.756)):
        half = normal_quantile(confidence) * se
        assert (3 - half, 3 + half) == pytest.approx((low, high), abs=6e-4)


@given(errors, st.floats(0.01, 1))
@quick
def test_equal_chances_make_hajek_the_plain_mean(found: list[bool], pi: float) -> None:
    is_error = np.array(found)
    mean = hajek(is_error, np.full(len(found), pi))

    assert mean is not None
    assert mean.value == pytest.approx(float(is_error.mean()))
    assert ht_errors(is_error, np.full(len(found), pi), n_population=500).value == pytest.approx(
        float(is_error.sum()) / (pi * 500)
    )


@given(errors)
@quick
def test_reviewing_everything_is_exact(found: list[bool]) -> None:
    is_error, pi = np.array(found), np.ones(len(found))
    ht, ratio = ht_errors(is_error, pi, n_population=len(found)), hajek(is_error, pi)

    assert ratio is not None
    assert ht.value == pytest.approx(float(is_error.mean()))
    assert ratio.value == pytest.approx(ht.value)
    assert (ht.variance, ratio.variance) == (0, 0)


@given(errors, st.floats(0.01, 1), st.integers(1, 1000))
@quick
def test_an_item_that_was_not_drawn_changes_only_the_population(found: list[bool], pi: float, more: int) -> None:
    is_error, chances = np.array(found), np.full(len(found), pi)
    before, after = (ht_errors(is_error, chances, n_population=n) for n in (100, 100 + more))

    assert after.value * (100 + more) == pytest.approx(before.value * 100)
    assert after.variance * (100 + more) ** 2 == pytest.approx(before.variance * 100**2)


@given(errors)
@quick
def test_both_process_means_agree_when_every_item_was_drawn(found: list[bool]) -> None:
    is_error, pi = np.array(found), np.ones(len(found))
    with_n, without_n = process_mean(is_error, pi, n_population=len(found)), process_mean(is_error, pi)

    assert with_n is not None
    assert without_n is not None
    assert with_n.value == pytest.approx(without_n.value)
    assert with_n.variance == pytest.approx(without_n.variance, abs=1e-15)


def test_no_item_is_no_mean() -> None:
    nothing = np.array([])

    assert hajek(nothing, nothing) is None
    assert process_mean(nothing, nothing) is None


@pytest.mark.parametrize("chance", [0.0, -0.1, 1.1, float("nan")])
def test_an_impossible_chance_is_refused(chance: float) -> None:
    with pytest.raises(ValueError, match="inclusion probability"):
        ht_errors(np.array([1.0]), np.array([chance]), n_population=10)
    with pytest.raises(ValueError, match="inclusion probability"):
        hajek(np.array([1.0]), np.array([chance]))


def test_shapes_populations_and_values_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        ht_errors(np.array([1.0, 0.0]), np.array([0.5]), n_population=10)
    with pytest.raises(ValueError, match="at least one"):
        ht_errors(np.array([1.0]), np.array([0.5]), n_population=0)
    with pytest.raises(ValueError, match="finite"):
        hajek(np.array([np.nan]), np.array([0.5]))
    with pytest.raises(ValueError, match="cannot come from"):
        process_mean(np.array([1.0, 1.0]), np.ones(2), n_population=1)
