"""Estimators that lean on the model's own guess agree with the published ones, and with each other where they must."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models_registry.estimation import Cells, cells_of_items, estimate_accuracy
from models_registry.estimation.cells import UNSETTLED
from models_registry.estimation.difference import (
    Sums,
    aipw,
    greg,
    hajek,
    ht,
    post_stratified,
    process_aipw,
    process_aipw_of_items,
    sums_of,
    tuned_lambda,
)
from models_registry.estimation.intervals import normal_quantile, wilson
from models_registry.estimation.totals import Estimate, ht_errors
from models_registry.estimation.totals import hajek as hajek_of_items

quick = settings(max_examples=25, deadline=None)
Floats = NDArray[np.float64]


def make_stream(seed: int = 3, n: int = 3000, *, pi: Floats | None = None) -> tuple[Cells, NDArray[np.bool_], Floats]:
    """Cells of a calibrated two-class model, who is wrong, and g; all drawn are settled."""
    rng = np.random.default_rng(seed)
    g = rng.beta(0.6, 4, n)
    is_error = rng.random(n) < g
    pi = np.clip(0.05 + 0.4 * np.sqrt(g * (1 - g)), 0, 1) if pi is None else pi
    drawn = rng.random(n) < pi
    cells = cells_of_items(
        predicted=np.zeros(n, dtype=np.int64),
        true=np.where(drawn, is_error, UNSETTLED),
        pi=pi,
        floor_pi=np.full(n, float(pi.min())),
        is_certainty=np.zeros(n, dtype=bool),
        is_drawn=drawn,
        g=g,
    )
    return cells, is_error, g


def errors_of(cells: Cells) -> Sums:
    return sums_of(cells, cells.true == 1)


def known(estimate: Estimate | None) -> Estimate:
    assert estimate is not None
    return estimate


def test_the_tuned_process_mean_is_the_published_one() -> None:
    """glide-py, ASIMeanEstimator: y = 0, 1 and two not drawn; lambda 1.2557 is not clipped."""
    mean = process_aipw_of_items(
        np.array([0.0, 1.0, np.nan, np.nan]),
        is_drawn=np.array([True, True, False, False]),
        pi=np.full(4, 0.8),
        g=np.array([0.1, 0.9, 0.5, 0.5]),
    )
    half = normal_quantile(0.95) * mean.variance**0.5

    assert mean.value == pytest.approx(0.548, abs=5e-4)
    assert (mean.value - half, mean.value + half) == pytest.approx((0.138, 0.958), abs=6e-4)


def test_a_guess_that_is_off_by_the_same_everywhere_is_corrected_exactly() -> None:
    """ppi_py, tests of the mean: the guess is Y + 2 on the labelled and 2 on the others; the mean of Y - 0 is 0."""
    y, n_others = np.random.default_rng(0).normal(size=100), 1000
    w = n_others / len(y)
    sums = Sums(
        n_population=n_others, g=2.0 * n_others, n=len(y), w=w * len(y), a=0, wg=w * float((y + 2).sum()), ag=0,
        wg2=0, ag2=0, we=w * float(y.sum()), ae=0, weg=0, aeg=0, we2=0, ae2=0,
    )  # fmt: skip

    assert known(aipw(sums, lam=1.0)).value == pytest.approx(0, abs=1e-12)


def agree(one: Estimate | None, other: Estimate | None) -> bool:
    first, second = known(one), known(other)
    return (first.value, first.variance) == pytest.approx((second.value, second.variance), rel=1e-10, abs=1e-15)


def test_cells_give_what_items_give() -> None:
    cells, _, g = make_stream()
    drawn = cells.true != UNSETTLED
    e, pi, guess = (cells.true == 1)[drawn].astype(float), cells.pi[drawn], cells.wg[drawn] * cells.pi[drawn]
    sums, n = errors_of(cells), 3000
    a, lam = (1 - pi) / pi**2, tuned_lambda(sums)
    by_hand = Estimate(
        float(lam * g.sum() + ((e - lam * guess) / pi).sum()) / n, float((a * (e - lam * guess) ** 2).sum()) / n**2
    )

    assert 0 < lam < 1
    assert lam == pytest.approx((a * e * guess).sum() / (a * guess**2).sum(), rel=1e-12)
    assert agree(aipw(sums), by_hand)
    assert agree(ht(sums), ht_errors(e, pi, n_population=n))
    assert agree(hajek(sums), hajek_of_items(e, pi))


def test_the_regression_is_the_one_of_items() -> None:
    cells, _, g = make_stream()
    drawn = cells.true != UNSETTLED
    e, pi, guess = (cells.true == 1)[drawn].astype(float), cells.pi[drawn], cells.wg[drawn] * cells.pi[drawn]
    x, root = np.stack([np.ones(len(e)), guess], axis=1), np.sqrt((1 - pi) / pi**2)
    slope = np.linalg.lstsq(x * root[:, None], e * root, rcond=None)[0]
    rest, n = e - x @ slope, 3000
    value = float(slope @ [n, g.sum()] + (rest / pi).sum()) / n

    variance = len(e) / (len(e) - 2) * float(((root * rest) ** 2).sum()) / n**2
    assert agree(greg(errors_of(cells)), Estimate(value, variance))


def test_a_process_has_the_spread_of_its_items() -> None:
    cells, is_error, g = make_stream()
    n, drawn = 3000, cells.true == UNSETTLED
    is_drawn = cells.n_drawn[drawn] == 1
    pi = np.clip(0.05 + 0.4 * np.sqrt(g * (1 - g)), 0, 1)
    for lam, precision in ((0.0, 1e-9), (0.5, 0.02)):  # the sum of g^2 over all is estimated
        by_items = process_aipw_of_items(is_error.astype(float), is_drawn=is_drawn, pi=pi, g=g, lam=lam)
        by_cells, finite = known(process_aipw(errors_of(cells), lam=lam)), known(aipw(errors_of(cells), lam=lam))
        assert by_cells.value == pytest.approx(by_items.value, rel=1e-9)
        assert by_cells.variance == pytest.approx(by_items.variance, rel=precision)
        assert by_cells.variance - finite.variance == pytest.approx(is_error.var() / n, rel=0.15)


ALL: tuple[Callable[[Cells], Estimate | None], ...] = (
    lambda cells: ht(errors_of(cells)),
    lambda cells: hajek(errors_of(cells)),
    lambda cells: aipw(errors_of(cells)),
    lambda cells: aipw(errors_of(cells), lam=0.7),
    lambda cells: greg(errors_of(cells)),
    lambda cells: post_stratified(cells, cells.true == 1),
)


@given(st.integers(0, 500))
@quick
def test_reviewing_everything_is_exact_whatever_the_estimator(seed: int) -> None:
    cells, is_error, _ = make_stream(seed, 200, pi=np.ones(200))
    for estimator in ALL:
        assert agree(estimator(cells), Estimate(float(is_error.mean()), 0.0))


@given(st.integers(0, 500))
@quick
def test_without_lambda_the_guess_is_not_read(seed: int) -> None:
    sums = errors_of(make_stream(seed, 500)[0])
    assert agree(aipw(sums, lam=0.0), ht(sums))


def test_a_guess_that_is_always_right_leaves_no_variance() -> None:
    _, is_error, _ = make_stream()
    certain = is_error.astype(float)
    knowing = cells_of_items(
        predicted=np.zeros(3000, dtype=np.int64), true=np.where(np.arange(3000) % 7 == 0, is_error, UNSETTLED),
        pi=np.full(3000, 1 / 7), floor_pi=np.full(3000, 1 / 7), is_certainty=np.zeros(3000, dtype=bool),
        is_drawn=np.arange(3000) % 7 == 0, g=certain,
    )  # fmt: skip

    assert tuned_lambda(errors_of(knowing)) == pytest.approx(1)
    assert agree(aipw(errors_of(knowing)), Estimate(float(certain.mean()), 0.0))


@pytest.mark.parametrize("estimator", [hajek, greg])
def test_with_equal_chances_and_no_guess_there_is_only_the_plain_mean(
    estimator: Callable[[Sums], Estimate | None],
) -> None:
    mute = cells_of_items(
        predicted=np.zeros(3000, dtype=np.int64),
        true=np.where(np.arange(3000) < 300, np.arange(3000) % 9 == 0, UNSETTLED),
        pi=np.full(3000, 0.1), floor_pi=np.full(3000, 0.1), is_certainty=np.zeros(3000, dtype=bool),
        is_drawn=np.arange(3000) < 300,
    )  # fmt: skip

    assert known(estimator(errors_of(mute))).value == pytest.approx(34 / 300)


def test_a_bin_of_which_nothing_is_settled_is_joined_with_the_next() -> None:
    """300 at the floor, 150 of them drawn with 30 errors; 100 that arrived at four times the floor, none drawn."""
    at = np.arange(400)
    cells = cells_of_items(
        predicted=np.zeros(400, dtype=np.int64), true=np.select([at < 30, at < 150], [1, 0], default=UNSETTLED),
        pi=np.where(at < 300, 0.2, 0.8), floor_pi=np.full(400, 0.2), is_certainty=np.zeros(400, dtype=bool),
        is_drawn=at < 150,
    )  # fmt: skip

    assert known(post_stratified(cells, cells.true == 1)).value == pytest.approx(0.2)


def test_every_estimator_is_right_on_average_and_leaning_is_the_more_precise() -> None:
    """400 streams of one population: biases within three standard errors, AIPW's spread below HT's."""
    rng = np.random.default_rng(11)
    n = 3000
    g = rng.beta(0.6, 4, n)
    is_error = rng.random(n) < g
    pi = np.clip(0.05 + 0.1 * np.sqrt(g * (1 - g)), 0, 1)
    rows = []
    for _ in range(400):
        drawn = rng.random(n) < pi
        cells = cells_of_items(
            predicted=np.zeros(n, dtype=np.int64), true=np.where(drawn, is_error, UNSETTLED), pi=pi,
            floor_pi=np.full(n, float(pi.min())), is_certainty=np.zeros(n, dtype=bool), is_drawn=drawn, g=g,
        )  # fmt: skip
        rows.append([known(estimator(cells)).value for estimator in ALL])
    found = np.array(rows)
    spread = found.std(axis=0)

    assert (np.abs(found.mean(axis=0) - is_error.mean()) <= 3 * spread / 20 + 0.0005).all()
    assert spread[2] < 0.97 * spread[0]
    assert spread[4] < 0.97 * spread[0]


def many_errors(n_at_floor: int, n_often: int, *, g: float) -> dict[str, Any]:
    """2,000 at the floor of 0.1 and 1,000 at 0.4, all drawn settled; so many errors found in each, of which g knows."""
    at, often = np.arange(3000), np.arange(3000) >= 2000
    drawn = (at < 200) | (often & (at < 2400))
    is_error = (at < n_at_floor) | (often & (at < 2000 + n_often))
    return {
        "predicted": np.zeros(3000, dtype=np.int64), "true": np.where(drawn, is_error, UNSETTLED),
        "pi": np.where(often, 0.4, 0.1), "floor_pi": np.full(3000, 0.1), "is_certainty": np.zeros(3000, dtype=bool),
        "is_drawn": drawn, "g": np.where(is_error, g, 0.1),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("at_floor", "often", "method"),
    [
        (10, 40, "aipw_tuned_wilson_n_eff"),
        (10, 39, "ht_mover_gamma_mid_p"),
        (9, 60, "ht_mover_gamma_mid_p"),
    ],
)
def test_leaning_waits_for_fifty_errors_and_ten_at_the_floor(at_floor: int, often: int, method: str) -> None:
    assert estimate_accuracy(cells_of_items(**many_errors(at_floor, often, g=0.6))).method == method


def test_where_many_errors_were_found_the_interval_is_wilsons_around_the_leaning_estimate() -> None:
    cells = cells_of_items(**many_errors(20, 80, g=0.6))
    estimate, share = estimate_accuracy(cells), known(aipw(errors_of(cells)))
    limits = wilson(count=share.value * (size := share.value * (1 - share.value) / share.variance), n=size)

    assert (estimate.value, estimate.ci_low, estimate.ci_high, estimate.n_eff) == pytest.approx(
        (1 - share.value, 1 - limits.high, 1 - limits.low, size)
    )
    mute = estimate_accuracy(cells_of_items(**many_errors(20, 80, g=0.6) | {"g": None}))
    assert mute.value == pytest.approx(1 - (20 / 0.1 + 80 / 0.4) / 3000)
    assert mute.method == estimate.method


def test_too_little_is_no_estimate() -> None:
    nothing, _, _ = make_stream(n=5, pi=np.full(5, 1e-9))

    assert hajek(errors_of(nothing)) is None
    assert greg(errors_of(nothing)) is None
    assert post_stratified(nothing, nothing.true == 1) is None
    assert ht(errors_of(nothing.where(nothing.n_arrived < 0))) is None
    with pytest.raises(ValueError, match="at least two"):
        process_aipw_of_items(np.ones(1), is_drawn=np.ones(1, dtype=bool), pi=np.ones(1), g=np.ones(1))
