"""Who is looked at to compare a candidate with the champion: where the two disagree above all (STATISTICS §3.3)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labeling.routing.chances import Floats

OF_DISAGREEMENTS = 0.5
"""Share of the budget for parts on which the two differ: those alone say who is better."""
BY_CHANCE = 0.5
"""Share of the rest that is drawn whatever either says: agreements need a chance too, for shares of classes."""
PRIOR_N, PRIOR_SHARE, PRIOR_DOUBT = 20, 0.1, 0.25
"""What is supposed of a pair before anything is known: a tenth differ, both half sure, worth twenty parts."""


def comparison_probability(
    disagrees: NDArray[np.bool_],
    doubt: Floats,
    *,
    budget: float,
    n_seen: int,
    n_disagree: int,
    sum_doubt: float,
    thinning: float = 1.0,
) -> Floats:
    """pi (n,) = q*clip(b/2 * 1{disagree}/d + b/2 * (tau + (1-tau) * u/mean u), floor, 1), all at most 1.

    `disagrees` (n,): the two say different labels. `doubt` (n,): the larger uncertainty of the two, sqrt(g(1-g)). `d`
    and mean u are those of the `n_seen` parts of the past, with a prior, so the draw stays predictable. `budget` b in
    (0, 1], `thinning` q in (0, 1]. Raises ValueError for counts or values out of range.
    """  # fmt: skip
    if not 0 < budget <= 1 or not 0 < thinning <= 1:
        raise ValueError("the budget and the thinning lie above 0 and at most at 1")
    if not 0 <= n_disagree <= n_seen or sum_doubt < 0 or not bool((doubt >= 0).all()):
        raise ValueError("counts and doubts are 0 or more, and no more disagree than were seen")
    share = (n_disagree + PRIOR_N * PRIOR_SHARE) / (n_seen + PRIOR_N)
    mean = (sum_doubt + PRIOR_N * PRIOR_DOUBT) / (n_seen + PRIOR_N)
    for_difference = OF_DISAGREEMENTS * budget * disagrees / share
    for_all = (1 - OF_DISAGREEMENTS) * budget * (BY_CHANCE + (1 - BY_CHANCE) * doubt / mean)
    pi: Floats = np.clip(for_difference + for_all, floor_of(budget), 1.0) * thinning
    return pi


def floor_of(budget: float) -> float:
    """The smallest chance a part can have, before thinning."""
    return (1 - OF_DISAGREEMENTS) * BY_CHANCE * budget
