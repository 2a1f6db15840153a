"""The pictures' geometry: what is drawn says what was measured, and nothing more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from labeling.charts import (
    AccuracyPoint,
    AlertSpan,
    ConfidencePoint,
    EvidencePoint,
    MatrixLabel,
    Share,
    accuracy_chart,
    confusion_matrix,
    evidence_chart,
    pareto_chart,
    reliability_chart,
)
from labeling.charts.evidence import MOST_POINTS
from labeling.charts.frame import LABEL_GAP, time_format
from labeling.charts.over_time import BOTTOM, LEFT, MAX_POINTS, RIGHT, TOP
from labeling.charts.pareto import MOST_BARS, WIDTH
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


def test_an_alert_tints_its_stretch_and_an_open_one_reaches_the_edge() -> None:
    points = [point(day) for day in range(11)]
    past, now = AlertSpan(START + timedelta(days=2), START + timedelta(days=3)), AlertSpan(START + timedelta(days=6))
    chart = accuracy_chart(points, alerts=[past, now])

    assert chart is not None
    first, second = chart.zones
    assert float(first.left) + float(first.width) < float(second.left)
    assert float(second.left) + float(second.width) == pytest.approx(RIGHT)
    assert (first.name_x, second.name_x) != ("", "")


def test_alerts_outside_the_picture_are_left_out_and_words_do_not_overlap() -> None:
    points = [point(day) for day in range(11)]
    spans = [AlertSpan(START - timedelta(days=9), START - timedelta(days=8)), AlertSpan(START + timedelta(days=30))]
    spans += [AlertSpan(START + timedelta(days=5, hours=hour), START + timedelta(days=6)) for hour in range(3)]
    chart = accuracy_chart(points, alerts=spans)

    assert chart is not None
    assert len(chart.zones) == 3
    assert sum(zone.name_x != "" for zone in chart.zones) == 1
    assert all(float(zone.left) >= LEFT for zone in chart.zones)


def test_the_models_own_word_is_a_line_of_its_own() -> None:
    chart = accuracy_chart([point(0, label_free=0.99), point(1, label_free=0.985)])

    assert chart is not None
    assert chart.label_free.count(",") == 2
    assert chart.label_free_last is not None
    assert chart.label_free not in (chart.naive, *chart.lines)


def shares(*cells: tuple[str, str, float, int]) -> dict[tuple[str, str], Share]:
    return {(true, said): Share(value, value / 2, min(value * 1.5, 1), n) for true, said, value, n in cells}


def test_the_matrix_marks_hits_and_defects_passed_as_good() -> None:
    matrix = confusion_matrix(shares(("ok", "ok", 0.9, 90), ("ok", "dent", 0.1, 6), ("dent", "ok", 1.0, 50)), LABELS)

    assert [column.slug for column in matrix.columns] == ["ok", "dent"]
    assert [[cell.kind for cell in row.cells] for row in matrix.rows] == [["hit", "plain"], ["warn", "nil"]]
    assert [row.n for row in matrix.rows] == [96, 50]


def test_only_a_defect_that_is_surely_over_its_limit_is_framed() -> None:
    cells = shares(("dent", "ok", 0.2, 40), ("dent", "dent", 0.8, 60), ("ok", "ok", 1.0, 90))

    for over, kind in ((["dent"], "bad"), ([], "warn")):
        (_, dent) = confusion_matrix(cells, LABELS, over=over).rows
        assert dent.cells[0].kind == kind


def test_a_label_with_few_reviews_shows_no_share() -> None:
    matrix = confusion_matrix(shares(("ok", "ok", 1.0, 90), ("hole", "hole", 1.0, 12)), LABELS)

    assert [cell.kind for cell in matrix.rows[1].cells] == ["nil", "few"]
    assert matrix.has_few


def test_the_largest_escape_comes_first_and_nothing_leaves_the_picture() -> None:
    many = [(MatrixLabel(f"d{n}", f"Defect {n}", True), Share(n / 120, n / 150, n / 90, n)) for n in range(1, 16)]
    chart = pareto_chart(many)

    assert chart is not None
    assert [bar.label.slug for bar in chart.bars][:2] == ["d15", "d14"]
    assert (len(chart.bars), chart.n_left_out) == (MOST_BARS, 3)
    assert all(96 + float(bar.width) < WIDTH and float(bar.text_x) <= WIDTH - 80 for bar in chart.bars)
    assert pareto_chart([(LABELS[1], Share(0.0, 0.0, 0.1, 0))]) is None


def test_a_share_of_few_escapes_has_no_bar() -> None:
    chart = pareto_chart([(LABELS[1], Share(None, None, None, 2, bound_only=True))])

    assert chart is not None
    assert (chart.bars[0].width, chart.bars[0].whisker) == ("0.0", "")


def test_sureness_is_drawn_where_it_can_be_measured() -> None:
    right = [Share(0.5, 0.4, 0.6, 40), Share(0.9, 0.85, 0.95, 400), Share(None, None, None, 3, bound_only=True)]
    chart = reliability_chart([ConfidencePoint(c, one) for c, one in zip((0.6, 0.95, 0.2), right, strict=True)])

    assert chart is not None
    assert [dot.point.right.n for dot in chart.dots] == [40, 400]
    assert float(chart.dots[0].radius) < float(chart.dots[1].radius)
    assert float(chart.dots[0].y) > float(chart.dots[1].y)  # higher is more often right
    assert reliability_chart([ConfidencePoint(0.5, right[2])]) is None


def test_evidence_is_drawn_on_a_scale_of_its_powers() -> None:
    chart = evidence_chart([EvidencePoint(START + timedelta(hours=n), n, e) for n, e in enumerate((1, 5, 25, 125))])

    assert chart is not None
    heights = [float(pair.split(",")[1]) for pair in chart.path.strip("M").split()]
    steps = [a - b for a, b in pairwise(heights)]
    assert steps == pytest.approx([steps[0]] * 3, abs=0.2)
    assert float(chart.critical.y) < float(chart.alert.y) < float(chart.watch.y)
    assert evidence_chart([]) is None


def test_evidence_beyond_all_measure_stays_in_the_picture_and_its_peak_is_kept() -> None:
    values = [0.0, 1e-9, 3.0, *([2.0] * 3000), 1e40, *([7.0] * 3000)]
    chart = evidence_chart([EvidencePoint(START + timedelta(minutes=n), n, e) for n, e in enumerate(values)])

    assert chart is not None
    heights = [float(pair.split(",")[1]) for pair in chart.path.strip("M").split()]
    assert len(heights) <= MOST_POINTS
    assert min(heights) == pytest.approx(20.0)
    assert max(heights) <= 226
    assert chart.newest.evidence == 7.0


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


def test_the_words_at_the_edge_are_those_of_the_newest_that_was_measured() -> None:
    """A version that took over and is not measured yet has nothing to say there."""
    chart = accuracy_chart([point(0), point(1, 0.9), point(2, None, version="v2", n=0)])
    assert chart is not None
    assert chart.measured is not None
    assert (chart.measured.version, chart.measured.value) == ("v1", 0.9)


@pytest.mark.parametrize(("seconds", "format"), [(0, "H:i:s"), (3_599, "H:i:s"), (3_600, "j M, H:i"), (259_200, "j M")])
def test_moments_are_written_as_finely_as_they_lie_apart(seconds: float, format: str) -> None:
    assert time_format(seconds) == format
