"""Claiming for the grid: many parts of one predicted class at once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from django.contrib.auth.models import User
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from labeling import grid
from labeling.api import case_shapes
from labeling.api.authentication import person
from labeling.api.payloads import review_payload
from labeling.api.reviews import MAX_ID, ReviewView
from labeling.images.signed import image_url
from labeling.models import Review, ReviewPolicy, Verdict
from labeling.seats import seat
from models_registry.models import Label
from reviewapp.errors import ReviewAppError


class GridBody(msgspec.Struct, forbid_unknown_fields=True):
    n: int = 12
    label: str | None = None
    holding: list[int] = []


class ClaimTiles(ReviewView):
    @extend_schema(
        summary="Lease reviews of one predicted class",
        description=f"At most {grid.MOST_TILES}, the most doubtful first; never a blind one. Without a `label` that of "
        "most of those which come next.",
        request=GridBody,
        responses=case_shapes.GridAnswer,
    )
    def post(self, request: Request, slug: str) -> Response:
        user = person(request)
        at, now = seat(user, slug), timezone.now()
        body: GridBody = self.body(request, GridBody)
        label = at.table.labels.get(body.label) if body.label is not None else None
        if body.label is not None and label is None:
            raise ReviewAppError("There is no such label.", code="invalid", fields={"label": "Not in the label set."})
        model = at.table.registered_model
        tiles = grid.claim_tiles(
            user=user, registered_model=model, n=max(0, body.n), now=now, label=label,
            holding=[pk for pk in body.holding[:200] if 0 < pk <= MAX_ID],
        )  # fmt: skip
        counts = {one.label.pk: one.n for one in tiles.waiting}
        today = Verdict.objects.counting().filter(
            reviewer=user, review__registered_model=model, said_at__date=now.date()
        )
        return Response(
            {
                "label": _class(tiles.label, counts) if tiles.label else None,
                "classes": [_class(one.label, counts) for one in tiles.waiting],
                "reviews": [_tile(one, at.table.policy, user, now) for one in tiles.reviews],
                "n_mine_today": today.count(),
            }
        )


def _tile(review: Review, policy: ReviewPolicy, user: User, now: datetime) -> dict[str, Any]:
    payload = review_payload(review, policy, user=user, now=now)
    for item, shown in zip(review.inspection.items.all(), payload["items"], strict=True):
        shown["tile_url"] = image_url(item, "tile", user_id=user.pk, now=now) if item.image else shown["url"]
    return payload


def _class(label: Label, counts: dict[int, int]) -> dict[str, Any]:
    return {"slug": label.slug, "name": label.display_name, "n": counts.get(label.pk, 0)}
