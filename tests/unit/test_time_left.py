"""How long a run will still take: by the run before, and nothing where that would be a guess."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models_registry.time_left import StepSoFar, in_words, time_left

MINUTE = timedelta(minutes=1)
BEFORE = {"collect": MINUTE, "fit": 10 * MINUTE, "compare": 2 * MINUTE}


def under_way(
    *, done: bool = True, progress: float = 0.0, elapsed: timedelta | None = MINUTE, last: str = "compare"
) -> list[StepSoFar]:
    return [
        StepSoFar("collect", done, 1.0 if done else 0.0, MINUTE if done else None),
        StepSoFar("fit", False, progress, elapsed),
        StepSoFar(last, False, 0.0, None),
    ]


def test_what_is_left_is_what_the_steps_took_before() -> None:
    assert time_left(under_way(), BEFORE, growth=1.0) == 11 * MINUTE  # one minute of ten is over, and two to come
    assert time_left(under_way(elapsed=4 * MINUTE), BEFORE, growth=1.0) == 8 * MINUTE


def test_more_images_take_longer() -> None:
    assert time_left(under_way(), BEFORE, growth=2.0) == 23 * MINUTE


def test_a_step_that_says_how_far_it_is_is_believed() -> None:
    assert time_left(under_way(progress=0.5, elapsed=30 * MINUTE), BEFORE, growth=1.0) == 7 * MINUTE


@pytest.mark.parametrize(
    ("steps", "growth"),
    [
        (under_way(last="register"), 1.0),  # the run before had no such step
        (under_way(elapsed=11 * MINUTE), 1.0),  # longer than before, and it does not say how far it is
        (under_way(done=False, elapsed=None), 1.0),  # it waits for a worker: who knows how long
        (under_way(), 0.0),
    ],
)
def test_nothing_is_said_where_it_would_be_a_guess(steps: list[StepSoFar], growth: float) -> None:
    assert time_left(steps, BEFORE, growth=growth) is None


@pytest.mark.parametrize(("seconds", "minutes"), [(20, None), (45, 1), (170, 3), (1180, 20), (1350, 20), (1400, 25)])
def test_it_is_said_in_whole_minutes(seconds: int, minutes: int | None) -> None:
    assert in_words(timedelta(seconds=seconds)) == (None if minutes is None else minutes * MINUTE)
