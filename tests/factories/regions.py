"""Regions that a version drew, and what they were measured to be."""

from __future__ import annotations

from typing import Any

from labeling.models import Prediction, RegionMatch
from tests.factories.base import NOW
from tests.factories.inspections import make_prediction


def drawn(*regions: dict[str, Any], view: str = "main", label: str = "scratch") -> list[dict[str, Any]]:
    """Findings of a prediction, as the line's come in."""
    return [{"view": view, "label": label, "confidence": 0.9, "digest": "", "regions": list(regions)}]


def a_box(*sides: float, label: str | None = "scratch", confidence: float | None = 0.9) -> dict[str, Any]:
    said = {"box": [float(side) for side in sides], "label": label, "confidence": confidence}
    return {name: value for name, value in said.items() if value is not None}


def make_region_match(*, prediction: Prediction | None = None, **fields: Any) -> RegionMatch:
    """All classes of a prediction together: one region found, one missed."""
    prediction = prediction or make_prediction()
    fields = {
        "label": "", "day": NOW.date(), "is_certainty": False, "edge": 1.0, "floor_pi": 0.05, "pi": 0.05,
        "n_matched": 1, "n_missed": 1, "n_false": 0, **fields,
    }  # fmt: skip
    return RegionMatch.objects.create(prediction=prediction, model_version=prediction.model_version, **fields)
