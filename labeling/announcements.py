"""What the labeling side tells webhooks. Each is called in the transaction of what it tells."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from labeling.models import GroundTruth, Review
from models_registry.models import EventName
from models_registry.services.outbox import emit


def announce_settled(truth: GroundTruth, *, now: datetime) -> None:
    """The label of an inspection stands, for the first time or anew."""
    emit(
        event=EventName.REVIEW_SETTLED, registered_model=truth.registered_model,
        object_id=f"inspection/{truth.inspection_id}", payload=partial(_settled, truth), now=now,
    )  # fmt: skip


def _settled(truth: GroundTruth) -> dict[str, Any]:
    """Never what the model had said. ``review_id`` is the first round's, which the answer to the prediction named."""
    inspection, label = truth.inspection, truth.label
    rounds = Review.objects.filter(inspection=inspection, registered_model=truth.registered_model_id)
    first = rounds.order_by("round").values("pk", "mode").first()
    return {
        "review_id": first and first["pk"],
        "mode": first and first["mode"],
        "station": inspection.station.slug,
        "inspection_id": inspection.inspection_id,
        "serial": inspection.serial,
        "attempt": inspection.attempt,
        "outcome": truth.outcome,
        "label": label.slug if label else None,
        "is_defect": label.is_defect if label else None,
        "disposition": label.disposition if label else None,
        "method": truth.method,
        "settled_at": truth.decided_at,
    }
