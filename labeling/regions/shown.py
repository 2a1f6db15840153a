"""What a person is shown of a prediction's regions, with a review that shows the prediction. Never with a blind one."""

from __future__ import annotations

import re
from typing import Any

from labeling.models import Item, Prediction
from labeling.regions.predicted import predicted_regions


def shown_regions(item: Item, said: Prediction) -> list[dict[str, Any]]:
    """The regions that were predicted on a view, in pixels of the original."""
    size = (item.width, item.height) if item.width and item.height else None
    return [
        {
            "index": one.index,
            "label": one.label,
            "confidence": one.confidence,
            "box": one.box,
            "polygon": one.polygon or None,
        }
        for one in predicted_regions(said.findings, item.view, size)
    ]


def heatmap_of(said: Prediction, view: str) -> str | None:
    """The hash of the view's heat map."""
    finding = next((one for one in said.findings if isinstance(one, dict) and one.get("view") == view), {})
    sha256 = finding.get("heatmap")
    return sha256 if isinstance(sha256, str) and re.fullmatch(r"[0-9a-f]{64}", sha256) else None
