"""Accuracy is estimated over all that arrived, and says when there is too little to say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from labeling.routing import DesignRules, inclusion_probability
from models_registry.estimation import Cells, cells_of_items, estimate_accuracy, naive_accuracy, naive_of_cells
from models_registry.estimation.cells import UNSETTLED

quick = settings(max_examples=25, deadline=None)


def make_cells(
    n: int = 100,
    n_found: int = 5,
    *,
    pi: float = 0.05,
    n_arrived: int = 2000,
    n_sure: int = 0,
    n_sure_found: int = 0,
    n_certainty: int | None = None,
    n_drawn: int | None = None,
    g: float = 0.0,
) -> Cells:
    """`n` sampled and settled with `n_found` errors, and `n_sure` settled of the certainty stratum; two classes."""
    n_certainty = n_sure if n_certainty is None else n_certainty
    n_silent = 0 if n_drawn is None else n_drawn - n_certainty - n
    kinds = (
        (n_found, 1, False, True), (n - n_found, 0, False, True), (n_silent, UNSETTLED, False, True),
        (n_arrived - n_certainty - n - n_silent, UNSETTLED, False, False),
        (n_sure_found, 1, True, True), (n_sure - n_sure_found, 0, True, True),
        (n_certainty - n_sure, UNSETTLED, True, True),
    )  # fmt: skip
    items = np.array([kind[1:] for kind in kinds for _ in range(kind[0])], dtype=np.int64).reshape(-1, 3)
    sure = items[:, 1] == 1
    return cells_of_items(
        predicted=np.zeros(len(items), dtype=np.int64),
        true=items[:, 0],
        pi=np.where(sure, 1.0, pi),
        floor_pi=np.full(len(items), min(pi, 0.04)),
        is_certainty=sure,
        is_drawn=items[:, 2] == 1,
        g=np.full(len(items), g),
    )


def shares(*values: float | None) -> list[float]:
    """The numbers of an estimate that has them all."""
    known = [value for value in values if value is not None]
    assert len(known) == len(values)
    return known


def test_no_settled_inspection_is_no_accuracy() -> None:
    estimate = estimate_accuracy(make_cells(0, 0, n_drawn=12))

    assert (estimate.value, estimate.ci_low, estimate.ci_high, estimate.lower_bound) == (None, None, None, None)
    assert (estimate.n, estimate.method, estimate.response_rate) == (0, "none", 0.0)
    assert estimate.provisional
    assert naive_accuracy(np.array([], dtype=np.bool_)).value is None


def test_a_window_in_which_nothing_was_drawn_has_no_response_rate() -> None:
    assert estimate_accuracy(make_cells(0, 0)).response_rate is None


def test_errors_are_weighted_up_to_all_that_arrived() -> None:
    estimate = estimate_accuracy(make_cells(100, 5, pi=0.05, n_arrived=2500))

    assert estimate.value == pytest.approx(1 - 5 / 0.05 / 2500)
    assert (estimate.n, estimate.n_found, estimate.n_arrived) == (100, 5, 2500)
    assert estimate.n_eff == pytest.approx(0.04 * 0.96 / (0.95 / 0.05**2 * 5 / 2500**2))
    assert not estimate.bound_only
    assert not estimate.provisional


def test_the_always_checked_are_counted_as_they_are() -> None:
    estimate = estimate_accuracy(make_cells(100, 4, n_arrived=2500, n_sure=300, n_sure_found=60))
    alone = estimate_accuracy(make_cells(100, 4, n_arrived=2200))

    assert estimate.value == pytest.approx(1 - (4 / 0.05 + 60) / 2500)
    for joined, own in zip(
        shares(estimate.ci_low, estimate.ci_high, estimate.lower_bound),
        shares(alone.ci_low, alone.ci_high, alone.lower_bound),
        strict=True,
    ):
        assert (1 - joined) * 2500 == pytest.approx((1 - own) * 2200 + 60)


def test_reviewing_everything_leaves_no_doubt() -> None:
    drawn = estimate_accuracy(make_cells(200, 10, pi=1.0, n_arrived=200))
    always = estimate_accuracy(make_cells(0, 0, n_arrived=200, n_sure=200, n_sure_found=10))

    for estimate in (drawn, always):
        assert (estimate.ci_low, estimate.value, estimate.ci_high) == (0.95, 0.95, 0.95)
        assert (estimate.method, estimate.n_eff, estimate.response_rate) == ("census", None, 1.0)


def test_silence_widens_the_interval_and_is_weighted_out() -> None:
    complete = estimate_accuracy(make_cells(200, 10, n_arrived=4000))
    half = estimate_accuracy(make_cells(100, 5, n_arrived=4000, n_drawn=200))

    assert half.value == pytest.approx(complete.value)
    assert (half.response_rate, half.provisional) == (0.5, True)
    low, high, whole_low, whole_high = shares(half.ci_low, half.ci_high, complete.ci_low, complete.ci_high)
    assert high - low > whole_high - whole_low


def test_an_unfinished_certainty_stratum_becomes_a_sample_of_itself() -> None:
    estimate = estimate_accuracy(make_cells(100, 5, n_arrived=3000, n_sure=50, n_sure_found=10, n_certainty=100))
    complete = estimate_accuracy(make_cells(100, 5, n_arrived=3000, n_sure=100, n_sure_found=20))

    assert estimate.value == pytest.approx(complete.value)
    assert shares(estimate.ci_low) < shares(complete.ci_low)
    assert estimate.provisional


def test_a_stratum_of_which_nothing_is_known_leaves_only_a_bound() -> None:
    estimate = estimate_accuracy(make_cells(0, 0, n_arrived=1000, n_sure=400, n_sure_found=40, n_drawn=430))

    assert estimate.bound_only
    assert estimate.lower_bound == pytest.approx(1 - (600 + 40) / 1000)


@pytest.mark.parametrize(("n", "n_found", "bound_only"), [(29, 5, True), (30, 2, True), (30, 3, False)])
def test_too_little_shows_only_the_bound(n: int, n_found: int, bound_only: bool) -> None:
    assert estimate_accuracy(make_cells(n, n_found)).bound_only is bound_only


def test_no_error_found_is_not_a_perfect_model() -> None:
    estimate = estimate_accuracy(make_cells(500, 0, n_arrived=10_000))

    assert estimate.value == 1
    assert estimate.ci_high == 1
    assert estimate.lower_bound == pytest.approx(1 - 2.9957 / (10_000 * 0.04), rel=1e-5)


@given(
    st.lists(st.tuples(st.booleans(), st.floats(0.04, 1)), min_size=1, max_size=60),
    st.integers(0, 500),
    st.integers(0, 30),
    st.integers(0, 20),
)
@quick
def test_the_ends_keep_their_order_whatever_was_found(
    items: list[tuple[bool, float]], n_more: int, n_silent: int, n_sure: int
) -> None:
    n, n_all = len(items), len(items) + n_sure + n_silent + n_more
    at = np.arange(n_all)
    sure = (at >= n) & (at < n + n_sure)
    truths = [int(found) for found, _ in items] + [1] * n_sure + [UNSETTLED] * (n_silent + n_more)
    cells = cells_of_items(
        predicted=np.zeros(n_all, dtype=np.int64),
        true=np.array(truths),
        pi=np.array([pi for _, pi in items] + [1.0] * n_sure + [0.04] * (n_silent + n_more)),
        floor_pi=np.full(n_all, 0.04),
        is_certainty=sure,
        is_drawn=at < n + n_sure + n_silent,
    )
    estimate = estimate_accuracy(cells)
    low, value, high, bound = shares(estimate.ci_low, estimate.value, estimate.ci_high, estimate.lower_bound)

    assert 0 <= low <= value <= high <= 1
    assert 0 <= bound <= value


@given(st.integers(1, 1000))
@quick
def test_an_inspection_that_was_not_drawn_only_adds_to_those_that_arrived(more: int) -> None:
    before, after = (estimate_accuracy(make_cells(n_arrived=n)).value for n in (4000, 4000 + more))
    was, now = shares(before, after)

    assert (1 - now) * (4000 + more) == pytest.approx((1 - was) * 4000)


def make_uniform(n: int, n_found: int, *, n_arrived: int, g: float = 0.0) -> Cells:
    """A tenth of all that arrived, each with the same chance."""
    at = np.arange(n_arrived)
    return cells_of_items(
        predicted=np.zeros(n_arrived, dtype=np.int64),
        true=np.where(at < n, (at < n_found).astype(np.int64), UNSETTLED),
        pi=np.full(n_arrived, 0.1),
        floor_pi=np.full(n_arrived, 0.1),
        is_certainty=np.zeros(n_arrived, dtype=bool),
        is_drawn=at < n,
        g=np.where(at < n_found // 2, g, 0.0),
    )


def test_a_uniform_design_has_the_textbooks_interval() -> None:
    """15 of 148 (Newcombe) of a large population; the size is the number drawn, not pi times N."""
    estimate = estimate_accuracy(make_uniform(148, 15, n_arrived=150_000))
    none = estimate_accuracy(make_uniform(300, 0, n_arrived=300_000))

    assert estimate.value == pytest.approx(1 - 15 / 148)
    assert (estimate.ci_low, estimate.ci_high) == pytest.approx((1 - 0.1605, 1 - 0.0624), abs=1e-4)
    assert estimate.method == "uniform_wilson"
    assert estimate.n_eff == pytest.approx(148, rel=0.002)
    assert none.lower_bound == pytest.approx(1 - 2.9957 / 300, abs=5e-5)


def test_a_uniform_design_with_many_errors_leans_on_what_the_model_knows() -> None:
    """60 of 600: with a guess that knows half of them, and with one that knows nothing."""
    knowing = estimate_accuracy(make_uniform(600, 60, n_arrived=6000, g=0.5))
    mute = estimate_accuracy(make_uniform(600, 60, n_arrived=6000))

    assert (knowing.method, mute.method) == ("greg_wilson_n_eff", "greg_wilson_n_eff")
    assert mute.value == pytest.approx(1 - 60 / 600)
    low, high, mute_low, mute_high = shares(knowing.ci_low, knowing.ci_high, mute.ci_low, mute.ci_high)
    assert high - low < mute_high - mute_low


def test_the_naive_number_is_the_plain_share() -> None:
    naive = naive_accuracy(np.arange(148) < 15)

    assert naive.value == pytest.approx(133 / 148)
    assert shares(naive.ci_low, naive.ci_high) == pytest.approx([1 - 0.1605, 1 - 0.0624], abs=5e-5)


def test_counts_that_contradict_each_other_are_refused() -> None:
    cells = make_cells(100)
    with pytest.raises(ValueError, match="settled than were drawn"):
        estimate_accuracy(replace(cells, n_drawn=np.zeros(len(cells), dtype=np.int64)))
    with pytest.raises(ValueError, match="inclusion probability"):
        make_cells(pi=float("nan"))
    with pytest.raises(ValueError, match="inclusion probability"):
        make_cells(pi=0.0)
    with pytest.raises(ValueError, match="pi = 1"):
        estimate_accuracy(replace(cells, is_certainty=np.ones(len(cells), dtype=bool)))
    with pytest.raises(ValueError, match="shape"):
        replace(cells, w=np.ones(3))


@pytest.mark.slow
def test_the_honest_interval_covers_the_truth_and_the_naive_one_does_not() -> None:
    """Protocol "accuracy", stream p10 (10 % defects, d' = 3), budget 5 %, tau .5, 300 streams of 20,000 (§7.4)."""
    rules, n_streams, n_arrived = DesignRules(budget=0.05, audit_share=0.5), 300, 20_000
    mean_u = float(_stream(np.random.default_rng(7), 200_000)[1].mean())
    honest = naive = 0
    for seed in range(n_streams):
        rng = np.random.default_rng([100, 1, seed])
        is_error, u = _stream(rng, n_arrived)
        pi = inclusion_probability(u, mean_u=mean_u, rules=rules)
        truth = 1 - float(is_error.mean())
        cells = cells_of_items(
            predicted=np.zeros(n_arrived, dtype=np.int64),
            true=is_error.astype(np.int64),
            pi=pi,
            floor_pi=np.full(n_arrived, rules.floor_pi),
            is_certainty=np.zeros(n_arrived, dtype=np.bool_),
            is_drawn=rng.random(n_arrived) < pi,
        )
        estimate, plain = estimate_accuracy(cells), naive_of_cells(cells)
        low, high, naive_low, naive_high = shares(estimate.ci_low, estimate.ci_high, plain.ci_low, plain.ci_high)
        honest += low <= truth <= high
        naive += naive_low <= truth <= naive_high

    assert honest / n_streams >= 0.925 - 0.025
    assert naive / n_streams < 0.65


def _stream(rng: np.random.Generator, n: int) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Errors and uncertainties of a calibrated two-class model; single precision, for speed."""
    is_defect = rng.random(n, dtype=np.float32) < 0.1
    z = rng.standard_normal(n, dtype=np.float32) + 3 * is_defect.astype(np.float32)
    p = 1 / (1 + np.exp(np.float32(4.5 + np.log(9)) - 3 * z))
    return (p >= 0.5) != is_defect, np.sqrt(p * (1 - p)).astype(np.float64)
