"""One queue across the models of a station."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from labeling import queue
from labeling.api import shapes
from labeling.api.authentication import person
from labeling.api.payloads import review_payload
from labeling.api.recent import recent_verdicts
from labeling.api.reviews import MAX_ID, AllDayView
from labeling.models import Station, Verdict
from labeling.people.stations import bench, count_open_at
from labeling.seats import seat_at

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class StationClaimBody(msgspec.Struct, forbid_unknown_fields=True, rename={"beside": "with"}):
    n: int = 1
    holding: list[int] = []
    beside: list[Literal["counts", "recent"]] = msgspec.field(default_factory=lambda: ["counts", "recent"])


class StationClaim(AllDayView):
    @extend_schema(
        summary="Lease the next reviews of a station",
        description="Of every model that runs there and is yours to judge: parts that wait first, then the oldest.",
        request=StationClaimBody,
        responses=shapes.ClaimAnswer,
    )
    def post(self, request: Request, slug: str) -> Response:
        user, now = person(request), timezone.now()
        station, models = bench(user, slug)
        body: StationClaimBody = self.body(request, StationClaimBody)
        seats = [seat_at(user, one) for one in models]
        asked = queue.Asked(station=station.pk)
        holding = [pk for pk in body.holding[:200] if 0 < pk <= MAX_ID]
        reviews = queue.claim_of(seats, user=user, n=body.n, now=now, holding=holding, asked=asked)
        policies = {one.table.registered_model.pk: one.table.policy for one in seats}
        payload = [review_payload(one, policies[one.registered_model_id], user=user, now=now) for one in reviews]
        return Response({"reviews": payload} | _beside(body, user, station, now))


def _beside(body: StationClaimBody, user: User, station: Station, now: datetime) -> dict[str, Any]:
    mine = Verdict.objects.counting().filter(reviewer=user, review__station=station)
    said: dict[str, Any] = {}
    if "counts" in body.beside:
        since = datetime.combine(now.date(), time(), tzinfo=UTC)
        said["n_open"] = count_open_at(user, station)
        said["n_mine_today"] = mine.filter(said_at__gte=since, said_at__lt=since + timedelta(days=1)).count()
    if "recent" in body.beside:
        said["recent"] = recent_verdicts(user, mine, now=now)
    return said
