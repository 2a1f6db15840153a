"""Canaries."""

from __future__ import annotations

from typing import Any

from labeling.models import Canary, CanaryLot
from models_registry.models import ModelVersion
from tests.factories.base import NOW
from tests.factories.people import make_user


def make_canary(*, candidate: ModelVersion, champion: ModelVersion, **fields: Any) -> Canary:
    """One that runs on every second lot of all stations."""
    fields = {"lot_share": 0.5, "reason": "Two lots first.", "started_at": NOW, **fields}
    fields.setdefault("started_by", make_user("lena"))
    return Canary.objects.create(
        registered_model=candidate.registered_model, candidate=candidate, champion=champion, **fields
    )


def make_canary_lot(*, canary: Canary, lot: str = "L-1", **fields: Any) -> CanaryLot:
    return CanaryLot.objects.create(
        canary=canary, lot=lot, **{"version": canary.candidate, "decided_at": NOW, **fields}
    )
