"""Cells say what items say: sums in any grouping, silence weighed in, images that nobody can judge left out."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_registry.estimation import Cells, cells_of_items, estimate_accuracy
from models_registry.estimation.bins import arrived, ends, found, judged, largest_weights
from models_registry.estimation.cells import NOT_JUDGEABLE, UNSETTLED
from models_registry.estimation.intervals import mover_gamma
from models_registry.estimation.response import MIN_SELECTED, weigh_silence
from models_registry.estimation.totals import ht_errors

quick = settings(max_examples=25, deadline=None)


def make_items(seed: int = 1, n: int = 4000, **changed: Any) -> dict[str, Any]:
    """A stream of three classes, one in eight wrong, drawn with unequal chances, all of the drawn settled."""
    rng = np.random.default_rng(seed)
    g = rng.beta(1, 6, n)
    predicted = rng.integers(0, 3, n)
    pi = np.clip(0.04 + 0.5 * g, 0.04, 1)
    drawn = rng.random(n) < pi
    truth = np.where(rng.random(n) < g, (predicted + 1) % 3, predicted)
    items = {
        "predicted": predicted, "true": np.where(drawn, truth, UNSETTLED), "pi": pi, "floor_pi": np.full(n, 0.04),
        "is_certainty": np.zeros(n, dtype=bool), "is_drawn": drawn, "g": g,
    }  # fmt: skip
    return items | changed


def grouped(cells: Cells) -> Cells:
    """The same sums in as few cells as can be."""
    columns = [getattr(cells, name) for name in ("true", "predicted", "is_certainty", "edge", "floor_pi")]
    keys, group = np.unique(np.stack([np.asarray(c, dtype=float) for c in columns]), axis=1, return_inverse=True)
    first = np.array([int(np.flatnonzero(group == number)[0]) for number in range(keys.shape[1])])
    sums = {}
    for one in fields(cells)[5:]:
        values = getattr(cells, one.name)
        sums[one.name] = np.bincount(group, weights=values).astype(values.dtype)
    return replace(cells.where(np.isin(np.arange(len(cells)), first)), **_ordered(cells, group, sums))


def _ordered(cells: Cells, group: Any, sums: dict[str, Any]) -> dict[str, Any]:
    """Sums in the order in which each group is met first."""
    _, met = np.unique(group, return_index=True)
    order = np.argsort(met)
    return {name: values[order] for name, values in sums.items()}


def test_cells_give_the_interval_of_items() -> None:
    items = make_items()
    drawn = items["is_drawn"]
    is_error = (items["true"] != items["predicted"])[drawn]
    cells = weigh_silence(cells_of_items(**items))
    errors = found(cells, row=np.where(judged(cells) & (cells.true != cells.predicted), 0, -1))

    for mid_p, confidence in ((True, 0.95), (False, 0.9)):
        low, high = ends(
            errors, largest=largest_weights(cells), most=arrived(cells), mid_p=mid_p, confidence=confidence
        )
        by_items = mover_gamma(
            is_error, pi=items["pi"][drawn], floor_pi=items["floor_pi"][drawn], n_population=4000, mid_p=mid_p,
            confidence=confidence,
        )  # fmt: skip
        assert (low[0] / 4000, high[0] / 4000) == pytest.approx((by_items.low, by_items.high), rel=1e-12)
    by_items_mean = ht_errors(is_error, items["pi"][drawn], n_population=4000)
    assert errors.y.sum() / 4000 == pytest.approx(by_items_mean.value, rel=1e-12)
    assert (errors.v - errors.y).sum() / 4000**2 == pytest.approx(by_items_mean.variance, rel=1e-12)


@given(st.integers(0, 1000), st.floats(0.3, 1))
@quick
def test_an_estimate_does_not_see_how_its_cells_were_grouped(seed: int, settled: float) -> None:
    items = make_items(seed, 800)
    silent = np.random.default_rng(seed).random(800) > settled
    cells = cells_of_items(**items | {"true": np.where(silent, UNSETTLED, items["true"])})
    few = grouped(cells)
    one, other = estimate_accuracy(cells), estimate_accuracy(few)

    assert len(few) < len(cells) / 5
    for name in ("value", "ci_low", "ci_high", "lower_bound", "n_eff", "worst_low", "worst_high", "label_free"):
        assert getattr(other, name) == pytest.approx(getattr(one, name), rel=1e-9), name
    assert (one.n, one.n_found, one.response_rate) == (other.n, other.n_found, other.response_rate)


def test_those_alike_speak_for_the_silent() -> None:
    """Of class 0 every second one is settled, of class 1 all: the missing are made up for within class 0 alone."""
    n = 200
    predicted, true = np.repeat([0, 1], n // 2), np.repeat([1, 1], n // 2)
    true = np.where((predicted == 0) & (np.arange(n) % 2 == 1), UNSETTLED, true)
    cells = weigh_silence(make_uniform(predicted, true))

    errors = cells.w[(cells.true == 1) & (cells.predicted == 0)]
    right = cells.w[(cells.true == 1) & (cells.predicted == 1)]
    assert errors == pytest.approx(np.full(50, 2 / 0.5))
    assert right == pytest.approx(np.full(100, 1 / 0.5))
    assert cells.pi[cells.true == 1] == pytest.approx(1 / cells.w[cells.true == 1])
    assert cells.w2[cells.true == 1] == pytest.approx(cells.w[cells.true == 1] ** 2)
    assert cells.w[cells.true == 1].sum() == pytest.approx(cells.w_drawn.sum())


def test_a_small_response_cell_is_collapsed_with_its_like() -> None:
    """Class 1 has 19 drawn, none settled; class 2 has 19, all settled: together they are one cell of 38."""
    predicted = np.repeat([0, 1, 2], [100, MIN_SELECTED - 1, MIN_SELECTED - 1])
    true = np.where(predicted == 1, UNSETTLED, predicted)
    cells = weigh_silence(make_uniform(predicted, true))

    assert cells.w[cells.true == 0] == pytest.approx(np.full(100, 2.0))
    assert cells.w[cells.true == 2] == pytest.approx(np.full(MIN_SELECTED - 1, 4.0))


def test_what_is_too_small_altogether_joins_the_largest_cell() -> None:
    predicted = np.repeat([0, 1], [100, 5])
    true = np.where(predicted == 1, UNSETTLED, predicted)
    cells = weigh_silence(make_uniform(predicted, true))

    assert cells.w[cells.true == 0] == pytest.approx(np.full(100, 2.0 * 105 / 100))


def test_the_silent_may_all_be_right_or_all_be_wrong() -> None:
    """Ten drawn at pi 0.5 of twenty: two errors, five right, three silent."""
    predicted = np.zeros(20, dtype=np.int64)
    true = np.array([1, 1, 0, 0, 0, 0, 0] + [UNSETTLED] * 13)
    cells = make_uniform(predicted, true, drawn=np.arange(20) < 10)
    estimate = estimate_accuracy(cells)

    assert (estimate.worst_low, estimate.worst_high) == pytest.approx((1 - 10 / 20, 1 - 4 / 20))
    assert estimate.response_rate == 0.7


def test_images_that_nobody_can_judge_leave_the_domain_with_their_weight() -> None:
    """Sampled: 400 arrived, 20 of the drawn not judgeable at weight 2; certainty: one of ten, exactly."""
    predicted, at = np.zeros(410, dtype=np.int64), np.arange(410)
    true = np.select([at < 20, at < 60, at < 200, at < 400, at < 401], [NOT_JUDGEABLE, 1, 0, UNSETTLED, NOT_JUDGEABLE])
    sure = at >= 400
    items = {
        "predicted": predicted, "true": true, "pi": np.where(sure, 1.0, 0.5), "floor_pi": np.full(410, 0.4),
        "is_certainty": sure, "is_drawn": (at < 200) | sure,
    }  # fmt: skip
    estimate = estimate_accuracy(cells_of_items(**items))
    all_judgeable = estimate_accuracy(cells_of_items(**items | {"true": np.where(true == NOT_JUDGEABLE, 0, true)}))

    domain = 400 - 20 * 2 + 9
    assert estimate.value == pytest.approx(1 - 40 * 2 / domain)
    assert (estimate.n, estimate.n_arrived, estimate.response_rate) == (189, 389, 1.0)
    assert not estimate.provisional
    assert estimate.n_eff is not None
    assert all_judgeable.n_eff is not None
    assert estimate.value is not None
    error = 1 - estimate.value
    assert error * (1 - error) / estimate.n_eff == pytest.approx((40 * 2 + error**2 * 20 * 2) / domain**2)


def test_what_the_model_believes_of_itself_needs_no_verdict() -> None:
    predicted, unsettled = np.zeros(10, dtype=np.int64), np.full(10, UNSETTLED)
    cells = make_uniform(predicted, unsettled, drawn=np.zeros(10, dtype=bool))

    assert estimate_accuracy(cells).label_free is None
    believing = estimate_accuracy(replace(cells, g=np.full(10, 0.1)))
    assert believing.label_free == pytest.approx(0.9)
    assert (believing.value, believing.worst_low) == (None, None)


def test_an_empty_window_is_no_number() -> None:
    nothing = np.array([], dtype=np.int64)
    estimate = estimate_accuracy(make_uniform(nothing, nothing))

    assert (estimate.value, estimate.n, estimate.n_arrived, estimate.response_rate) == (None, 0, 0, None)
    assert (estimate.provisional, estimate.label_free) == (False, None)


def test_parts_that_no_model_spoke_of_are_left_out() -> None:
    predicted, true = np.repeat([0, -1], [50, 50]), np.repeat([0, 1], [50, 50])
    estimate = estimate_accuracy(make_uniform(predicted, true))

    assert (estimate.value, estimate.n, estimate.n_arrived) == (1, 50, 50)


def test_an_empty_bin_that_could_have_held_errors_widens_the_interval() -> None:
    """400 more that arrived with larger chances and of which chance drew none: they may hide errors too."""
    cells = make_uniform(np.zeros(200, dtype=np.int64), np.zeros(200, dtype=np.int64))
    more = make_uniform(np.zeros(400, dtype=np.int64), np.full(400, UNSETTLED), pi=0.8, drawn=np.zeros(400, dtype=bool))
    both = Cells(
        **{one.name: np.concatenate([getattr(cells, one.name), getattr(more, one.name)]) for one in fields(cells)}
    )
    low = estimate_accuracy(both).ci_low

    assert low is not None
    assert (1 - low) * 600 == pytest.approx(2.9957 / 0.75, rel=1e-4)  # all of the other bin was seen to be right


def make_uniform(predicted: Any, true: Any, *, pi: float = 0.5, drawn: Any | None = None) -> Cells:
    """Inspections of one bin of one design, all drawn unless said otherwise."""
    n = len(predicted)
    return cells_of_items(
        predicted=predicted,
        true=true,
        pi=np.full(n, pi),
        floor_pi=np.full(n, 0.5),
        is_certainty=np.zeros(n, dtype=bool),
        is_drawn=np.ones(n, dtype=bool) if drawn is None else drawn,
    )
