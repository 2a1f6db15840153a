"""Intervals agree with published limits and contain what they estimate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_registry.estimation.intervals import clopper_pearson, gamma_limits, mover_gamma, normal_quantile, wilson
from models_registry.estimation.totals import ht_errors

quick = settings(max_examples=25, deadline=None)
counts = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("count", "n", "score", "exact"),
    [
        (81, 263, (0.2553, 0.3662), (0.2527, 0.3676)),
        (0, 20, (0, 0.1611), (0, 0.1684)),
        (15, 148, (0.0624, 0.1605), (0.0578, 0.1617)),
        (1, 29, (0.0061, 0.1718), (0.0009, 0.1776)),
    ],
)
def test_shares_have_the_limits_that_newcombe_printed(
    count: int, n: int, score: tuple[float, float], exact: tuple[float, float]
) -> None:
    by_score, by_tails = wilson(count=count, n=n), clopper_pearson(count=count, n=n)

    assert (by_score.low, by_score.high) == pytest.approx(score, abs=5e-5)
    assert (by_tails.low, by_tails.high) == pytest.approx(exact, abs=5e-5)


@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0, 3.6889), (1, 0.0253, 5.5716), (10, 4.7954, 18.3904), (100, 81.364, 121.627)]
)
def test_gamma_limits_of_equal_weights_are_garwoods(count: int, low: float, high: float) -> None:
    limits = gamma_limits(y=count, v=count, m=1)

    assert (limits.low, limits.high) == pytest.approx((low, high), rel=1e-5, abs=5e-5)


@pytest.mark.parametrize(("count", "low", "high"), [(0, 0, 2.9957), (10, 5.0795, 17.8249)])
def test_mid_p_limits_of_equal_weights_are_the_published_ones(count: int, low: float, high: float) -> None:
    limits = gamma_limits(y=count, v=count, m=1, mid_p=True)

    assert (limits.low, limits.high) == pytest.approx((low, high), abs=5e-5)


def test_95_percent_is_1_96_standard_errors() -> None:
    assert normal_quantile(0.95) == pytest.approx(1.959964, abs=5e-7)


@given(counts)
@quick
def test_an_interval_contains_the_share_and_stays_a_share(count_and_n: tuple[int, int]) -> None:
    count, n = count_and_n
    for interval in (wilson(count=count, n=n), clopper_pearson(count=count, n=n)):
        assert 0 <= interval.low <= count / n <= interval.high <= 1


@given(counts)
@quick
def test_more_errors_never_lower_a_limit(count_and_n: tuple[int, int]) -> None:
    count, n = count_and_n
    for limits in (wilson, clopper_pearson):
        fewer, more = limits(count=max(count - 1, 0), n=n), limits(count=count, n=n)
        assert fewer.low <= more.low
        assert fewer.high <= more.high


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=30))
@quick
def test_mid_p_limits_lie_inside_the_exact_ones_around_the_sum(weights: list[float]) -> None:
    y, v, m = sum(weights), sum(weight**2 for weight in weights), max(weights)
    exact, mid = gamma_limits(y=y, v=v, m=m), gamma_limits(y=y, v=v, m=m, mid_p=True)

    assert exact.low <= mid.low * (1 + 1e-9)
    assert mid.low < y < mid.high
    assert mid.high <= exact.high * (1 + 1e-9)


def test_a_uniform_sample_without_errors_gives_the_rule_of_three() -> None:
    none = np.zeros(500, dtype=np.bool_)
    pi = np.full(500, 0.05)

    mid = mover_gamma(none, pi=pi, floor_pi=pi, n_population=10_000)
    one_sided = mover_gamma(none, pi=pi, floor_pi=pi, n_population=10_000, mid_p=False, confidence=0.90)

    assert mid.low == 0
    assert mid.high == pytest.approx(2.9957 / 500, rel=1e-4)
    assert one_sided.high == pytest.approx(2.9957 / 500, rel=1e-4)


def test_bins_of_unequal_chances_are_joined_by_squares() -> None:
    is_error = np.array([True, False, True, True])
    pi, floor = np.array([0.04, 0.04, 0.4, 0.4]), np.full(4, 0.04)

    limits = mover_gamma(is_error, pi=pi, floor_pi=floor, n_population=1000, mid_p=False)
    rare = gamma_limits(y=0.025, v=0.025**2, m=0.025)
    often = gamma_limits(y=0.005, v=2 * 0.0025**2, m=1 / (1000 * 0.04 * 6))

    above = np.hypot(0.96**0.5 * (rare.high - 0.025), 0.6**0.5 * (often.high - 0.005))
    below = np.hypot(0.96**0.5 * (0.025 - rare.low), 0.6**0.5 * (0.005 - often.low))
    assert (limits.low, limits.high) == pytest.approx((0.03 - below, 0.03 + above))


@given(st.lists(st.tuples(st.booleans(), st.floats(0.04, 1)), min_size=1, max_size=60))
@quick
def test_the_weighted_interval_contains_the_estimate(items: list[tuple[bool, float]]) -> None:
    is_error, pi = np.array([one[0] for one in items]), np.array([one[1] for one in items])

    limits = mover_gamma(is_error, pi=pi, floor_pi=np.full(len(pi), 0.04), n_population=2000)

    assert 0 <= limits.low <= ht_errors(is_error, pi, n_population=2000).value * (1 + 1e-9)
    assert limits.high >= ht_errors(is_error, pi, n_population=2000).value


def test_nonsense_is_refused() -> None:
    no, half = np.zeros(2, dtype=np.bool_), np.full(2, 0.5)
    with pytest.raises(ValueError, match="0 <= count <= n"):
        wilson(count=3, n=2)
    with pytest.raises(ValueError, match="n > 0"):
        clopper_pearson(count=0, n=0)
    with pytest.raises(ValueError, match="m > 0"):
        gamma_limits(y=1, v=1, m=0)
    with pytest.raises(ValueError, match="both 0"):
        gamma_limits(y=float("nan"), v=1, m=1)
    with pytest.raises(ValueError, match="between 0 and 1"):
        wilson(count=1, n=2, confidence=95)
    with pytest.raises(ValueError, match="below the floor"):
        mover_gamma(no, pi=half, floor_pi=np.full(2, 0.6), n_population=10)
    with pytest.raises(ValueError, match="no more than arrived"):
        mover_gamma(no, pi=half, floor_pi=half, n_population=1)
