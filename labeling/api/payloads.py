"""What clients see of reviews and answers. Metadata by allow-list; a blind review leaks nothing of the prediction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec
from django.urls import reverse

from labeling.dispositions import Standing
from labeling.ingest import Answer
from labeling.models import Item, Review, ReviewPolicy, Verdict

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from models_registry.models import RegisteredModel


def answer_payload(answer: Answer) -> dict[str, Any]:
    """One row of the ingest answer."""
    error = answer.error
    if error is not None:
        return {
            "row": answer.row, "status": "error", "http_status": error.http_status,
            "error": error.as_dict() | {"row": answer.row},
        }  # fmt: skip
    payload = msgspec.structs.asdict(answer)
    del payload["error"]
    return payload


def review_payload(review: Review, policy: ReviewPolicy) -> dict[str, Any]:
    inspection = review.inspection
    zone = ZoneInfo(inspection.station.site.time_zone)
    items = list(inspection.items.all())
    shown = {name: inspection.metadata[name] for name in policy.metadata_shown if name in inspection.metadata}
    return {
        "id": review.pk,
        "part": inspection.part,
        "inspection_id": inspection.inspection_id,
        "lot": inspection.lot,
        "captured_at": inspection.captured_at,
        "site_time": inspection.captured_at.astimezone(zone).strftime("%H:%M:%S"),
        "source": items[0].source.name if items else "",
        "metadata": shown,
        "items": [item_payload(item) for item in items],
        "mode": review.mode,
        "deadline": review.deadline,
        "reason": review.reason,
        "blind": review.blind,
        "phase": Verdict.Phase.BLIND if review.blind else Verdict.Phase.SHOWN,
        "prediction": None if review.blind else _prediction(review),
        "lease_expires_at": review.claim_expires_at,
    }


def review_state(review: Review, state: Standing) -> dict[str, Any]:
    """What a system asks for. What was settled and is not out yet is not told, since it may be taken back."""
    truths = review.inspection.ground_truths.filter(registered_model=review.registered_model).select_related("label")
    truth = None if state.is_secret else truths.first()
    return {
        "id": review.pk,
        "model": review.registered_model.slug,
        "inspection_id": review.inspection.inspection_id,
        "status": Review.Status.OPEN if state.is_secret else review.status,
        "mode": review.mode,
        "deadline": review.deadline,
        "outcome": truth.outcome if truth else None,
        "label": truth.label.slug if truth and truth.label else None,
        "settled_at": truth.decided_at if truth else None,
        "disposition": state.disposition,
        "release_at": state.release_at,
        "released_at": state.released_at,
    }


def _prediction(review: Review) -> dict[str, Any] | None:
    said = review.prediction
    if said is None:
        return None
    return {
        "label": said.label.slug,
        "name": said.label.display_name,
        "confidence": said.confidence,
        "version": said.model_version.short_name,
    }


def item_payload(item: Item) -> dict[str, Any]:
    url = reverse("item-image", args=[item.public_id]) if item.image else None
    return {"url": url, "view": item.view, "width": item.width, "height": item.height}


def verdict_payload(verdict: Verdict, *, can_undo: bool = True) -> dict[str, Any]:
    return {
        "client_id": verdict.client_id,
        "review": verdict.review_id,
        "part": verdict.review.inspection.part,
        "kind": verdict.kind,
        "label": verdict.label.slug if verdict.label else None,
        "name": verdict.label.display_name if verdict.label else str(verdict.get_kind_display()),
        "said_at": verdict.said_at,
        "can_undo": can_undo,
    }


def recent_verdicts(user: User, registered_model: RegisteredModel) -> Iterable[dict[str, Any]]:
    """A person's last ten standing verdicts on a model."""
    verdicts = (
        Verdict.objects.current()
        .filter(reviewer=user, review__registered_model=registered_model)
        .select_related("review__inspection", "label")
        .order_by("-pk")[:10]
    )
    return [verdict_payload(verdict) for verdict in verdicts]
