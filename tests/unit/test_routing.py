"""Who is looked at is chance with a known probability, the same for whoever repeats the draw."""

from __future__ import annotations

import hashlib
import hmac

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.routing import (
    DesignRules,
    PredictionFacts,
    Routing,
    error_guess,
    inclusion_probability,
    keyed_uniform,
    keyed_uniforms,
    partition,
    route,
    uncertainty,
)

quick = settings(max_examples=25, deadline=None)
SECRET = b"only this design knows"
RULES = DesignRules(
    budget=0.2,
    audit_share=0.5,
    certainty_labels=frozenset({"hole"}),
    certainty_below=0.3,
    blocking_labels=frozenset({"crack"}),
)


def draw(
    facts: PredictionFacts, key: str = "line-1/part-7", *, rules: DesignRules = RULES, design: str = "m/1"
) -> Routing:
    return route(facts, rules, secret=SECRET, key=key, design_key=design, mean_uncertainty=0.25)


def test_a_draw_is_the_head_of_a_keyed_hash() -> None:
    digest = hmac.new(SECRET, b"part-7|m/1", hashlib.sha256).digest()

    assert keyed_uniform(SECRET, "part-7|m/1") == int.from_bytes(digest[:8], "big") / 2**64
    assert 0 <= keyed_uniform(SECRET, "") < 1


def test_a_design_of_today_draws_by_blake2b_with_a_key_of_its_own() -> None:
    own = hashlib.blake2b(b"m/1", key=SECRET, digest_size=32).digest()
    head = hashlib.blake2b(b"part-7", key=own, digest_size=8).digest()

    assert keyed_uniforms(SECRET, ["part-7"], design_key="m/1").tolist() == [int.from_bytes(head, "big") / 2**64]


def test_what_was_drawn_once_is_drawn_the_same_for_ever() -> None:
    """Figures written down when each way of drawing was new: who repeats an old draw must find them."""
    keys = ["1/part-1", "1/part-2", "2/Teil-ä"]
    before = [0.9847386498792087, 0.3351482582351614, 0.34187271128358937]
    today = [0.6718990125632671, 0.796254930879792, 0.8317393166204403]

    assert keyed_uniforms(SECRET, keys, design_key="m/1", code_version="routing-1").tolist() == before
    assert keyed_uniforms(SECRET, keys, design_key="m/1", code_version="routing-2").tolist() == today


def test_the_same_key_draws_the_same_and_another_draws_anew() -> None:
    facts = PredictionFacts("ok", 0.9)

    assert draw(facts) == draw(facts)
    assert len({draw(facts).u, draw(facts, "line-1/part-8").u, draw(facts, design="m/2").u}) == 3
    assert draw(PredictionFacts("dent", 0.6, is_defect=True)).u == draw(facts).u


def test_parts_are_drawn_as_often_as_they_should_be() -> None:
    n, facts = 4000, PredictionFacts("ok", 0.9)
    routings = [draw(facts, f"part-{number}") for number in range(n)]
    pi = routings[0].pi

    assert pi == pytest.approx(0.1 + 0.1 * 0.3 / 0.25)
    assert abs(sum(one.drawn for one in routings) - n * pi) < 4 * (n * pi * (1 - pi)) ** 0.5


@given(
    st.lists(st.floats(0, 0.5), min_size=1, max_size=20),
    st.floats(0.001, 0.5),
    st.floats(0.001, 1),
    st.floats(0.5, 1),
)
@quick
def test_a_chance_lies_between_the_floor_and_one_and_grows_with_doubt(
    doubts: list[float], mean_u: float, budget: float, audit_share: float
) -> None:
    rules = DesignRules(budget=budget, audit_share=audit_share)
    pi = inclusion_probability(np.sort(doubts), mean_u=mean_u, rules=rules)

    assert pi.shape == (len(doubts),)
    assert (pi >= rules.floor_pi).all()
    assert (pi <= 1).all()
    assert (np.diff(pi) >= 0).all()


