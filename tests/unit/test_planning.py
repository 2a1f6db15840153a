"""The planner, held against streams that are drawn, estimated and watched by the estimators and monitors themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models_registry.estimation import estimate_accuracy
from models_registry.estimation.cells import Cells, cells_of_items
from models_registry.estimation.eprocess import feed, watch_harm
from models_registry.estimation.intervals import wilson
from models_registry.planning import (
    Part,
    Stream,
    bound_without_error,
    detection,
    expected_interval,
    reviews_for_fall,
    reviews_for_half_width,
    reviews_to_show,
    smallest_fall,
    stream_of_cells,
    time_to_alarm,
)
from models_registry.planning.detection import growth

PARTS = (Part(0.9, 0.3, 0.002), Part(0.08, 4, 0.05), Part(0.02, 20, 0.2))
STREAM = Stream(per_day=5000, parts=PARTS, audit_share=0.8, budget=0.02)
UNIFORM = Stream(per_day=1000, parts=(Part(1, 1, 0.1),), audit_share=1, budget=0.1)


def drawn(stream: Stream, days: float, rng: Any) -> Cells:
    """What arrives in so many days, drawn and judged."""
    n = int(stream.per_day * days)
    part = rng.choice(len(stream.parts), p=stream.share, size=n)
    pi, rates = stream.pi()[part], np.array([one.error_rate for one in stream.parts])[part]
    is_drawn, is_error = rng.random(n) < pi, rng.random(n) < rates
    return cells_of_items(
        predicted=np.zeros(n, dtype=np.int64),
        true=np.where(is_drawn, is_error.astype(np.int64), -1),
        pi=pi,
        floor_pi=np.full(n, stream.floor_pi),
        is_certainty=stream.is_certainty[part],
        is_drawn=is_drawn,
        g=rates,
    )


@pytest.mark.parametrize(
    ("stream", "days"),
    [
        (STREAM, 7),
        (replace(STREAM, audit_share=0.5), 7),
        (replace(STREAM, budget=0.2), 2),
        (replace(STREAM, parts=(Part(0.1, 0, 0.04, is_certainty=True), Part(0.9, 1, 0.01))), 7),
        (UNIFORM, 7),
    ],
    ids=["default", "more doubt", "many reviews", "certainty", "uniform"],
)
def test_the_interval_that_is_planned_is_the_one_that_comes(stream: Stream, days: float) -> None:
    rng = np.random.default_rng(8)
    planned = expected_interval(stream, days=days)
    arms, reviews = [], []
    for _ in range(30):
        estimate = estimate_accuracy(drawn(stream, days, rng))
        assert estimate.value is not None
        assert estimate.ci_low is not None
        assert estimate.ci_high is not None
        arms.append(max(estimate.value - estimate.ci_low, estimate.ci_high - estimate.value))
        reviews.append(estimate.n)
    # where many errors are found the estimate leans on the model's guess, and its interval is the shorter
    assert np.mean(arms) == pytest.approx(planned.half_width, rel=0.15) or np.mean(arms) < planned.half_width
    assert np.mean(arms) > 0.5 * planned.half_width
    assert np.mean(reviews) / days == pytest.approx(planned.reviews_per_day, rel=0.05)


def test_a_uniform_sample_has_about_wilsons_width() -> None:
    planned = expected_interval(replace(UNIFORM, budget=0.02), days=50)  # 1,000 reviews, 100 errors
    expected = wilson(count=100, n=1000)
    assert [planned.low, planned.high] == pytest.approx([expected.low, expected.high], abs=0.004)


def test_no_error_expected_leaves_the_rule_of_three() -> None:
    clean = replace(UNIFORM, parts=(Part(1, 1, 0.0),))
    assert expected_interval(clean, days=30).high == pytest.approx(3.0 / 3000, rel=0.01)  # 100 a day
    assert bound_without_error(clean, days=30) == pytest.approx(3.0 / 3000, rel=0.01)
    three_hundred = replace(clean, per_day=300, budget=1.0)
    assert bound_without_error(three_hundred, days=1) == pytest.approx(0.01, rel=0.01)


def test_ten_ppm_takes_three_hundred_thousand_reviews() -> None:
    assert reviews_to_show(10e-6) == pytest.approx(299_573, rel=1e-4)


def test_audits_alone_count_where_no_error_was_found() -> None:
    """Doubtful parts are looked at more often; what is confident and wrong hides in the rest."""
    assert bound_without_error(STREAM, days=10) == pytest.approx(3.0 / (5000 * 10 * 0.8 * 0.02), rel=0.01)


def test_a_narrower_interval_needs_more_reviews_and_no_more_than_it_needs() -> None:
    plans = [reviews_for_half_width(STREAM, half_width=h, days=28) for h in (0.02, 0.01, 0.005)]
    assert [plan is not None for plan in plans] == [True] * 3
    arms = [plan.half_width for plan in plans if plan]
    assert [h * 0.97 <= arm <= h for arm, h in zip(arms, (0.02, 0.01, 0.005), strict=True)] == [True] * 3
    reviews = [plan.reviews_per_day for plan in plans if plan]
    assert reviews == sorted(reviews)


def test_what_is_all_reviewed_is_known_and_what_is_drawn_never_is() -> None:
    assert reviews_for_half_width(UNIFORM, half_width=1e-9, days=28) is not None
    assert reviews_for_half_width(STREAM, half_width=1e-9, days=28) is None


@pytest.mark.parametrize(
    ("stream", "p0", "falls_to"),
    [
        (replace(STREAM, per_day=20_000, budget=0.05), 0.01, 0.97),
        (replace(STREAM, per_day=20_000, budget=0.05, audit_share=0.5), 0.01, 0.97),
        (replace(STREAM, parts=(Part(0.2, 0, 0.02, is_certainty=True), Part(0.8, 1, 0.01))), 0.02, 0.94),
        (UNIFORM, 0.1, 0.75),
    ],
    ids=["default", "more doubt", "certainty", "uniform"],
)
def test_the_alarm_rings_when_the_plan_says(stream: Stream, p0: float, falls_to: float) -> None:
    """Against the monitor itself, fed inspection by inspection."""
    rng = np.random.default_rng(4)
    planned = time_to_alarm(stream, falls_to=falls_to, p0=p0)
    fallen = stream.with_error_rate(1 - falls_to)
    hours = [first_alarm(fallen, p0, rng) * 24 / stream.per_day for _ in range(150)]
    assert planned.typical_hours == pytest.approx(np.quantile(hours, 0.5), rel=0.25)
    assert planned.sure_hours == pytest.approx(np.quantile(hours, 0.8), rel=0.25)


def first_alarm(stream: Stream, p0: float, rng: Any) -> int:
    """After how many inspections the monitor rings."""
    process, rates = watch_harm(p0=p0, floor_pi=stream.floor_pi), np.array([part.error_rate for part in stream.parts])
    n, last = 0, -1
    while True:
        part = rng.choice(len(rates), p=stream.share, size=2000)
        pi = stream.pi()[part]
        for place in np.flatnonzero((rng.random(2000) < pi) & (rng.random(2000) < rates[part])):
            process = feed(process, n_zeros_before=int(n + place - last - 1), phi=1 / pi[place])
            last = n + int(place)
            if process.evidence >= 20:
                return last + 1
        n += 2000


def test_the_mean_wait_is_that_of_the_expected_growth_when_many_errors_are_needed() -> None:
    """log(20) over the growth of the best of 16 bets, where luck evens out: a fall that is small and much reviewed."""
    stream = replace(UNIFORM, budget=0.5, parts=(Part(1, 1, 0.2),))
    planned = time_to_alarm(stream, falls_to=0.77, p0=0.2)
    expected = 24 * np.log(20) / growth(stream, falls_to=0.77, p0=0.2) / stream.per_day
    assert planned.typical_hours == pytest.approx(1.2 * expected, rel=0.01)
    assert planned.sure_hours == pytest.approx(2.25 * expected, rel=0.01)


def test_playing_through_and_the_growth_agree_where_one_takes_over_from_the_other() -> None:
    stream = replace(UNIFORM, budget=0.5, parts=(Part(1, 1, 0.2),))
    n = np.log(20) / growth(stream, falls_to=0.74, p0=0.2)
    waits = np.sort(detection._inspections(stream.with_error_rate(0.26), 0.2))
    assert waits[len(waits) // 2] == pytest.approx(detection.TYPICAL_OF_GROWTH * n, rel=0.2)
    assert waits[int(0.8 * len(waits))] == pytest.approx(detection.SURE_OF_GROWTH * n, rel=0.2)


def test_reviews_for_a_fall_find_it_in_time_and_a_tenth_less_would_not() -> None:
    stream = replace(STREAM, per_day=20_000)
    plan = reviews_for_fall(stream, falls_to=0.97, p0=0.01, within_hours=8)
    assert plan is not None
    assert plan.sure_hours is not None
    assert 7 <= plan.sure_hours <= 8
    less = time_to_alarm(stream.at(plan.budget * 0.9), falls_to=0.97, p0=0.01)
    assert less.sure_hours is not None
    assert less.sure_hours > 8


def test_a_fall_that_too_few_parts_pass_to_show_cannot_be_found_however_many_are_reviewed() -> None:
    assert reviews_for_fall(replace(STREAM, per_day=50), falls_to=0.97, p0=0.01, within_hours=2) is None


def test_the_smallest_fall_is_found_in_time_and_a_smaller_one_is_not() -> None:
    stream = replace(STREAM, per_day=20_000, budget=0.05)
    lowest = smallest_fall(stream, p0=0.01, within_hours=24)
    assert lowest is not None
    assert time_to_alarm(stream, falls_to=lowest, p0=0.01).sure_hours == pytest.approx(24, rel=0.1)
    assert smallest_fall(replace(stream, per_day=3), p0=0.01, within_hours=1) is None
    day, week = smallest_fall(stream, p0=0.01, within_hours=24), smallest_fall(stream, p0=0.01, within_hours=168)
    assert day is not None
    assert week is not None
    assert day < week < 0.99


def test_the_same_question_has_the_same_answer() -> None:
    asked = {"falls_to": 0.95, "p0": 0.02}
    assert time_to_alarm(STREAM, **asked) == time_to_alarm(STREAM, **asked)


def test_more_errors_come_evenly_and_fewer_are_fewer_everywhere() -> None:
    worse, better = STREAM.with_error_rate(0.1), STREAM.with_error_rate(STREAM.error_rate / 2)
    assert [worse.error_rate, better.error_rate] == pytest.approx([0.1, STREAM.error_rate / 2])
    assert [part.error_rate / old.error_rate for part, old in zip(better.parts, PARTS, strict=True)] == [0.5] * 3
    risen = [part.error_rate - old.error_rate for part, old in zip(worse.parts, PARTS, strict=True)]
    assert max(risen) < 1.3 * min(risen)


@pytest.mark.parametrize("audit_share", [0.5, 0.8])
def test_a_stream_is_found_again_in_its_cells(audit_share: float) -> None:
    stream = replace(STREAM, parts=(*PARTS[:2], Part(0.02, 0, 0.3, is_certainty=True)), audit_share=audit_share)
    stream = replace(stream, budget=0.1)
    seen = stream_of_cells(drawn(stream, 20, np.random.default_rng(2)), n_days=20, audit_share=audit_share, budget=0.1)
    assert seen is not None
    assert seen.per_day == pytest.approx(5000)
    assert seen.error_rate == pytest.approx(stream.error_rate, rel=0.2)
    assert seen.reviews_per_day == pytest.approx(stream.reviews_per_day, rel=0.05)
    assert expected_interval(seen, days=7).half_width == pytest.approx(
        expected_interval(stream, days=7).half_width, rel=0.2
    )


def test_before_errors_are_found_half_of_them_is_expected_where_the_model_doubts() -> None:
    cells = drawn(replace(STREAM, budget=0.001), 3, np.random.default_rng(2))
    seen = stream_of_cells(cells, n_days=3, audit_share=0.8, budget=0.001)
    assert seen is not None
    rates = [part.error_rate for part in seen.parts]
    assert rates == sorted(rates)
    assert rates[0] == pytest.approx((0.002 + STREAM.error_rate) / 2, rel=0.3)


def test_nothing_arrived_is_no_stream() -> None:
    empty = cells_of_items(
        predicted=np.zeros(0, dtype=np.int64), true=np.zeros(0, dtype=np.int64), pi=np.zeros(0), floor_pi=np.zeros(0),
        is_certainty=np.zeros(0, dtype=bool), is_drawn=np.zeros(0, dtype=bool),
    )  # fmt: skip
    assert stream_of_cells(empty, n_days=28, audit_share=0.8, budget=0.05) is None


@pytest.mark.parametrize(
    "change",
    [
        {"per_day": 0}, {"per_day": float("nan")}, {"budget": 0}, {"budget": 1.1}, {"audit_share": 0}, {"parts": ()},
        {"parts": (Part(0.5, 1, 0.1),)}, {"parts": (Part(1, 1, 1.1),)}, {"parts": (Part(1, -1, 0.1),)},
    ],
)  # fmt: skip
def test_what_no_stream_can_be_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"stream|share"):
        replace(STREAM, **change)


def test_questions_without_an_answer_are_refused() -> None:
    with pytest.raises(ValueError, match="has a width"):
        reviews_for_half_width(STREAM, half_width=0, days=28)
    with pytest.raises(ValueError, match="is none where"):
        time_to_alarm(STREAM, falls_to=0.99, p0=0.02)
    with pytest.raises(ValueError, match="takes time"):
        reviews_for_fall(STREAM, falls_to=0.9, p0=0.02, within_hours=0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        smallest_fall(STREAM, p0=0, within_hours=8)
    with pytest.raises(ValueError, match="between 0 and 1"):
        reviews_to_show(0)
