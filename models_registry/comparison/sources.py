"""The paired comparison camera by camera: a candidate may be better overall and blind under one lamp."""

from __future__ import annotations

from models_registry.comparison.paired import Labels, SourceGain, holm, p_above, paired_gain
from models_registry.estimation.totals import Floats


def gains_by_source(
    truth: Labels,
    champion: Labels,
    challenger: Labels,
    pi: Floats,
    sources: Labels,
    *,
    margin: float,
    confidence: float = 0.95,
) -> tuple[SourceGain, ...]:
    """The same comparison for the parts of each camera, in the order of their names; an empty name is no camera.

    All arrays (n,). Weights are normalised inside a camera, whose number of parts is unknown. `margin`: the loss of
    accuracy that is no harm. Raises ValueError for differing shapes and for what `paired_gain` does.
    """
    if not truth.shape == champion.shape == challenger.shape == sources.shape:
        raise ValueError("truth, champion, challenger and sources have one shape, (n,)")
    fixed, broken = (champion != truth) & (challenger == truth), (champion == truth) & (challenger != truth)
    names = sorted({str(name) for name in sources} - {""})
    masks = [sources == name for name in names]
    harms = holm([p_above(broken[mask], fixed[mask], pi[mask], margin=margin) for mask in masks])
    found = []
    for name, mask, p_harm in zip(names, masks, harms, strict=True):
        one = paired_gain(fixed[mask], broken[mask], pi[mask], confidence=confidence)
        n, n_fixed, n_broken = int(mask.sum()), int(fixed[mask].sum()), int(broken[mask].sum())
        found.append(SourceGain(name, n, n_fixed, n_broken, one.gain, one.ci_low, one.ci_high, p_harm))
    return tuple(found)
