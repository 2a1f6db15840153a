"""The pictures' geometry: what is drawn says what was measured, and nothing more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from labeling.charts import (
    BOTTOM,
    LABEL_GAP,
    MAX_POINTS,
    RIGHT,
    TOP,
    AccuracyPoint,
    MatrixLabel,
    accuracy_chart,
    confusion_matrix,
)
from models_registry.charts import accuracy_range, accuracy_scale, gain_range, gain_scale

START = datetime(2026, 11, 1, tzinfo=UTC)
LABELS = [MatrixLabel("ok", "OK", False), MatrixLabel("dent", "Dent", True), MatrixLabel("hole", "Hole", True)]


def point(day: float, value: float | None = 0.94, *, version: str = "v1", **fields: Any) -> AccuracyPoint:
    numbers: dict[str, Any] = (
        {"low": value - 0.02, "high": value + 0.02, "naive": value - 0.05} if value is not None else {}
    )
    return AccuracyPoint(START + timedelta(days=day), version, value=value, **{"n": 200, **numbers, **fields})


def test_no_estimate_gives_no_chart() -> None:
    assert accuracy_chart([]) is None


def test_everything_drawn_lies_inside_the_frame() -> None:
    chart = accuracy_chart([point(day, 0.9 + day / 400) for day in range(12)], target=0.96)

    assert chart is not None
    coordinates = [pair.split(",") for pair in chart.lines[0].strip("M").split()]
    assert all(44 <= float(x) <= RIGHT and TOP <= float(y) <= BOTTOM for x, y in coordinates)
    assert [tick.value for tick in chart.ticks] == sorted(tick.value for tick in chart.ticks)


def test_a_line_is_not_drawn_across_a_promotion() -> None:
    chart = accuracy_chart([*(point(d) for d in range(5)), *(point(d, version="v2") for d in range(5, 9))])

    assert chart is not None
    assert len(chart.lines) == len(chart.bands) == 2
    assert [mark.name for mark in chart.marks] == ["v1", "v2"]


def test_a_single_estimate_is_a_dot_with_its_interval_not_a_trend() -> None:
    chart = accuracy_chart([point(0)])

    assert chart is not None
    assert (chart.lines, chart.bands) == ((), ())
    assert len(chart.dots) == len(chart.whiskers) == 1


def test_a_bound_is_a_bracket_and_no_part_of_the_line() -> None:
    chart = accuracy_chart([point(0, None, bound=0.8, n=12), point(1, None, bound=0.85, n=20)])

    assert chart is not None
    assert len(chart.bounds) == 2
    assert (chart.lines, chart.dots) == ((), ())


def test_words_at_the_edge_never_lie_on_each_other() -> None:
    chart = accuracy_chart([point(0, 0.94, naive=0.94), point(1, 0.94, naive=0.94)], target=0.94)

    assert chart is not None
    assert chart.last is not None
    assert chart.target is not None
    assert chart.naive_last is not None
    heights = sorted(float(spot.text_y) for spot in (chart.last, chart.target, chart.naive_last))
    assert all(b - a >= LABEL_GAP for a, b in pairwise(heights))


def test_thousands_of_estimates_are_thinned_and_the_newest_stays() -> None:
    points = [point(number / 100) for number in range(5000)]
    chart = accuracy_chart(points)

    assert chart is not None
    assert len(chart.points) <= MAX_POINTS + 1
    assert chart.points[-1] == points[-1]


def test_marks_that_would_overlap_give_way_to_the_later_one() -> None:
    chart = accuracy_chart([point(0), point(10, version="v2"), point(10.1, version="v3"), point(20, version="v3")])

    assert chart is not None
    assert [mark.name for mark in chart.marks] == ["v1", "v3"]


def test_the_matrix_shows_shares_by_weight_and_counts_as_reviewed() -> None:
    columns, rows = confusion_matrix([["ok", "ok", 90.0, 9], ["ok", "dent", 10.0, 6], ["dent", "ok", 5.0, 5]], LABELS)

    assert [column.slug for column in columns] == ["ok", "dent"]
    assert [(cell.share, cell.n, cell.kind) for cell in rows[0].cells] == [(0.9, 9, "hit"), (0.1, 6, "plain")]
    assert [(cell.share, cell.n, cell.kind) for cell in rows[1].cells] == [(1.0, 5, "warn"), (0.0, 0, "nil")]


def test_the_matrix_keeps_a_label_that_the_set_no_longer_has() -> None:
    columns, _ = confusion_matrix([["ok", "burr", 1.0, 1]], LABELS)

    assert [column.slug for column in columns] == ["ok", "burr"]


def test_an_interval_below_the_target_misses_it_and_one_that_holds_it_does_not() -> None:
    scale = accuracy_scale([0.9])

    assert accuracy_range(scale, value=0.93, low=0.91, high=0.95, target=0.96).misses_target
    assert not accuracy_range(scale, value=0.95, low=0.93, high=0.97, target=0.96).misses_target


def test_a_bound_draws_no_point() -> None:
    drawn = accuracy_range(accuracy_scale([0.9]), value=0.98, low=0.9, high=1.0, bound=0.93)

    assert (drawn.point, drawn.ci_left) == ("", "")
    assert drawn.bound


@pytest.mark.parametrize(("lowest", "low"), [(None, 0.88), (0.97, 0.9), (0.91, 0.9), (0.31, 0.3), (0.02, 0.0)])
def test_a_list_has_one_scale_that_holds_its_lowest_number(lowest: float | None, low: float) -> None:
    assert accuracy_scale([lowest]).low == pytest.approx(low)


def test_no_change_is_in_the_middle_of_the_gain_scale() -> None:
    scale = gain_scale([-0.051, 0.003])
    drawn = gain_range(scale, gain=-0.024, low=-0.051, high=0.003, limit=-0.02)

    assert drawn.zero == "150.0"
    assert drawn.misses_target
    assert float(drawn.ci_left) > 0
