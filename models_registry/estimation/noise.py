"""What errors there are when those who look for them err themselves (STATISTICS §4). A second line, never the first."""

from __future__ import annotations

from models_registry.estimation.totals import Estimate


def rogan_gladen(
    observed: Estimate, *, sensitivity: float, specificity: float, n_sensitivity: int, n_specificity: int
) -> Estimate | None:
    """E = (Eobs + sp - 1)/(se + sp - 1), clipped to [0, 1], and its variance (Lang and Reiczigel 2014).

    ``sensitivity`` = P(called wrong | wrong), measured on ``n_sensitivity`` planted errors; ``specificity`` likewise.
    None where people do no better than chance (se + sp <= 1). Meaningless where 1 - sp reaches the observed rate: then
    flagged errors are to be looked at twice instead. Raises ValueError for shares outside [0, 1] or nothing planted.
    """
    if not 0 <= sensitivity <= 1 or not 0 <= specificity <= 1 or min(n_sensitivity, n_specificity) < 1:
        raise ValueError("a sensitivity and a specificity are shares, measured on at least one planted check each")
    skill = sensitivity + specificity - 1
    if skill <= 0:
        return None
    rate = min(max((observed.value + specificity - 1) / skill, 0.0), 1.0)
    of_specificity = (1 - rate) ** 2 * specificity * (1 - specificity) / n_specificity
    of_sensitivity = rate**2 * sensitivity * (1 - sensitivity) / n_sensitivity
    return Estimate(rate, (observed.variance + of_specificity + of_sensitivity) / skill**2)
