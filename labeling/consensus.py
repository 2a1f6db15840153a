"""What several people's verdicts come to. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["open", "label", "bad_image", "escalate"]


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's standing word. ``kind``: label, unsure or bad_image; ``round`` 1 is the first look."""

    kind: str
    label: str | None
    round: int
    decides: bool  # said in an adjudication round


@dataclass(frozen=True, slots=True)
class Settlement:
    """What the votes come to, and why in words."""

    outcome: Outcome
    label: str | None
    n_verdicts: int
    method: str
    reason: str


def settle(votes: Sequence[Vote], *, votes_needed: int) -> Settlement:
    """Agree, wait, or ask somebody else.

    An adjudicator's clear word decides, the newest round first. Before that, or when two adjudicators of one round
    differ: somebody unsure, or two different words, ask for a second opinion; enough equal words settle; anything
    else waits.
    """
    deciding = [vote for vote in votes if vote.decides and vote.kind != "unsure"]
    if deciding:
        newest = max(vote.round for vote in deciding)
        last = [vote for vote in deciding if vote.round == newest]
        if len({(vote.kind, vote.label) for vote in last}) == 1:
            return _settled(last[0], len(votes), "adjudication")
    if not votes:
        return Settlement("open", None, 0, "", "Nobody has looked yet.")
    if any(vote.kind == "unsure" for vote in votes):
        return Settlement("escalate", None, len(votes), "", "Somebody was unsure.")
    words = {(vote.kind, vote.label) for vote in votes}
    if len(words) > 1:
        return Settlement("escalate", None, len(votes), "", "Two people see different things.")
    if len(votes) >= votes_needed:
        return _settled(votes[0], len(votes), "single" if len(votes) == 1 else "agreement")
    return Settlement("open", None, len(votes), "", f"{votes_needed - len(votes)} more needed.")


def _settled(vote: Vote, n: int, method: str) -> Settlement:
    outcome: Outcome = "bad_image" if vote.kind == "bad_image" else "label"
    return Settlement(outcome, vote.label, n, method, "Settled.")
