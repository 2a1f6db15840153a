"""From doubt, a budget, a queue and several designs to one chance that is known before the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.routing import (
    THINNINGS,
    DesignRules,
    Past,
    PredictionFacts,
    allowance,
    draw_columns,
    inclusion_probability,
    proposed_audit_share,
    route_many,
    thinning_of,
    union_probability,
)

quick = settings(max_examples=50, deadline=None)
SECRET = b"only this design knows"
RULES = DesignRules(budget=0.05, audit_share=0.5)
DOUBTS = np.array([0.0, 0.1, 0.5])
chances = st.floats(1e-6, 1)


def pi_of(**past: float) -> list[float]:
    chances_of: list[float] = inclusion_probability(DOUBTS, mean_u=0.1, rules=RULES, **past).tolist()
    return chances_of


def test_a_budget_that_is_used_up_leaves_the_audit_share_and_no_more() -> None:
    assert pi_of(left=0) == pytest.approx([0.025, 0.025, 0.025])
    assert pi_of(left=0.04) == pytest.approx([0.025, 0.025 + 0.5 * 0.04, 0.025 + 0.5 * 0.04])
    assert pi_of(left=1000) == pytest.approx([0.025, 0.05, 0.15])
    assert pi_of() == pytest.approx([0.025, 0.05, 0.15])


def test_what_a_budget_has_left_is_never_below_nothing() -> None:
    assert allowance(n_sampled=1000, n_drawn=48, budget=0.05) == pytest.approx(2)
    assert allowance(n_sampled=1000, n_drawn=90, budget=0.05) == 0
    assert allowance(n_sampled=0, n_drawn=0, budget=0.05) == 0


@pytest.mark.parametrize(
    ("n_open", "q"),
    [(0, 1.0), (100, 1.0), (101, 0.5), (200, 0.5), (201, 0.25), (400, 0.25), (401, 0.125), (10**9, 0.125)],
)  # fmt: skip
def test_a_queue_that_is_too_long_thins_every_chance_to_an_eighth_at_most(n_open: int, q: float) -> None:
    assert thinning_of(n_open, 100) == q
    assert thinning_of(n_open, None) == 1


@given(st.floats(0, 0.5), st.floats(0.001, 0.5), st.sampled_from(THINNINGS), st.none() | st.floats(0, 2))
@quick
def test_whatever_the_past_was_nobody_loses_the_audit_chance(u: float, mean_u: float, q: float, left: float) -> None:
    (pi,) = inclusion_probability(np.array([u]), mean_u=mean_u, rules=RULES, left=left, thinning=q)
    assert RULES.floor_pi * q <= pi <= q


def test_thinned_draws_keep_their_chance_their_floor_and_say_so() -> None:
    facts = [PredictionFacts("ok", 0.9), PredictionFacts(None)]
    full, thinned = (
        route_many(
            facts, RULES, secret=SECRET, keys=["a", "b"], design_key="m/1", mean_u=[0.3, 0.3], past=Past(None, q)
        )
        for q in (1.0, 0.25)
    )
    assert (thinned[0].pi, thinned[0].floor_pi, thinned[0].u) == (full[0].pi / 4, full[0].floor_pi / 4, full[0].u)
    assert thinned[0].drawn is (thinned[0].u < thinned[0].pi)
    assert thinned[0].reason.endswith("1.25 %. Too many reviews wait, so it was 0.25 of the usual.")
    assert thinned[1] == full[1]  # what is always checked is not left to chance, however long the queue
    assert (full[1].thinning, thinned[0].thinning) == (1, 0.25)


def test_thinning_is_a_poisson_draw_of_its_own_chance() -> None:
    n, q = 40_000, 0.5
    drawn = draw_columns(
        [str(number) for number in range(n)],
        guess=np.full(n, 0.1), is_certainty=np.zeros(n, dtype=bool), mean_u=0.3, rules=RULES, secret=SECRET,
        design_key="m/1", past=Past(None, q),
    )  # fmt: skip
    assert drawn.pi[0] == pytest.approx(0.05 * q)
    assert abs(drawn.drawn.sum() - n * 0.05 * q) < 4 * (n * 0.05 * q) ** 0.5
    assert ((drawn.u < drawn.pi) == drawn.drawn).all()


def test_columns_and_rows_are_the_same_draws() -> None:
    confidences = [0.2, None, 0.99, 0.5]
    facts = [PredictionFacts("ok", one) for one in confidences]
    keys = [f"part-{number}" for number in range(4)]
    rows = route_many(facts, RULES, secret=SECRET, keys=keys, design_key="m/1", mean_u=[0.2] * 4)
    columns = draw_columns(
        keys,
        guess=np.array([np.nan if one is None else 1 - one for one in confidences]),
        is_certainty=np.array([False] * 4), mean_u=0.2, rules=RULES, secret=SECRET, design_key="m/1",
    )  # fmt: skip
    assert [(one.pi, one.u, one.drawn, one.uncertainty) for one in rows] == list(
        zip(columns.pi.tolist(), columns.u.tolist(), columns.drawn.tolist(), columns.uncertainty.tolist(), strict=True)
    )


@given(st.lists(chances, min_size=1, max_size=9))
@quick
def test_the_chance_of_several_designs_is_that_of_their_union(pis: list[float]) -> None:
    union = union_probability(pis)
    assert union == pytest.approx(1 - np.prod([1 - pi for pi in pis]), abs=1e-12)
    assert max(pis) * (1 - 1e-12) <= union <= min(1, sum(pis) * (1 + 1e-12))


def test_a_single_design_keeps_its_very_number_and_certainty_stays_certain() -> None:
    assert union_probability([0.1 + 0.2]) == 0.1 + 0.2
    assert union_probability([0.3, 1.0, 0.2]) == 1
    assert union_probability([1e-12, 1e-12]) == pytest.approx(2e-12, rel=1e-9)


@pytest.mark.parametrize("pis", [[], [0.0], [0.5, 0], [1.01], [float("nan")], [-0.1], [0.2, None]])
def test_what_had_no_chance_has_no_union(pis: list[float]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        union_probability(pis)


def test_independent_designs_draw_their_union() -> None:
    """Two keys, one part: by independence of the hashes the parts drawn by either are a Poisson sample of pi_union."""
    n, pis = 40_000, (0.1, 0.05)
    keys = [str(number) for number in range(n)]
    either = np.zeros(n, dtype=bool)
    both = np.ones(n, dtype=bool)
    for number, pi in enumerate(pis):
        rules = DesignRules(budget=pi, audit_share=1)
        drawn = draw_columns(
            keys, guess=np.zeros(n), is_certainty=np.zeros(n, dtype=bool), mean_u=0.2, rules=rules, secret=SECRET,
            design_key=f"m/{number}",
        ).drawn  # fmt: skip
        either, both = either | drawn, both & drawn
    union = union_probability(pis)
    assert abs(either.sum() - n * union) < 4 * (n * union) ** 0.5
    assert abs(both.sum() - n * 0.005) < 4 * (n * 0.005) ** 0.5


@pytest.mark.parametrize(
    ("labels", "error_rate", "share"),
    [(None, None, 0.8), (1000, None, 0.8), (None, 0.1, 0.8), (1000, 0.019, 0.8), (1000, 0.02, 0.5), (0, 1, 0.8)],
)
def test_few_errors_are_best_found_by_pure_chance(labels: float, error_rate: float, share: float) -> None:
    assert proposed_audit_share(labels=labels, error_rate=error_rate) == share


def test_nonsense_is_refused() -> None:
    for bad in (0, 1.5, -1, float("nan")):
        with pytest.raises(ValueError, match="thinning"):
            pi_of(thinning=bad)
    for bad in (-0.1, float("nan")):
        with pytest.raises(ValueError, match="nothing left"):
            pi_of(left=bad)
    with pytest.raises(ValueError, match="cannot have been drawn"):
        allowance(n_sampled=3, n_drawn=4, budget=0.1)
    with pytest.raises(ValueError, match="at least one"):
        thinning_of(3, 0)
    with pytest.raises(ValueError, match="error rate"):
        proposed_audit_share(labels=10, error_rate=1.5)


def test_the_budget_feedback_steadies_the_number_of_reviews() -> None:
    """STATISTICS §7.3, "feedback": 976 +- 18 labels of 20,000 where plain chance gives 1,000 +- 31; refreshed every 100
    parts, as the loop does, the figures are the same. Here 60 streams, and limits four of their errors wide."""
    rng = np.random.default_rng(7)
    plain, steered = [], []
    for _ in range(60):
        g = rng.beta(0.3, 3, 20_000) / 2
        u, dice = np.sqrt(g * (1 - g)), rng.random(20_000)
        plain.append((dice < inclusion_probability(u, mean_u=u.mean(), rules=RULES)).sum())
        n_drawn = 0
        for start in range(0, 20_000, 100):
            left = allowance(n_sampled=start, n_drawn=n_drawn, budget=0.05) if start else None
            part = slice(start, start + 100)
            n_drawn += (dice[part] < inclusion_probability(u[part], mean_u=u.mean(), rules=RULES, left=left)).sum()
        steered.append(n_drawn)
    assert np.mean(plain) == pytest.approx(1000, abs=16)
    assert np.mean(steered) == pytest.approx(976, abs=12)
    assert np.std(steered) < 0.8 * np.std(plain)
