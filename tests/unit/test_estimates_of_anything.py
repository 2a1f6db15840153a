"""Whatever the cells hold, every figure is a figure: in order, within what is possible, or no number at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models_registry.estimation import Cells, cells_of_items, estimate_accuracy
from models_registry.estimation.cells import NOT_JUDGEABLE, UNSETTLED
from models_registry.estimation.confusion import confusion, expected_cost
from models_registry.estimation.counts import Measured
from models_registry.estimation.reliability import reliability
from models_registry.estimation.slices import slice_figures

quick = settings(max_examples=60, deadline=None)
N_CLASSES = 3
kinds = st.tuples(
    st.integers(-1, N_CLASSES - 1),  # predicted
    st.sampled_from([NOT_JUDGEABLE, UNSETTLED, 0, 1, 2]),
    st.sampled_from([0.04, 0.05, 0.3, 1.0]),
    st.booleans(),  # certainty
    st.booleans(),  # drawn
    st.sampled_from([0.0, 0.1, 0.9]),
    st.integers(1, 60),  # so many alike
)
windows = st.lists(kinds, max_size=12)


def make_cells(items: list[tuple[int, int, float, bool, bool, float, int]]) -> Cells:
    rows = np.array([kind[:6] for kind in items for _ in range(kind[6])], dtype=np.float64).reshape(-1, 6)
    sure = rows[:, 3] == 1
    return cells_of_items(
        predicted=rows[:, 0].astype(np.int64),
        true=rows[:, 1].astype(np.int64),
        pi=np.where(sure, 1.0, rows[:, 2]),
        floor_pi=np.full(len(rows), 0.04),
        is_certainty=sure,
        is_drawn=(rows[:, 4] == 1) | sure,
        g=rows[:, 5],
    )


def measured_in(figure: object) -> Iterator[Measured]:
    """Every `Measured` in a figure, however deep."""
    if isinstance(figure, Measured):
        yield figure
    elif isinstance(figure, tuple):
        for part in figure:
            yield from measured_in(part)
    elif is_dataclass(figure):
        for one in fields(figure):
            yield from measured_in(getattr(figure, one.name))


def assert_in_order(figure: Measured, *, most: float) -> None:
    numbers = (figure.value, figure.low, figure.high, figure.lower_bound, figure.upper_bound)
    known = [number for number in numbers if number is not None]
    assert len(known) in {0, 5}
    if known:
        value, low, high, least, utmost = known
        assert 0 <= low <= value <= high <= most
        assert 0 <= least <= value <= utmost <= most
        assert 0 <= figure.n_found <= figure.n or figure.method == "mover_gamma_mid_p"


@given(windows, st.lists(st.booleans(), min_size=N_CLASSES, max_size=N_CLASSES))
@quick
def test_rates_are_in_order(items: list[tuple[int, int, float, bool, bool, float, int]], bad: list[bool]) -> None:
    found = confusion(make_cells(items), is_defect=np.array(bad))

    for one in measured_in(found):
        assert_in_order(one, most=1e6 if one is found.missed_per_million else 1)


@given(windows, st.lists(st.floats(0, 100), min_size=9, max_size=9))
@quick
def test_costs_are_in_order(items: list[tuple[int, int, float, bool, bool, float, int]], prices: list[float]) -> None:
    for one in expected_cost(make_cells(items), np.array(prices).reshape(3, 3)):
        assert_in_order(one, most=np.inf)


@given(windows)
@quick
def test_accuracy_is_in_order(items: list[tuple[int, int, float, bool, bool, float, int]]) -> None:
    estimate = estimate_accuracy(make_cells(items))
    ends = (estimate.value, estimate.ci_low, estimate.ci_high, estimate.lower_bound, estimate.worst_low)
    known = [end for end in ends if end is not None]

    assert len(known) == (0 if estimate.n == 0 else 5)
    if known:
        value, low, high, bound, worst = known
        assert 0 <= low <= value <= high <= 1
        assert 0 <= bound <= value
        assert estimate.worst_high is not None
        assert 0 <= worst <= estimate.worst_high <= 1
    assert 0 <= estimate.n_found <= estimate.n <= estimate.n_arrived


@given(windows, st.booleans(), st.sampled_from([0.001, 0.05, 0.9]))
@quick
def test_slices_are_in_order(
    items: list[tuple[int, int, float, bool, bool, float, int]], with_window: bool, allowed: float
) -> None:
    cells = make_cells(items)
    own = cells.where(cells.true != UNSETTLED) if with_window else cells
    found = slice_figures(own, allowed=allowed, window=cells if with_window else None)

    assert_in_order(found.accuracy, most=1)
    assert (found.evidence is None) == (found.accuracy.value is None)
    assert found.evidence is None or (np.isfinite(found.evidence) and found.evidence >= 0)


@given(st.lists(windows, max_size=4))
@quick
def test_reliability_is_in_order(items: list[list[tuple[int, int, float, bool, bool, float, int]]]) -> None:
    found = reliability([make_cells(one) for one in items])

    for one in found.bins:
        assert_in_order(one.right, most=1)
        assert one.said is None or 0 <= one.said <= 1 + 1e-9
    if found.ece is not None:
        assert found.ece_low is not None
        assert found.ece_high is not None
        assert 0 <= found.ece_low <= found.ece <= found.ece_high
