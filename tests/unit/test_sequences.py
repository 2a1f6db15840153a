"""Intervals that hold at all times at once."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from models_registry.estimation.intervals import clopper_pearson
from models_registry.estimation.sequences import WeightedSequence, feed_sequence, start_sequence, uniform_sequence


def test_the_uniform_sequence_gives_the_digits_of_confseq() -> None:
    """STATISTICS R5."""
    many = uniform_sequence(count=700, n=1000, alpha=0.05, t_opt=100)
    assert (many.low, many.high) == pytest.approx((0.651629, 0.745949), abs=1.5e-6)
    one = uniform_sequence(count=1, n=50, alpha=0.05, t_opt=50)
    assert (one.low, one.high) == pytest.approx((0.0, 0.13489), abs=5e-6)


def test_the_ends_of_the_range_have_their_intervals() -> None:
    assert (uniform_sequence(count=0, n=0).low, uniform_sequence(count=0, n=0).high) == (0.0, 1.0)
    none, every = uniform_sequence(count=0, n=300), uniform_sequence(count=300, n=300)
    assert none.low == 0.0
    assert every.high == 1.0
    assert none.high == pytest.approx(1 - every.low)
    assert none.high > clopper_pearson(count=0, n=300, confidence=0.9).high  # looking at every moment has its price


@pytest.mark.parametrize(
    ("count", "n", "alpha", "t_opt"), [(2, 1, 0.05, 9), (-1, 1, 0.05, 9), (0, 1, 0.0, 9), (0, 1, 0.05, 0)]
)
def test_what_is_no_sample_is_refused(count: int, n: int, alpha: float, t_opt: float) -> None:
    with pytest.raises(ValueError, match="no interval"):
        uniform_sequence(count=count, n=n, alpha=alpha, t_opt=t_opt)


def test_the_uniform_sequence_misses_a_rate_at_any_time_in_at_most_1_of_20_streams() -> None:
    rng, missed = np.random.default_rng(3), 0
    for _ in range(150):
        counts = np.cumsum(rng.random(1_000) < 0.1)
        looks = [uniform_sequence(count=int(counts[n - 1]), n=n) for n in range(20, 1_001, 49)]
        missed += any(not look.low <= 0.1 <= look.high for look in looks)
    assert missed / 150 <= 0.05 + 0.018


def test_the_weighted_sequence_holds_the_rate_at_every_inspection_and_closes_in_on_it() -> None:
    """60 streams of 20,000 arrivals, 2 % errors, drawn with .025 or .2, looked at at every error that is found."""
    rng, missed, widths = np.random.default_rng(5), 0, []
    for _ in range(60):
        pi = np.where(rng.random(20_000) < 0.2, 0.2, 0.025)
        at = np.flatnonzero((rng.random(20_000) < pi) & (rng.random(20_000) < 0.02))
        sequence, last = start_sequence(floor_pi=0.025), -1
        for i in at.tolist():
            sequence = feed_sequence(sequence, n_zeros_before=i - last - 1, phi=1 / pi[i], floor_pi=0.025)
            last = i
        sequence = feed_sequence(sequence, n_zeros_before=20_000 - last - 1, phi=0.0, floor_pi=0.025)
        missed += not sequence.low <= 0.02 <= sequence.high
        widths.append(sequence.high - sequence.low)
    assert missed / 60 <= 0.05 + 0.03
    assert np.median(widths) < 0.05


def test_without_an_error_only_the_upper_end_moves_and_it_never_moves_back() -> None:
    start = start_sequence(floor_pi=0.1, t_opt=2_000)
    calm = feed_sequence(start, n_zeros_before=4_999, phi=0.0, floor_pi=0.1)
    struck = feed_sequence(calm, n_zeros_before=0, phi=10.0, floor_pi=0.1)
    assert (start.low, start.high) == (0.0, 1.0)
    assert calm.low == 0.0
    assert struck.high == calm.high < 0.02


@pytest.mark.parametrize(("zeros", "phi"), [(-1, 1.0), (0, -1.0), (0, math.nan), (0, 11.0)])
def test_what_cannot_have_happened_is_refused(zeros: int, phi: float) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        feed_sequence(start_sequence(floor_pi=0.1), n_zeros_before=zeros, phi=phi, floor_pi=0.1)


def test_a_sequence_needs_a_floor_and_an_alpha() -> None:
    for wrong in ({"floor_pi": 0.0}, {"floor_pi": 0.1, "alpha": 1.0}, {"floor_pi": 0.1, "t_opt": 0.0}):
        with pytest.raises(ValueError, match="no sequence"):
            start_sequence(**wrong)


def test_a_weighted_sequence_is_kept_as_json_to_the_bit() -> None:
    sequence = feed_sequence(start_sequence(floor_pi=0.1), n_zeros_before=77, phi=10.0, floor_pi=0.1)
    back = WeightedSequence.of_json(json.loads(json.dumps(sequence.as_json())))
    assert back.as_json() == sequence.as_json()
    assert feed_sequence(back, n_zeros_before=5, phi=2.0, floor_pi=0.1).as_json() == (
        feed_sequence(sequence, n_zeros_before=5, phi=2.0, floor_pi=0.1).as_json()
    )
