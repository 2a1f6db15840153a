"""Who is looked at to compare two versions."""

from __future__ import annotations

import numpy as np
import pytest

from labeling.routing.shadows import comparison_probability, floor_of


def test_half_of_the_budget_goes_where_they_differ_and_the_rest_everywhere() -> None:
    rng = np.random.default_rng(3)
    n, budget = 20_000, 0.05
    disagrees, doubt = rng.random(n) < 0.08, rng.random(n) / 2
    past = {"n_seen": n, "n_disagree": int(disagrees.sum()), "sum_doubt": float(doubt.sum())}
    pi = comparison_probability(disagrees, doubt, budget=budget, **past)  # type: ignore[arg-type]
    assert pi.sum() == pytest.approx(n * budget, rel=0.02)
    where_they_differ = pi[disagrees].sum() - disagrees.sum() * budget / 2
    assert where_they_differ == pytest.approx(n * budget / 2, rel=0.05)
    assert pi[~disagrees].min() >= floor_of(budget)


def test_a_rare_difference_is_always_looked_at_and_a_long_queue_thins_every_chance() -> None:
    asked = {"budget": 0.1, "n_seen": 10_000, "n_disagree": 10, "sum_doubt": 2500.0}
    differ, same = comparison_probability(np.array([True, False]), np.array([0.1, 0.1]), **asked)  # type: ignore[arg-type]
    assert differ == 1
    thinned = comparison_probability(np.array([True, False]), np.array([0.1, 0.1]), thinning=0.25, **asked)  # type: ignore[arg-type]
    assert thinned.tolist() == pytest.approx([0.25, same / 4])


@pytest.mark.parametrize("wrong", [{"budget": 0.0}, {"thinning": 0.0}, {"n_disagree": 2}, {"sum_doubt": -1.0}])
def test_what_no_past_can_be_is_refused(wrong: dict[str, float]) -> None:
    asked = {"budget": 0.1, "n_seen": 1, "n_disagree": 0, "sum_doubt": 0.1, **wrong}
    with pytest.raises(ValueError, match=r"above 0|no more"):
        comparison_probability(np.array([True]), np.array([0.1]), **asked)  # type: ignore[arg-type]
