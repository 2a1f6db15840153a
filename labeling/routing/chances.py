"""Inclusion probabilities: from doubt, from a budget, from a queue that is too long, from several designs at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from labeling.routing.rules import DesignRules

Floats = NDArray[np.float64]

NO_GUESS = 0.5
THINNINGS = (1.0, 0.5, 0.25, 0.125)
FEW_ERRORS = 20  # expected in a window: below, audit draws alone tell of confident mistakes (STATISTICS §1.1)
FEW, MANY = 0.8, 0.5


def error_guess(confidence: float | None) -> float:
    """The model's own probability of being wrong, g = 1 - confidence; 0.5 without a confidence.

    Raises ValueError for a confidence outside [0, 1], NaN included.
    """
    if confidence is None:
        return NO_GUESS
    if not 0 <= confidence <= 1:
        raise ValueError(f"a confidence lies between 0 and 1, not at {confidence}")
    return 1 - confidence


def uncertainty(g: Floats | float) -> Floats:
    """sqrt(g(1-g)), between 0 and 0.5: the best size of pi for a calibrated g. Source: Zrnic and Candes 2024."""
    guesses = np.asarray(g, dtype=np.float64)
    if not bool(((guesses >= 0) & (guesses <= 1)).all()):
        raise ValueError("an error guess lies between 0 and 1")
    spread: Floats = np.sqrt(guesses * (1 - guesses))
    return spread


def inclusion_probability(
    u: Floats, *, mean_u: float | Floats, rules: DesignRules, left: float | None = None, thinning: float = 1.0
) -> Floats:
    """pi = q*clip(tau*b + (1-tau)*b*u/mean_u, tau*b, 1), (n,), for uncertainties `u` (n,) of the sampled stratum.

    `mean_u`: one for all, or (n,). `thinning` q in (0, 1]: see `thinning_of`. With `left`, what the budget has left
    (`allowance`), pi = q*((1-tau)*min(raw, 1) + tau*b), raw = min(b*u/mean_u, left): the rule of Zrnic and Candes 2024.
    Both lie on the past alone, so the draws stay martingale differences and every estimate holds.

    A pi that reaches 1 stays in the sampled stratum: moved out, it would lower the mean that later draws divide by.
    Raises ValueError for a mean that is not above 0, u below 0 or NaN, less than nothing left, q outside (0, 1].
    """
    if not np.all(np.isfinite(mean_u)) or not np.all(np.asarray(mean_u) > 0):
        raise ValueError(f"the mean uncertainty lies above 0, not at {mean_u}")
    if not bool((u >= 0).all()):
        raise ValueError("no uncertainty lies below 0")
    if not 0 < thinning <= 1:
        raise ValueError(f"thinning lies above 0 and at most at 1, not at {thinning}")
    floor, share = rules.floor_pi, 1 - rules.audit_share
    by_doubt: Floats = rules.budget * u / mean_u
    if left is not None:
        if not left >= 0:
            raise ValueError(f"a budget has nothing left or more, not {left}")
        by_doubt = np.minimum(by_doubt, min(left, 1.0))
    pi: Floats = np.clip(floor + share * by_doubt, floor, 1.0) * thinning
    return pi


def allowance(*, n_sampled: int, n_drawn: int, budget: float) -> float:
    """What the budget b has left after n inspections of the past, max(0, n*b - n_drawn) (STATISTICS §1.1).

    Raises ValueError for counts below 0, or more drawn than there were.
    """
    if not 0 <= n_drawn <= n_sampled:
        raise ValueError(f"of {n_sampled} inspections {n_drawn} cannot have been drawn")
    return max(0.0, n_sampled * budget - n_drawn)


def thinning_of(n_open: int, max_open: int | None) -> float:
    """q, one of `THINNINGS`: the largest that brings `n_open` reviews, were they drawn now, down to `max_open`.

    An eighth at least, so no inspection loses its chance. Without a limit 1. Raises ValueError for a limit below 1.
    """
    if max_open is None:
        return 1.0
    if max_open < 1:
        raise ValueError(f"at least one review may be open, not {max_open}")
    return next((q for q in THINNINGS if n_open * q <= max_open), THINNINGS[-1])


def union_probability(pis: Sequence[float]) -> float:
    """1 - prod(1 - pi_k): the chance to be drawn by at least one of several independent designs, or members' draws.

    Of the designs in whose scope the inspection lies; the others have no pi. A single one's is returned as it is.
    Raises ValueError when there is none, or one is missing, 0 or outside (0, 1]: what had no chance cannot be weighed.
    """
    if not len(pis) or any(pi is None or not 0 < pi <= 1 for pi in pis):
        raise ValueError("an inclusion probability lies above 0 and at most at 1, and there is at least one")
    if len(pis) == 1:
        return float(pis[0])
    with np.errstate(divide="ignore"):  # a pi of 1: log 0, and the union is 1
        return float(-np.expm1(np.log1p(-np.asarray(pis, dtype=np.float64)).sum()))


def proposed_audit_share(*, labels: float | None, error_rate: float | None) -> float:
    """tau: 0.8 while a window's labels times the error rate come to fewer than 20 errors, else 0.5 (STATISTICS §1.1).

    Few errors: a new model, rare errors, or a calibration that nobody has looked at. Not known counts as few.
    Raises ValueError for labels below 0 or an error rate outside [0, 1].
    """
    if labels is None or error_rate is None:
        return FEW
    if not labels >= 0 or not 0 <= error_rate <= 1:
        raise ValueError("labels are counted from 0, and an error rate lies between 0 and 1")
    return FEW if labels * error_rate < FEW_ERRORS else MANY
