"""Prices of errors as a matrix: truth first."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

from models_registry.costs import CURRENCIES, Costs, cost_matrix, cost_of_passing_all


class Label(NamedTuple):
    slug: str
    is_defect: bool


GOOD, FINE, SCRATCH, DENT = Label("ok", False), Label("fine", False), Label("scratch", True), Label("dent", True)
PRICES = Costs(escape=40, overkill=2, confusion=1)


def test_three_prices_fill_the_matrix_and_what_is_right_costs_nothing() -> None:
    expected = [
        [0, 0, 2, 2],
        [0, 0, 2, 2],
        [40, 40, 0, 1],
        [40, 40, 1, 0],
    ]
    assert cost_matrix([GOOD, FINE, SCRATCH, DENT], PRICES).tolist() == expected


def test_the_order_of_the_labels_is_the_callers() -> None:
    assert cost_matrix([DENT, GOOD], PRICES).tolist() == [[0, 40], [2, 0]]


def test_a_pair_may_have_a_price_of_its_own_also_where_the_model_is_right() -> None:
    prices = Costs(40, 2, 1, {("dent", "ok"): 500, ("scratch", "scratch"): 0.5, ("gone", "ok"): 7})
    matrix = cost_matrix([GOOD, SCRATCH, DENT], prices)
    assert matrix.tolist() == [[0, 2, 2], [40, 0.5, 1], [500, 1, 0]]


def test_without_an_inspection_every_defect_is_passed() -> None:
    prices = Costs(40, 2, 1, {("dent", "ok"): 500})
    labels = [SCRATCH, GOOD, DENT]
    per_class = cost_of_passing_all(labels, prices)
    assert per_class.tolist() == [40, 0, 500]
    share = np.array([0.02, 0.97, 0.01])  # of 100 parts 2 are scratched and 1 is dented
    assert float(share @ per_class) == pytest.approx(5.8)


def test_where_every_label_is_a_defect_every_part_would_escape() -> None:
    assert cost_of_passing_all([SCRATCH, DENT], PRICES).tolist() == [40, 40]


@pytest.mark.parametrize("price", [-0.01, float("nan"), float("inf"), 1e10])
@pytest.mark.parametrize("name", ["escape", "overkill", "confusion"])
def test_a_price_that_cannot_be_is_refused(name: str, price: float) -> None:
    with pytest.raises(ValueError, match="a price lies between"):
        replace(PRICES, **{name: price})  # type: ignore[arg-type]


def test_no_label_at_all_makes_an_empty_matrix() -> None:
    assert cost_matrix([], PRICES).shape == (0, 0)


def test_currencies_are_codes_of_three_letters() -> None:
    assert {len(code) for code in CURRENCIES} == {3}
    assert {"EUR", "USD", "JPY", "XXX"} < CURRENCIES
    assert "BTC" not in CURRENCIES
