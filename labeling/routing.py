"""Who gets looked at: one keyed, reproducible draw per inspection and design, with its probability (STATISTICS §1.1).

The probability rests on what was known before the truth: the label, the model's confidence, and the mean uncertainty of
PAST inspections. The draw is a keyed hash, so a resend draws the same and no client can foresee it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import nextafter
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Stratum = Literal["certainty", "sampled"]
ReviewMode = Literal["none", "measuring", "blocking"]
ReasonCode = Literal["first_label", "blocking_label", "certainty_label", "low_confidence", "drawn", "not_drawn"]
Partition = Literal["train", "holdout"]

BELOW_ONE = nextafter(1.0, 0.0)
NO_GUESS = 0.5


@dataclass(frozen=True, slots=True)
class DesignRules:
    """The rules of a sampling design. Raises ValueError for a value out of range.

    `budget` b in (0, 1]: share of the sampled stratum that people look at. `audit_share` tau in [0.5, 1]: share of the
    budget drawn whatever the model says. `certainty_below`: a confidence under it is always checked. A label in
    `blocking_labels` is always checked, and its part waits.
    """

    budget: float
    audit_share: float
    certainty_labels: frozenset[str] = field(default_factory=frozenset)
    certainty_below: float | None = None
    blocking_labels: frozenset[str] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        if not 0 < self.budget <= 1:
            raise ValueError(f"budget lies above 0 and at most at 1, not at {self.budget}")
        if not 0.5 <= self.audit_share <= 1:
            raise ValueError(f"audit_share lies between 0.5 and 1, not at {self.audit_share}")
        if self.certainty_below is not None and not 0 <= self.certainty_below <= 1:
            raise ValueError(f"certainty_below lies between 0 and 1, not at {self.certainty_below}")

    @property
    def floor_pi(self) -> float:
        """The smallest probability an inspection can have, tau*b."""
        return self.audit_share * self.budget


class PredictionFacts(NamedTuple):
    """What the model said of the inspection. No label: there was no model yet. No confidence: it gives none."""

    label: str | None
    confidence: float | None = None
    is_defect: bool = False


class Routing(NamedTuple):
    """The draw, as it is stored: drawn if and only if u < pi. pi is 1 in the certainty stratum."""

    stratum: Stratum
    pi: float
    floor_pi: float
    u: float
    uncertainty: float
    error_guess: float
    drawn: bool
    reason: str
    reason_code: ReasonCode
    review: ReviewMode


def route(
    facts: PredictionFacts, rules: DesignRules, *, secret: bytes, key: str, design_key: str, mean_uncertainty: float
) -> Routing:
    """Draw for one inspection: `route_many` for a single one. Raises what that raises."""
    return route_many([facts], rules, secret=secret, keys=[key], design_key=design_key, mean_u=[mean_uncertainty])[0]


def route_many(
    facts: Sequence[PredictionFacts],
    rules: DesignRules,
    *,
    secret: bytes,
    keys: Sequence[str],
    design_key: str,
    mean_u: Sequence[float],
) -> list[Routing]:
    """Draw for n inspections of one design, each by itself: the order changes nothing.

    `keys` (n) name the inspections, or the groups that are drawn as one; with `design_key` a key is the message of the
    draw, so each design draws anew. `mean_u` (n) is the mean uncertainty of past inspections of each one's version in
    the sampled stratum, above 0. Raises ValueError for an empty secret, a confidence outside [0, 1] or a mean that is
    not above 0.
    """
    guesses = [error_guess(one.confidence) for one in facts]
    spreads = uncertainty(np.array(guesses))
    always = [_always(one, rules) for one in facts]
    chances = inclusion_probability(spreads, mean_u=np.array(mean_u, dtype=np.float64), rules=rules).tolist()
    uniforms = [keyed_uniform(secret, f"{key}|{design_key}") for key in keys]
    rows = zip(facts, always, chances, uniforms, spreads.tolist(), guesses, strict=True)
    return [_routing(*row, rules=rules) for row in rows]


def _routing(
    facts: PredictionFacts,
    always: ReasonCode | None,
    chance: float,
    u: float,
    spread: float,
    guess: float,
    *,
    rules: DesignRules,
) -> Routing:
    pi = 1.0 if always else chance
    code: ReasonCode = always or ("drawn" if u < pi else "not_drawn")
    return Routing(
        stratum="certainty" if always else "sampled",
        pi=pi,
        floor_pi=rules.floor_pi,
        u=u,
        uncertainty=spread,
        error_guess=guess,
        drawn=u < pi,
        reason=_sentence(code, facts, rules, pi),
        reason_code=code,
        review="blocking" if code == "blocking_label" else "measuring" if u < pi else "none",
    )


def after_the_part_left(routing: Routing) -> Routing:
    """The same draw for a part that nobody can hold any more: it is looked at, and measured, but waits for no one."""
    if routing.review != "blocking":
        return routing
    return routing._replace(review="measuring", reason="Its label is always checked. The part had left when we heard.")


def error_guess(confidence: float | None) -> float:
    """The model's own probability of being wrong, g = 1 - confidence; 0.5 without a confidence.

    Raises ValueError for a confidence outside [0, 1], NaN included.
    """
    if confidence is None:
        return NO_GUESS
    if not 0 <= confidence <= 1:
        raise ValueError(f"a confidence lies between 0 and 1, not at {confidence}")
    return 1 - confidence


def uncertainty(g: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """sqrt(g(1-g)), between 0 and 0.5: the best size of pi for a calibrated g. Source: Zrnic and Candes 2024."""
    guesses = np.asarray(g, dtype=np.float64)
    if not bool(((guesses >= 0) & (guesses <= 1)).all()):
        raise ValueError("an error guess lies between 0 and 1")
    spread: NDArray[np.float64] = np.sqrt(guesses * (1 - guesses))
    return spread


def inclusion_probability(
    u: NDArray[np.float64], *, mean_u: float | NDArray[np.float64], rules: DesignRules
) -> NDArray[np.float64]:
    """pi = clip(tau*b + (1-tau)*b*u/mean_u, tau*b, 1), (n,), for uncertainties `u` (n,) of the sampled stratum.

    `mean_u`: one for all, or (n,).

    A pi that reaches 1 stays in the sampled stratum: moved out, it would lower the mean that later draws divide by.
    Raises ValueError for a mean that is not above 0, or u below 0 or NaN.
    """
    if not np.all(np.isfinite(mean_u)) or not np.all(np.asarray(mean_u) > 0):
        raise ValueError(f"the mean uncertainty lies above 0, not at {mean_u}")
    if not bool((u >= 0).all()):
        raise ValueError("no uncertainty lies below 0")
    floor = rules.floor_pi
    pi: NDArray[np.float64] = np.clip(floor + (1 - rules.audit_share) * rules.budget * u / mean_u, floor, 1.0)
    return pi


def keyed_uniform(secret: bytes, message: str) -> float:
    """A number in [0, 1): the first 8 bytes of HMAC-SHA256, big endian, over 2^64. Same key and message, same number.

    Raises ValueError for an empty secret: anyone could foresee the draw.
    """
    if not secret:
        raise ValueError("the secret of a draw is not empty")
    digest = hmac.digest(secret, message.encode(), hashlib.sha256)
    return min(int.from_bytes(digest[:8], "big") / 2**64, BELOW_ONE)  # the last 2^10 integers would round up to 1


def partition(salt: bytes, group_id: str, *, holdout_share: float = 0.15) -> Partition:
    """Where a group (part, lot, near-duplicates) belongs for ever: decided before any label, by hash alone (§3.4).

    Raises ValueError for an empty salt or a share outside [0, 1].
    """
    if not 0 <= holdout_share <= 1:
        raise ValueError(f"holdout_share lies between 0 and 1, not at {holdout_share}")
    return "holdout" if keyed_uniform(salt, group_id) < holdout_share else "train"


def _always(facts: PredictionFacts, rules: DesignRules) -> ReasonCode | None:
    """Why the inspection is checked whatever the dice say, if it is."""
    if facts.label is None:
        return "first_label"
    if facts.label in rules.blocking_labels:
        return "blocking_label"
    if facts.label in rules.certainty_labels:
        return "certainty_label"
    if facts.confidence is not None and rules.certainty_below is not None and facts.confidence < rules.certainty_below:
        return "low_confidence"
    return None


def _sentence(code: ReasonCode, facts: PredictionFacts, rules: DesignRules, pi: float) -> str:
    kind = "defect" if facts.is_defect else "label"
    match code:
        case "first_label":
            return "No model has judged it: a person gives the first label."
        case "blocking_label":
            return f"Predicted {facts.label}, a {kind} for which the part waits until a person has looked."
        case "certainty_label":
            return f"Predicted {facts.label}, a {kind} that is always checked."
        case "low_confidence":
            confidence, limit = _percent(facts.confidence), _percent(rules.certainty_below)
            return f"Confidence {confidence} is below {limit}: always checked."
        case "drawn":
            return f"Drawn by chance: the chance of being checked was {_percent(pi)}."
        case "not_drawn":
            return f"Not drawn: the chance of being checked was {_percent(pi)}."


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{100 * share:.3g} %"