@given(st.one_of(st.none(), st.floats(0, 1)), st.sampled_from(["ok", "dent", "hole", "crack"]), st.text(max_size=20))
@quick
def test_every_routing_can_be_stored(confidence: float | None, label: str, key: str) -> None:
    routing = draw(PredictionFacts(label, confidence, is_defect=label != "ok"), key)

    assert routing.drawn is (routing.u < routing.pi)
    assert routing.stratum == "sampled" or (routing.pi == 1 and routing.drawn)
    assert 0 < routing.floor_pi <= routing.pi <= 1
    assert 0 <= routing.u < 1
    assert (routing.review == "none") is not routing.drawn
    assert (routing.review == "blocking") is (label == "crack")
    assert len(routing.reason) <= 200


@pytest.mark.parametrize(
    ("facts", "code", "review", "reason"),
    [
        (
            PredictionFacts("crack", 0.99, is_defect=True),
            "blocking_label",
            "blocking",
            "Predicted crack, a defect for which the part waits until a person has looked.",
        ),
        (
            PredictionFacts("hole", 0.1, is_defect=True),
            "certainty_label",
            "measuring",
            "Predicted hole, a defect that is always checked.",
        ),
        (
            PredictionFacts("ok", 0.25),
            "low_confidence",
            "measuring",
            "Confidence 25 % is below 30 %: always checked.",
        ),
    ],
)
def test_what_is_always_checked_says_why(facts: PredictionFacts, code: str, review: str, reason: str) -> None:
    routing = draw(facts)

    assert (routing.stratum, routing.pi, routing.drawn) == ("certainty", 1, True)
    assert (routing.reason_code, routing.review, routing.reason) == (code, review, reason)


def test_the_dice_say_the_chance_they_had() -> None:
    reasons = {draw(PredictionFacts("ok", 0.9), f"part-{number}").reason for number in range(60)}

    assert reasons == {
        "Drawn by chance: the chance of being checked was 22 %.",
        "Not drawn: the chance of being checked was 22 %.",
    }


def test_a_chance_that_reaches_one_stays_in_the_sampled_stratum() -> None:
    everything = draw(PredictionFacts("ok", 0.9), rules=DesignRules(budget=1, audit_share=1))

    assert (everything.stratum, everything.pi, everything.drawn) == ("sampled", 1, True)


def test_without_a_prediction_the_guess_is_a_coin() -> None:
    assert error_guess(None) == 0.5
    assert draw(PredictionFacts(None)).uncertainty == 0.5
    assert uncertainty(error_guess(0.9)) == pytest.approx(0.3)
    assert uncertainty(np.array([0.0, 1.0])).tolist() == [0, 0]


def test_groups_keep_their_partition_and_the_hold_out_its_share() -> None:
    parts = [partition(b"salt", f"group-{number}") for number in range(4000)]

    assert parts == [partition(b"salt", f"group-{number}") for number in range(4000)]
    assert abs(parts.count("holdout") - 600) < 4 * (4000 * 0.15 * 0.85) ** 0.5
    assert partition(b"salt", "group-1", holdout_share=0) == "train"
    assert partition(b"salt", "group-1", holdout_share=1) == "holdout"


@pytest.mark.parametrize(("budget", "audit_share"), [(0, 0.8), (1.1, 0.8), (0.1, 0.4), (0.1, 1.1), (float("nan"), 0.8)])
def test_a_design_out_of_range_is_refused(budget: float, audit_share: float) -> None:
    with pytest.raises(ValueError, match="not at"):
        DesignRules(budget=budget, audit_share=audit_share)


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="certainty_below"):
        DesignRules(budget=0.1, audit_share=0.8, certainty_below=30)
    with pytest.raises(ValueError, match="confidence"):
        error_guess(float("nan"))
    with pytest.raises(ValueError, match="secret"):
        keyed_uniform(b"", "part-7")
    with pytest.raises(ValueError, match="secret"):
        keyed_uniforms(b"", ["part-7"], design_key="m/1")
    with pytest.raises(ValueError, match="routing-0"):
        keyed_uniforms(SECRET, ["part-7"], design_key="m/1", code_version="routing-0")
    with pytest.raises(ValueError, match="mean uncertainty"):
        inclusion_probability(np.array([0.1]), mean_u=0, rules=RULES)
    with pytest.raises(ValueError, match="below 0"):
        inclusion_probability(np.array([np.nan]), mean_u=0.2, rules=RULES)
    with pytest.raises(ValueError, match="holdout_share"):
        partition(b"salt", "group-1", holdout_share=1.5)
