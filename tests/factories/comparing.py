"""Draws that compare a candidate with the champion."""

from __future__ import annotations

from typing import Any

from labeling.models import Inspection, ShadowDesign, ShadowDraw
from models_registry.models import ModelVersion
from tests.factories.base import NOW
from tests.factories.inspections import make_inspection


def make_shadow_design(*, candidate: ModelVersion, champion: ModelVersion, **fields: Any) -> ShadowDesign:
    fields = {"budget": 0.1, "started_at": NOW, **fields}
    return ShadowDesign.objects.create(candidate=candidate, champion=champion, **fields)


def make_shadow_draw(*, design: ShadowDesign, inspection: Inspection | None = None, **fields: Any) -> ShadowDraw:
    """An even chance that came out as drawn."""
    fields = {"disagrees": True, "pi": 0.5, "u": 0.1, "created_at": NOW, **fields}
    fields.setdefault("drawn", fields["u"] < fields["pi"])
    return ShadowDraw.objects.create(design=design, inspection=inspection or make_inspection(), **fields)
