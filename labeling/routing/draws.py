"""The draws of one design: columns for many, rows with their reason in words for those that are stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from labeling.routing.chances import NO_GUESS, error_guess, inclusion_probability, uncertainty
from labeling.routing.reasons import ReasonCode, sentence, why_always
from labeling.routing.rules import DesignRules, PredictionFacts
from labeling.routing.uniforms import CODE_VERSION, keyed_uniforms

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Stratum = Literal["certainty", "sampled"]
ReviewMode = Literal["none", "measuring", "blocking"]


class Past(NamedTuple):
    """What was counted of a design's past: `left` of its budget (None: it has no feedback), `thinning` q."""

    left: float | None = None
    thinning: float = 1.0


NO_PAST = Past()


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
    thinning: float = 1.0


@dataclass(frozen=True, slots=True)
class Columns:
    """The draws of n inspections, arrays (n,): drawn if and only if u < pi; of the certainty stratum pi is 1."""

    pi: Floats
    u: Floats
    drawn: Bools
    uncertainty: Floats


def draw_columns(
    keys: Sequence[str],
    *,
    guess: Floats,
    is_certainty: Bools,
    mean_u: Floats | float,
    rules: DesignRules,
    secret: bytes,
    design_key: str,
    past: Past = NO_PAST,
    code_version: str = CODE_VERSION,
) -> Columns:
    """Draw for n inspections of one design, each by itself: the order changes nothing.

    `keys` (n) name the inspections; `guess` (n,) is each model's own probability of error, NaN where there is none;
    `mean_u` the mean uncertainty of past inspections of each one's version in the sampled stratum, above 0.
    Raises ValueError for an empty secret, a guess outside [0, 1] or a mean that is not above 0.
    """
    spreads = uncertainty(np.where(np.isnan(guess), NO_GUESS, guess))
    chance = inclusion_probability(spreads, mean_u=mean_u, rules=rules, left=past.left, thinning=past.thinning)
    pi = np.where(is_certainty, 1.0, chance)
    uniforms = keyed_uniforms(secret, keys, design_key=design_key, code_version=code_version)
    return Columns(pi, uniforms, uniforms < pi, spreads)


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
    past: Past = NO_PAST,
    code_version: str = CODE_VERSION,
) -> list[Routing]:
    """Draw for n inspections of one design, with the reason of each in words. Arguments as in `draw_columns`.

    Raises ValueError for a confidence outside [0, 1], and what `draw_columns` raises.
    """
    guesses = [error_guess(one.confidence) for one in facts]
    always = [why_always(one, rules) for one in facts]
    columns = draw_columns(
        keys,
        guess=np.array(guesses, dtype=np.float64),
        is_certainty=np.array([one is not None for one in always], dtype=bool),
        mean_u=np.array(mean_u, dtype=np.float64),
        rules=rules,
        secret=secret,
        design_key=design_key,
        past=past,
        code_version=code_version,
    )
    rows = zip(
        facts, always, guesses, columns.pi.tolist(), columns.u.tolist(), columns.uncertainty.tolist(), strict=True
    )
    return [_routing(*row, rules=rules, thinning=past.thinning) for row in rows]


def _routing(
    facts: PredictionFacts,
    always: ReasonCode | None,
    guess: float,
    pi: float,
    u: float,
    spread: float,
    *,
    rules: DesignRules,
    thinning: float,
) -> Routing:
    drawn = u < pi
    q = 1.0 if always else thinning
    code: ReasonCode = always or ("drawn" if drawn else "not_drawn")
    return Routing(
        "certainty" if always else "sampled", pi, rules.floor_pi * q, u, spread, guess, drawn,
        sentence(code, facts, rules, pi=pi, thinning=q), code,
        "blocking" if code == "blocking_label" else "measuring" if drawn else "none", q,
    )  # fmt: skip


def after_the_part_left(routing: Routing) -> Routing:
    """The same draw for a part that nobody can hold any more: it is looked at, and measured, but waits for no one."""
    if routing.review != "blocking":
        return routing
    return routing._replace(review="measuring", reason="Its label is always checked. The part had left when we heard.")
