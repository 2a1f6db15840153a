"""What the labeling side tells webhooks. Each is called in the transaction of what it tells."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from labeling.models import DispositionRecord, GroundTruth, Inspection, Review
from models_registry.models import EventName
from models_registry.services.outbox import emit


def announce_settled(truth: GroundTruth, *, disposition: str | None = None, now: datetime) -> None:
    """The label of an inspection stands, for the first time or anew. ``disposition``: what went out for its part."""
    emit(
        event=EventName.REVIEW_SETTLED, registered_model=truth.registered_model,
        object_id=f"inspection/{truth.inspection_id}", payload=partial(_settled, truth, disposition), now=now,
    )  # fmt: skip


def announce_nobody_looked(record: DispositionRecord, review: Review, *, now: datetime) -> None:
    """The deadline of a part that waited is past: the default went out."""
    emit(
        event=EventName.REVIEW_SETTLED, registered_model=review.registered_model,
        object_id=f"inspection/{review.inspection_id}", payload=partial(_nobody_looked, record, review), now=now,
    )  # fmt: skip


def announce_revoked(record: DispositionRecord, review: Review, *, now: datetime) -> None:
    """What went out for a part that waited does not hold any more."""
    emit(
        event=EventName.DISPOSITION_REVOKED, registered_model=review.registered_model,
        object_id=f"inspection/{review.inspection_id}", payload=partial(_revoked, record, review, now), now=now,
    )  # fmt: skip


def _part(inspection: Inspection) -> dict[str, Any]:
    return {
        "station": inspection.station.slug,
        "inspection_id": inspection.inspection_id,
        "serial": inspection.serial,
        "attempt": inspection.attempt,
    }


def _nobody_looked(record: DispositionRecord, review: Review) -> dict[str, Any]:
    nothing = {"label": None, "is_defect": None, "method": "deadline", "settled_at": None}
    said = {"outcome": "nobody_looked", "disposition": record.disposition, **nothing}
    return {"review_id": review.pk, "mode": "blocking", **_part(review.inspection), **said}


def _revoked(record: DispositionRecord, review: Review, now: datetime) -> dict[str, Any]:
    said = {"disposition": record.disposition, "released_at": record.created_at, "revoked_at": now}
    return {"review_id": review.pk, **_part(review.inspection), **said}


def _settled(truth: GroundTruth, disposition: str | None) -> dict[str, Any]:
    """Never what the model had said. ``review_id`` is the first round's, which the answer to the prediction named."""
    inspection, label = truth.inspection, truth.label
    rounds = Review.objects.filter(inspection=inspection, registered_model=truth.registered_model_id)
    first = rounds.order_by("round").values("pk", "mode").first()
    return {
        "review_id": first and first["pk"],
        "mode": first and first["mode"],
        **_part(inspection),
        "outcome": truth.outcome,
        "label": label.slug if label else None,
        "is_defect": label.is_defect if label else None,
        "disposition": disposition or (label.disposition if label else None),
        "method": truth.method,
        "settled_at": truth.decided_at,
    }
