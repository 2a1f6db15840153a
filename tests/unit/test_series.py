"""Numbers that a trainer tells: few enough to keep, and nothing of what is none."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from models_registry.run_curves import lines_of, ticks_between
from models_registry.training.series import MOST_NAMES, MOST_POINTS, Points, add_report


def told(*reports: dict[str, Any]) -> Points:
    points: Points = {}
    for one in reports:
        add_report(points, one)
    return points


def test_each_name_has_its_values_by_the_number_of_the_report() -> None:
    assert told({"loss": 0.9}, {"loss": 0.5, "accuracy": 1}) == {"loss": [[1, 0.9], [2, 0.5]], "accuracy": [[2, 1.0]]}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("loss", math.nan), ("loss", -math.inf), ("loss", 10**400), ("loss", True), ("loss", "0.3"), ("loss", None),
        ("loss", [0.3]), ("", 0.3), ("  ", 0.3), ("a\0b", 0.3), ("\ud800", 0.3), ("x" * 41, 0.3),
    ],
)  # fmt: skip
def test_what_is_no_number_or_has_no_name_is_passed_over(name: str, value: Any) -> None:
    assert told({name: value}) == {}
    assert told({name: value, "fine": 1}) == {"fine": [[1, 1.0]]}


def test_the_first_eight_names_stay() -> None:
    points = told({f"m{number}": 1 for number in range(12)}, {"late": 1})
    assert list(points) == [f"m{number}" for number in range(MOST_NAMES)]


def test_a_long_training_keeps_its_first_and_its_newest_point_and_stays_small() -> None:
    points: Points = {}
    for number in range(20_000):
        add_report(points, {"loss": 1 / (1 + number)})
        assert len(points["loss"]) <= MOST_POINTS
        assert points["loss"][-1][0] == number + 1
    assert points["loss"][0] == [1, 1.0]
    numbers = [number for number, _value in points["loss"]]
    assert numbers == sorted(set(numbers))
    assert len(json.dumps(points)) < 30_000


@pytest.mark.parametrize(
    ("low", "high", "ticks", "places"),
    [
        (0.0, 1.0, [0.0, 0.5, 1.0], 1),
        (0.13, 0.52, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 1),
        (-3.0, 12.0, [-5.0, 0.0, 5.0, 10.0, 15.0], 0),
        (0.9012, 0.9038, [0.901, 0.902, 0.903, 0.904], 3),
    ],
)
def test_the_lines_of_a_grid_are_round_numbers(low: float, high: float, ticks: list[float], places: int) -> None:
    assert ticks_between(low, high) == (ticks, places)


@pytest.mark.parametrize("values", [[0.0, 0.0], [5, 5, 5], [-1e100, 1e100], [1e-90, 2e-90], [3.0, 1.0]])
def test_a_line_lies_within_its_picture_whatever_the_numbers(values: list[float]) -> None:
    (line,) = lines_of(told(*({"loss": value} for value in values)))
    pairs = [tuple(map(float, pair.split(","))) for pair in line.path[1:].split(" ")]
    assert len(pairs) == len(values)
    assert all(52 <= x <= 306 and 12 <= y <= 150 for x, y in pairs)
    assert 2 <= len({tick.place for tick in line.up}) <= 7


def test_a_number_told_once_is_no_line() -> None:
    assert lines_of(told({"loss": 1})) == []
