"""What clients see of reviews and answers. Metadata by allow-list; a blind review leaks nothing of the prediction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec

from labeling.api.row_answers import refused_row
from labeling.dispositions import Standing
from labeling.images.derivatives import RECIPES
from labeling.images.signed import image_url, station_url
from labeling.ingest import Answer
from labeling.ingest.item import STATION
from labeling.models import Item, Review, ReviewPolicy, Station, Verdict

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from models_registry.models import RegisteredModel


def answer_payload(answer: Answer) -> dict[str, Any]:
    """One row of the ingest answer."""
    error = answer.error
    if error is not None:
        return refused_row(answer.row, error)
    payload = msgspec.structs.asdict(answer)
    del payload["error"]
    return payload


def review_payload(review: Review, policy: ReviewPolicy, *, user: User, now: datetime) -> dict[str, Any]:
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
        "items": [item_payload(item, review.inspection.station, user=user, now=now) for item in items],
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


def item_payload(item: Item, station: Station, *, user: User, now: datetime) -> dict[str, Any]:
    """Where a browser gets the image: in a size for the screen, whole for zooming in (where that is more), as it came.
    ``width`` and ``height`` are the original's, which positions of findings count in.
    """
    urls: dict[str, str | None] = {"url": None, "full_url": None, "original_url": None}
    if item.image:
        urls = {
            name: image_url(item, size, user_id=user.pk, now=now)
            for name, size in (("url", "review"), ("full_url", "full"), ("original_url", "original"))
        }
        if max(item.width or 0, item.height or 0) <= RECIPES["review"].side:
            urls["full_url"] = None
    elif item.image_status == Item.ImageStatus.AT_STATION and station.image_address:
        urls["url"] = urls["original_url"] = station_url(station, item.image_address.removeprefix(STATION), now=now)
    said = {"view": item.view, "width": item.width, "height": item.height, "status": item.image_status}
    return urls | said


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
