"""Challenger against champion on the same items, weighted and paired (STATISTICS §3.3)."""

from models_registry.comparison.paired import (
    ClassGain,
    Gain,
    PairedComparison,
    SourceGain,
    calibration_loss,
    compare_paired,
    holm,
    mcnemar,
    mcnemar_exact,
    p_above,
    paired_gain,
    paired_saving,
)
from models_registry.comparison.sources import gains_by_source

__all__ = [
    "ClassGain",
    "Gain",
    "PairedComparison",
    "SourceGain",
    "calibration_loss",
    "compare_paired",
    "gains_by_source",
    "holm",
    "mcnemar",
    "mcnemar_exact",
    "p_above",
    "paired_gain",
    "paired_saving",
]
