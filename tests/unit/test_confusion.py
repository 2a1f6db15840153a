"""The confusion matrix over all that arrived, and the rates and costs made of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from models_registry.estimation.cells import NOT_JUDGEABLE, UNSETTLED
from models_registry.estimation.confusion import Confusion, confusion, expected_cost
from models_registry.estimation.counts import Measured
from models_registry.estimation.intervals import gamma_limits
from tests.unit.streams import drawn_cells, three_classes, whole

DEFECTS = np.array([False, True, True])
TRUE = np.array([0] * 90 + [1] * 8 + [2] * 4)
SAID = np.array([0] * 85 + [1] * 5 + [1] * 5 + [0] * 2 + [2] + [2] * 3 + [0])


def value(figure: Measured) -> float:
    assert figure.value is not None
    return figure.value


def ends(figure: Measured) -> tuple[float, float]:
    assert figure.low is not None
    assert figure.high is not None
    return figure.low, figure.high


def figures(of: Confusion) -> dict[str, Measured]:
    """All that stand alone, by name."""
    named = {name: one for name, one in ((name, getattr(of, name)) for name in asdict(of)) if isinstance(one, Measured)}
    return named | {f"{name} {k}": getattr(rates, name) for k, rates in enumerate(of.classes) for name in asdict(rates)}


def test_a_whole_reviewed_is_counted_exactly() -> None:
    """90 good, of which 5 are called 1; 8 of class 1: 5 right, 2 passed, 1 called 2; 4 of class 2: 1 passed."""
    found = confusion(whole(TRUE, SAID), is_defect=DEFECTS)

    assert found.counts == ((85, 5, 0), (2, 5, 1), (1, 0, 3))
    assert [[value(cell) for cell in row] for row in found.of_all] == pytest.approx(np.array(found.counts) / 102)
    assert [value(cell) for cell in found.by_true[1]] == pytest.approx([2 / 8, 5 / 8, 1 / 8])
    exact = {
        "escape_rate": 3 / 12, "escape_rate_of_passed": 3 / 88, "overkill_rate": 5 / 90, "truly_good": 90 / 102,
        "missed_per_million": 1e6 * 3 / 102, "precision 1": 5 / 10, "recall 1": 5 / 8, "f1 1": 10 / 18,
        "precision 0": 85 / 88, "recall 2": 3 / 4, "f1 2": 6 / 8,
    }  # fmt: skip
    for name, share in exact.items():
        figure = figures(found)[name]
        assert (value(figure), *ends(figure)) == pytest.approx((share, share, share)), name
        assert (figure.method, figure.bound_only) == ("census", False), name
    assert [one.value for one in found.escaped] == [None, pytest.approx(2 / 3), pytest.approx(1 / 3)]


def test_columns_come_to_what_is_known_of_them() -> None:
    true, said, g = three_classes(1)
    drawn = np.random.default_rng(2).random(len(true)) < (pi := 0.05 + 0.5 * g)
    found = confusion(drawn_cells(true, said, pi=pi, drawn=drawn), is_defect=DEFECTS)

    for k in range(3):
        assert sum(value(row[k]) for row in found.of_all) == pytest.approx((said == k).mean())
        assert value(found.classes[k].precision) == pytest.approx(value(found.of_all[k][k]) / (said == k).mean())
    rows = [sum(value(cell) for cell in row) for row in found.by_true]
    assert rows == pytest.approx([1, 1, 1], abs=0.01)  # each cell has counts of its own for what is elsewhere


def test_where_every_predicted_defect_is_checked_the_escape_rate_is_its_escapes_transformed() -> None:
    """STATISTICS §2.2: the limits of FN go through FN/(FN + TP), and overkill has no doubt but that of the good."""
    true, said, _ = three_classes(5, 20_000)
    true, said = np.minimum(true, 1), np.minimum(said, 1)
    drawn = (np.random.default_rng(6).random(len(true)) < 0.05) | (said == 1)
    found = confusion(
        drawn_cells(true, said, pi=np.full(len(true), 0.05), drawn=drawn, sure=said == 1), is_defect=DEFECTS[:2]
    )
    caught = int(((true == 1) & (said == 1)).sum())

    missed = [end * len(true) / 1e6 for end in (value(found.missed_per_million), *ends(found.missed_per_million))]
    expected = [one / (one + caught) for one in missed]
    assert [value(found.escape_rate), *ends(found.escape_rate)] == pytest.approx(expected)
    assert value(found.classes[1].precision) == pytest.approx(caught / (said == 1).sum())
    assert found.classes[1].precision.method == "census"
    low, high = ends(found.overkill_rate)
    assert high - low < 0.03 * value(found.overkill_rate)  # all of it that remains: how many of the passed are good


def test_no_data_is_no_number() -> None:
    """Nothing of class 2 was called or found; nothing at all in an empty window."""
    found = confusion(whole([0] * 50, [0] * 50), is_defect=DEFECTS)
    nothing = confusion(whole([], []), is_defect=DEFECTS)

    assert (found.classes[2].precision.value, found.classes[2].recall.value, found.escape_rate.value) == (None,) * 3
    assert value(found.truly_good) == 1
    assert {one.value for one in (*figures(nothing).values(), *nothing.of_all[0], *nothing.escaped)} == {None}
    assert {one.method for one in figures(nothing).values()} == {"none"}
    per, altogether = expected_cost(whole([], []), np.ones((3, 3)))
    assert (per.value, altogether.value) == (None, None)


def test_no_escape_found_is_not_no_escape() -> None:
    """300 of 6,000 passed parts checked, none defective: at most about one in a hundred, and 1 % of them were."""
    at = np.arange(6000)
    cells = drawn_cells(np.zeros(6000), np.zeros(6000), pi=np.full(6000, 0.05), drawn=at < 300)
    found = confusion(cells, is_defect=DEFECTS)

    assert (value(found.escape_rate_of_passed), found.escape_rate_of_passed.bound_only) == (0, True)
    assert found.escape_rate_of_passed.upper_bound == pytest.approx(3 / 300, rel=0.1)
    assert ends(found.missed_per_million)[1] == pytest.approx(1e6 * 3 / 300, rel=0.1)


def test_silence_and_images_that_cannot_be_judged_leave_the_shares_alone() -> None:
    """A third silent and a third not judgeable in each pair, all drawn at 1/2."""
    true, said = np.tile(np.repeat(TRUE, 3), 4), np.tile(np.repeat(SAID, 3), 4)
    third = np.arange(len(true)) % 3
    cells = drawn_cells(
        np.select([third == 0, third == 1], [true, UNSETTLED], default=NOT_JUDGEABLE), said,
        pi=np.full(len(true), 0.5), drawn=np.ones(len(true), dtype=bool),
    )  # fmt: skip
    found, exact = confusion(cells, is_defect=DEFECTS), confusion(whole(TRUE, SAID), is_defect=DEFECTS)

    for name in ("escape_rate_of_passed", "overkill_rate", "precision 1", "precision 0", "truly_good"):
        assert value(figures(found)[name]) == pytest.approx(value(figures(exact)[name]), rel=0.05), name
        assert ends(figures(found)[name])[0] < ends(figures(found)[name])[1]


def test_many_classes_are_no_burden() -> None:
    rng = np.random.default_rng(0)
    true = rng.integers(0, 50, 5000)
    said = np.where(rng.random(5000) < 0.1, rng.integers(0, 50, 5000), true)
    found = confusion(whole(true, said), is_defect=np.arange(50) > 0)

    assert value(found.classes[7].recall) == pytest.approx((said[true == 7] == 7).mean())


def test_costs_are_counted_with_their_weights() -> None:
    """An escape of class 1 costs 10, an overkill 2, a scrapped part 1 whatever it is."""
    prices = np.array([[0.0, 2, 2], [10, 1, 1], [10, 1, 1]])
    per, altogether = expected_cost(whole(TRUE, SAID), prices)

    total = 5 * 2 + 3 * 10 + 9 * 1
    assert (value(altogether), *ends(altogether)) == pytest.approx((total, total, total))
    assert value(per) == pytest.approx(total / 102)
    without_model, _ = expected_cost(whole(TRUE, SAID), np.tile(np.array([[0.0], [10], [10]]), (1, 3)))
    assert value(without_model) == pytest.approx(12 * 10 / 102)


def test_costs_of_one_price_have_the_limits_of_counts() -> None:
    """5,000 passed parts, 500 checked at 1/10, 10 escapes at 7 euros: Garwood's mid-p limits times weight and price."""
    at = np.arange(5000)
    cells = drawn_cells(at < 10, np.zeros(5000), pi=np.full(5000, 0.1), drawn=at < 500)
    _, total = expected_cost(cells, np.array([[0.0, 0], [7, 0]]))
    limits = gamma_limits(y=10, v=10, m=1, mid_p=True)

    assert value(total) == pytest.approx(10 * 10 * 7)
    below, above = np.sqrt(0.9) * (10 - limits.low), np.sqrt(0.9) * (limits.high - 10)
    assert ends(total) == pytest.approx((70 * (10 - below), 70 * (10 + above)))


def test_a_price_next_to_nothing_costs_nothing() -> None:
    at = np.arange(5000)
    cells = drawn_cells(at < 10, np.zeros(5000), pi=np.full(5000, 0.1), drawn=at < 500)
    _, total = expected_cost(cells, np.array([[0.0, 0], [1e-192, 0]]))
    assert value(total) == 0


@pytest.mark.parametrize(
    "prices", [np.ones((2, 3)), -np.ones((3, 3)), np.full((3, 3), np.nan), np.full((3, 3), np.inf)]
)
def test_prices_that_are_none_are_refused(prices: Any) -> None:
    with pytest.raises(ValueError, match="prices are"):
        expected_cost(whole([0], [0]), prices)


def test_a_class_that_nobody_declared_is_refused() -> None:
    with pytest.raises(ValueError, match="not one of the 3"):
        confusion(whole([3], [0]), is_defect=DEFECTS)
