"""The detector of a sudden rise."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_registry.estimation.change import ChangeDetector, feed_change, handled, watch_change
from models_registry.estimation.eprocess import feed, watch_harm


def test_each_capital_begins_again_at_one_before_every_inspection_that_finds_it_below() -> None:
    detector = ChangeDetector(0.1, (2.0,), (0.0,))
    detector = feed_change(detector, n_zeros_before=1, phi=4.0)
    assert np.exp(detector.log_capitals) == pytest.approx([1 + 2 * 3.9])  # the zero cost .8, which is forgotten
    detector = feed_change(detector, n_zeros_before=0, phi=0.0)
    assert np.exp(detector.log_capitals) == pytest.approx([8.8 * 0.8])


@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from([0.0, 1.0, 40.0])), max_size=8))
@settings(max_examples=60, deadline=None)
def test_a_run_of_zeros_at_once_is_every_zero_for_itself(runs: list[tuple[int, float]]) -> None:
    at_once = one_by_one = watch_change(p0=0.02, floor_pi=0.025)
    for zeros, phi in runs:
        at_once = feed_change(at_once, n_zeros_before=zeros, phi=phi)
        for _ in range(zeros):
            one_by_one = feed_change(one_by_one, n_zeros_before=0, phi=0.0)
        one_by_one = feed_change(one_by_one, n_zeros_before=0, phi=phi)
    assert one_by_one.log_capitals == pytest.approx(at_once.log_capitals, abs=1e-12, rel=1e-12)
    assert one_by_one.log_peak == pytest.approx(at_once.log_peak, abs=1e-12)
    assert ChangeDetector.of_json(json.loads(json.dumps(at_once.as_json()))) == at_once


def test_after_a_good_year_it_finds_a_rise_that_the_e_process_still_sleeps_through() -> None:
    detector, process = watch_change(p0=0.01, floor_pi=0.025), watch_harm(p0=0.01, floor_pi=0.025)
    for zeros in [1_000_000, *[200] * 15]:
        detector = feed_change(detector, n_zeros_before=zeros, phi=20.0)
        process = feed(process, n_zeros_before=zeros, phi=20.0)
    assert detector.rings(run_length=10_000)
    assert process.evidence < 1e-6
    assert not handled(detector).rings(run_length=10_000)
    assert handled(detector).bets == detector.bets


def test_false_alarms_lie_as_far_apart_as_was_asked_for() -> None:
    """At the limit itself, with A = 2,000 inspections: the mean distance of 60 false alarms is at least that."""
    rng, distances = np.random.default_rng(7), []
    for _ in range(60):
        detector, n = watch_change(p0=0.05, floor_pi=0.5), 0
        while not detector.rings(run_length=2_000) and n < 20_000:
            zeros = int(rng.geometric(0.05 / 2)) - 1  # phi = 2 with half the chance: its mean is .05
            detector, n = feed_change(detector, n_zeros_before=zeros, phi=2.0), n + zeros + 1
        distances.append(n)
    assert float(np.mean(distances)) >= 2_000


@pytest.mark.parametrize(("zeros", "phi"), [(-1, 1.0), (0, -1.0), (0, math.nan)])
def test_what_cannot_have_happened_is_refused(zeros: int, phi: float) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        feed_change(watch_change(p0=0.05, floor_pi=0.5), n_zeros_before=zeros, phi=phi)
