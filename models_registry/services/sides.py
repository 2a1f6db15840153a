"""What a candidate and a champion said of the same inspections, from whatever place, and what it comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models_registry.comparison import (
    ClassGain,
    Gain,
    PairedComparison,
    SourceGain,
    calibration_loss,
    compare_paired,
    gains_by_source,
)
from models_registry.manifest import ManifestRow
from models_registry.models import Comparison, PromotionPolicy
from models_registry.services.promotion_policies import guarded_classes

Words = NDArray[np.str_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sides:
    """Arrays (n,). `sure`: how sure each is, None where one gives no confidence. `sources`: empty where not known."""

    truth: Words
    champion: Words
    candidate: Words
    pi: Floats
    champion_sure: Floats | None = None
    candidate_sure: Floats | None = None
    sources: Words | None = None


def sources_of(rows: Sequence[ManifestRow]) -> Words | None:
    """The camera of each held-out inspection; None where the dataset was frozen before it was known."""
    found: Words = np.array([row.source for row in rows], dtype=np.str_)
    return found if bool((found != "").any()) else None


def compare_sides(
    sides: Sides, policy: PromotionPolicy, *, classes: list[str], confidence: float = 0.95
) -> PairedComparison:
    """The paired comparison with everything that the policy guards."""
    labels = policy.registered_model.label_set.labels
    paired = compare_paired(
        sides.truth,
        sides.champion,
        sides.candidate,
        sides.pi,
        classes=classes,
        guarded_classes=[label for label in guarded_classes(policy) if label in classes],
        good_classes=list(labels.filter(is_defect=False).values_list("slug", flat=True)),
        escape_margin=policy.class_margin,
        confidence=confidence,
    )
    sources: tuple[SourceGain, ...] = ()
    if sides.sources is not None and policy.guard_sources:
        sources = gains_by_source(
            sides.truth, sides.champion, sides.candidate, sides.pi, sides.sources, margin=policy.source_margin,
            confidence=confidence,
        )  # fmt: skip
    return replace(paired, calibration=_calibration(sides), sources=sources)


def _calibration(sides: Sides) -> Gain | None:
    """How much worse the candidate's confidence is; None where a model's scores are no probabilities."""
    before, sure = sides.champion_sure, sides.candidate_sure
    if before is None or sure is None or not len(sure):
        return None
    if max(sure.max(), before.max()) > 1 or min(sure.min(), before.min()) < 0:
        return None
    return calibration_loss(sides.champion == sides.truth, before, sides.candidate == sides.truth, sure, sides.pi)


def stored_fields(paired: PairedComparison) -> dict[str, Any]:
    """A comparison as a row of `Comparison` holds it."""
    return {
        "method": paired.method,
        "n": paired.n,
        "n_fixed": paired.n_fixed,
        "n_broken": paired.n_broken,
        "n_both_wrong": paired.n_both_wrong,
        "n_both_right": paired.n_both_right,
        "gain": paired.gain,
        "ci_low": paired.ci_low,
        "ci_high": paired.ci_high,
        "classes": [asdict(one) for one in paired.classes],
        "sources": [asdict(one) for one in paired.sources],
        "calibration": asdict(paired.calibration) if paired.calibration else None,
        "confidence": paired.confidence,
    }


def as_paired(row: Comparison | None) -> PairedComparison | None:
    """The comparison that a row holds; None where nothing was compared."""
    if row is None or row.gain is None:
        return None
    return PairedComparison(
        n=row.n,
        n_fixed=row.n_fixed,
        n_broken=row.n_broken,
        n_both_wrong=row.n_both_wrong,
        n_both_right=row.n_both_right,
        gain=row.gain,
        ci_low=row.ci_low,
        ci_high=row.ci_high,
        method=row.method,  # type: ignore[arg-type]
        champion_accuracy=row.champion_accuracy,
        challenger_accuracy=row.candidate_accuracy,
        p_value=None,
        classes=tuple(_as(ClassGain, one) for one in row.classes),
        calibration=Gain(**row.calibration) if row.calibration else None,
        sources=tuple(_as(SourceGain, one) for one in row.sources),
        confidence=row.confidence,
    )


def _as(kind: type[Any], stored: Mapping[str, Any]) -> Any:
    """Rows of older code have fewer fields, and nothing is guarded that was not then."""
    known = {name: stored.get(name) for name in kind.__dataclass_fields__}
    return kind(**(known | {"guarded": bool(stored.get("guarded"))} if "guarded" in known else known))
