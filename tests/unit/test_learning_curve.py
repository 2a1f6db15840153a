"""A learning curve says what labels bring only where its points can tell."""

from typing import Any

import numpy as np
import pytest

from models_registry.learning_chart import learning_chart
from models_registry.learning_curve import CurvePoint, fit_curve, labels_for_one_more_point, points_of
from models_registry.training.curve import nested_points
from tests.unit.test_trainer import make_rows


def points(*pairs: tuple[int, float], n: int = 2000) -> list[CurvePoint]:
    return [CurvePoint(n_labels, accuracy, n) for n_labels, accuracy in pairs]


POWER = points(*((n, 1 - 2 * n**-0.5) for n in (100, 200, 400, 800)))


def test_a_power_law_is_found_again_and_tells_the_next_point() -> None:
    fit = fit_curve(POWER)
    assert fit is not None
    assert fit.slope == pytest.approx(0.5, abs=0.01)
    assert fit.low < 0.5 < fit.high
    more = labels_for_one_more_point(fit, n_labels=800)
    assert more is not None
    error = 2 * 800**-0.5
    assert more.n == pytest.approx((2 / (error - 0.01)) ** 2 - 800, rel=0.05)
    assert more.low < more.n
    assert more.high is None or more.high > more.n


@pytest.mark.parametrize(
    "known",
    [
        [],
        points((100, 0.8), (400, 0.9)),
        points((100, 0.8), (110, 0.81), (120, 0.82)),
        points((100, 0.8), (100, 0.81), (400, 0.82)),
        points((100, 0.8), (200, 0.9), (0, 0.5)),
    ],
)
def test_too_few_or_too_near_points_have_no_curve(known: list[CurvePoint]) -> None:
    assert fit_curve(known) is None
    assert labels_for_one_more_point(fit_curve(known), n_labels=100) is None


def test_what_cannot_be_told_is_not_told() -> None:
    flat = fit_curve(points((100, 0.9), (200, 0.91), (400, 0.89), (800, 0.9), n=60))
    assert labels_for_one_more_point(flat, n_labels=800) is None
    faultless = fit_curve(points((100, 0.99), (200, 0.995), (400, 1.0), n=5000))
    assert faultless is not None
    assert labels_for_one_more_point(faultless, n_labels=400) is None
    slow = fit_curve(points(*((n, 1 - 0.04 * n**-0.02) for n in (100, 1000, 10_000)), n=10**7))
    assert labels_for_one_more_point(slow, n_labels=10_000) is None


def test_the_interval_covers_the_slope_as_often_as_it_says() -> None:
    rng, hits = np.random.default_rng(1), 0
    for _ in range(300):
        drawn = [CurvePoint(n, 1 - rng.binomial(300, n**-0.3) / 300, 300) for n in (50, 100, 200, 400)]
        fit = fit_curve(drawn)
        hits += fit is not None and fit.low <= 0.3 <= fit.high
    assert hits / 300 > 0.93


def test_points_that_a_version_carries_along_are_read_and_nonsense_is_passed_over() -> None:
    kept = [{"n_labels": 10, "accuracy": 0.5, "n": 20}, {"n_labels": 10}, 7]
    assert points_of(kept) == [CurvePoint(10, 0.5, 20)]
    assert points_of(None) == points_of({}) == []


def test_the_picture_has_a_dot_for_each_point_and_a_line_for_the_curve_alone() -> None:
    chart, bare = learning_chart(POWER, fit_curve(POWER)), learning_chart(POWER[:2], None)
    assert chart is not None
    assert bare is not None
    assert (len(chart.dots), bool(chart.line), bool(chart.ahead)) == (4, True, True)
    assert (len(bare.dots), bare.line, bare.ahead) == (2, "", "")
    heights = [float(dot.y) for dot in chart.dots]
    assert heights == sorted(heights, reverse=True)
    assert learning_chart(POWER[:1], None) is None


def test_nested_parts_learn_less_from_less() -> None:
    counts = {"ok": 80, "dent": 80}
    features, labels = make_rows(counts, apart=1.5)
    held_out, truth = make_rows(counts, apart=1.5, seed=4)
    groups = [f"part {number // 2}" for number in range(160)]
    judged: dict[str, Any] = {"held_out": held_out, "truth": truth, "pi": np.ones(160)}
    found = nested_points(features, labels, groups, **judged, estimator="logistic regression, C 0.1", seed=1)
    assert [one.n_labels for one in found] == pytest.approx([20, 40, 80], abs=4)
    assert found[0].accuracy < found[-1].accuracy
    few: dict[str, Any] = {"held_out": held_out[:5], "truth": truth[:5], "pi": np.ones(5)}
    assert nested_points(features, labels, groups, **few, estimator="support vectors", seed=1) == []
