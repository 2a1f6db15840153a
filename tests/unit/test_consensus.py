"""What several people's verdicts come to."""

from __future__ import annotations

import pytest

from labeling.consensus import Outcome, Vote, settle


def said(word: str, *, in_round: int = 1, adjudicates: bool = False) -> Vote:
    """``word`` is a label, or unsure, or bad_image."""
    kind = word if word in {"unsure", "bad_image"} else "label"
    return Vote(kind, word if kind == "label" else None, in_round, adjudicates)


@pytest.mark.parametrize(
    ("words", "needed", "outcome", "label"),
    [
        ([], 1, "open", None),
        (["scratch"], 1, "label", "scratch"),
        (["scratch"], 2, "open", None),
        (["scratch", "scratch"], 2, "label", "scratch"),
        (["scratch", "ok"], 2, "escalate", None),
        (["scratch", "ok"], 3, "escalate", None),
        (["unsure"], 1, "escalate", None),
        (["scratch", "scratch", "unsure"], 2, "escalate", None),
        (["bad_image"], 1, "bad_image", None),
        (["bad_image", "scratch"], 2, "escalate", None),
        (["bad_image", "bad_image"], 2, "bad_image", None),
    ],
)
def test_equal_words_settle_and_other_words_ask_somebody_else(
    words: list[str], needed: int, outcome: Outcome, label: str | None
) -> None:
    settlement = settle([said(word) for word in words], votes_needed=needed)

    assert (settlement.outcome, settlement.label, settlement.n_verdicts) == (outcome, label, len(words))


def test_an_adjudicators_word_decides_against_any_number() -> None:
    votes = [said("ok"), said("ok"), said("scratch"), said("dent", in_round=2, adjudicates=True)]

    settlement = settle(votes, votes_needed=2)

    assert (settlement.outcome, settlement.label, settlement.method) == ("label", "dent", "adjudication")


def test_an_unsure_adjudicator_decides_nothing() -> None:
    assert settle([said("ok"), said("unsure", in_round=2, adjudicates=True)], votes_needed=1).outcome == "escalate"


def test_the_newest_round_of_adjudication_decides() -> None:
    votes = [said("dent", in_round=3, adjudicates=True), said("ok", in_round=2, adjudicates=True)]

    assert settle(votes, votes_needed=1).label == "dent"


def test_two_adjudicators_of_one_round_who_differ_decide_nothing() -> None:
    votes = [said("dent", in_round=2, adjudicates=True), said("ok", in_round=2, adjudicates=True)]

    assert settle(votes, votes_needed=1).outcome == "escalate"
