"""What clients see of reviews and answers. Metadata by allow-list; a blind review leaks nothing of the prediction."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec

from labeling.api.row_answers import refused_row
from labeling.dispositions import Standing
from labeling.images.derivatives import RECIPES
from labeling.images.mosaic import SIDE, has_mosaic, n_levels
from labeling.images.signed import heat_url, image_url, station_url, tiles_url
from labeling.ingest import Answer
from labeling.ingest.item import STATION
from labeling.models import Item, Prediction, Review, ReviewPolicy, Station, Verdict
from labeling.regions.shown import heatmap_of, shown_regions

if TYPE_CHECKING:
    from django.contrib.auth.models import User


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
        "model": review.registered_model.slug,
        "part": inspection.part,
        "inspection_id": inspection.inspection_id,
        "lot": inspection.lot,
        "captured_at": inspection.captured_at,
        "site_time": inspection.captured_at.astimezone(zone).strftime("%H:%M:%S"),
        "source": items[0].source.name if items else "",
        "metadata": shown,
        "items": [item_payload(item, review.inspection.station, user=user, now=now) for item in items],
        **_why_it_is_asked(review),
        "blind": review.blind,
        "phase": Verdict.Phase.BLIND if review.blind else Verdict.Phase.SHOWN,
        "prediction": None
        if review.blind or not review.prediction
        else prediction_payload(review, review.prediction, user=user, now=now),
        "lease_expires_at": review.claim_expires_at,
    }


def _why_it_is_asked(review: Review) -> dict[str, Any]:
    """That a part waits, or is always checked, follows from what was predicted: a blind review does not say it."""
    if not review.blind or review.prediction_id is None:
        return {"mode": review.mode, "deadline": review.deadline, "reason": review.reason}
    is_second = review.reason == Review.Reason.ADJUDICATION
    reason = Review.Reason.ADJUDICATION if is_second else Review.Reason.DRAWN
    return {"mode": Review.Mode.MEASURING, "deadline": None, "reason": reason}


def review_state(review: Review, state: Standing, *, hidden: bool) -> dict[str, Any]:
    """What a system asks for. What was settled and is not out yet is not told, since it may be taken back. ``hidden``:
    nor whether the part waits, to a person who may yet judge it blind.
    """
    truths = review.inspection.ground_truths.filter(registered_model=review.registered_model).select_related("label")
    truth = None if state.is_secret else truths.first()
    return {
        "id": review.pk,
        "model": review.registered_model.slug,
        "inspection_id": review.inspection.inspection_id,
        "status": Review.Status.OPEN if state.is_secret else review.status,
        "mode": Review.Mode.MEASURING if hidden else review.mode,
        "deadline": None if hidden else review.deadline,
        "outcome": truth.outcome if truth else None,
        "label": truth.label.slug if truth and truth.label else None,
        "settled_at": truth.decided_at if truth else None,
        "disposition": None if hidden else state.disposition,
        "release_at": None if hidden else state.release_at,
        "released_at": None if hidden else state.released_at,
    }


def prediction_payload(review: Review, said: Prediction, *, user: User, now: datetime) -> dict[str, Any]:
    return {
        "label": said.label.slug,
        "name": said.label.display_name,
        "confidence": said.confidence,
        "version": said.model_version.short_name,
        "views": [
            {"view": item.view, "regions": shown_regions(item, said), "heatmap_url": _heatmap(item, said, user, now)}
            for item in review.inspection.items.all()
        ],
    }


def _heatmap(item: Item, said: Prediction, user: User, now: datetime) -> str | None:
    sha256 = heatmap_of(said, item.view)
    return heat_url(item, sha256, user_id=user.pk, now=now) if sha256 else None


def item_payload(item: Item, station: Station, *, user: User, now: datetime) -> dict[str, Any]:
    """Where a browser gets the image: in a size for the screen, whole for zooming in (where that is more), as it came;
    a very large one in tiles. ``width`` and ``height`` are the original's, which positions of findings count in.
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
    return urls | said | {"tiles": _tiles(item, user, now)}


def _tiles(item: Item, user: User, now: datetime) -> dict[str, Any] | None:
    if not item.image or not has_mosaic(item.width, item.height):
        return None
    levels = n_levels(item.width or 0, item.height or 0)
    return {"url": tiles_url(item, user_id=user.pk, now=now), "side": SIDE, "levels": levels}


def verdict_payload(verdict: Verdict, *, part: str | None = None, can_undo: bool = True) -> dict[str, Any]:
    return {
        "client_id": verdict.client_id,
        "review": verdict.review_id,
        "part": part or verdict.review.inspection.part,
        "kind": verdict.kind,
        "label": verdict.label.slug if verdict.label else None,
        "name": verdict.label.display_name if verdict.label else str(verdict.get_kind_display()),
        "phase": verdict.phase,
        "shown_at": verdict.shown_at,
        "said_at": verdict.said_at,
        "can_undo": can_undo,
        "can_challenge": False,
        "case": None,
    }
