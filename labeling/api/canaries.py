"""Canaries for systems, and which version is in charge of a part."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from labeling.access import reach, require
from labeling.api.authentication import person
from labeling.api.reviews import MAX_ID, ReviewView
from labeling.api.versions import answer, numbered
from labeling.canaries import start_canary, stations_named, stop_canary, version_in_charge
from labeling.incoming import why_unstorable
from labeling.models import Canary, Source
from models_registry.errors import NoChampion
from reviewapp.errors import NotFound, ReviewAppError

MOST = 50
Words = Annotated[str, msgspec.Meta(max_length=2000)]


class CanaryBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`stations`: slugs, none for all. `lot_share`: of the lots, left out for every part."""

    version: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
    reason: Words
    stations: Annotated[list[str], msgspec.Meta(max_length=500)] = []
    lot_share: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None
    change_number: Annotated[str, msgspec.Meta(max_length=60)] = ""


class StopBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: Words


class PartBody(msgspec.Struct, forbid_unknown_fields=True):
    source: Annotated[str, msgspec.Meta(max_length=200)]
    lot: Annotated[str, msgspec.Meta(max_length=120)] = ""


class CanaryRow(msgspec.Struct):
    id: int
    candidate: int
    champion: int
    stations: list[str]
    lot_share: float | None
    reason: str
    change_number: str
    started_at: datetime
    started_by: str
    ended_at: datetime | None
    outcome: str | None
    end_reason: str


class CanaryList(msgspec.Struct):
    canaries: list[CanaryRow]


class InCharge(msgspec.Struct):
    version: int
    external_name: str
    is_canary: bool


class Canaries(ReviewView):
    @extend_schema(operation_id="canaries_list", summary="A model's canaries, newest first", responses=CanaryList)
    def get(self, request: Request, slug: str) -> Response:
        found = Canary.objects.filter(registered_model=require(person(request), "view", slug))
        rows = found.select_related("candidate", "champion", "started_by").prefetch_related("stations")
        return answer(CanaryList([_row(one) for one in rows.order_by("-pk")[:MOST]]))

    @extend_schema(
        summary="Let a candidate answer for some stations or lots", request=CanaryBody, responses={201: CanaryRow}
    )
    def post(self, request: Request, slug: str) -> Response:
        registered_model = require(person(request), "decide", slug)
        body: CanaryBody = self.body(request, CanaryBody)
        _refuse_unstorable(body)
        made = start_canary(
            candidate=numbered(registered_model.pk, body.version), stations=stations_named(body.stations),
            lot_share=body.lot_share, by=person(request), reason=body.reason, change_number=body.change_number,
            now=timezone.now(),
        )  # fmt: skip
        response = answer(_row(made))
        response.status_code = 201
        return response


class CanaryStop(ReviewView):
    @extend_schema(summary="Stop a canary; lots that began keep their version", request=StopBody, responses=CanaryRow)
    def post(self, request: Request, slug: str, pk: int) -> Response:
        registered_model = require(person(request), "decide", slug)
        found = Canary.objects.filter(registered_model=registered_model, pk=pk) if pk <= MAX_ID else None
        canary = found.select_related("candidate", "champion", "started_by").first() if found is not None else None
        if canary is None:
            raise NotFound("There is no such canary for you.")
        body: StopBody = self.body(request, StopBody)
        _refuse_unstorable(body)
        stop_canary(canary=canary, by=person(request), reason=body.reason, now=timezone.now())
        canary.refresh_from_db()
        return answer(_row(canary))


class Serving(ReviewView):
    @extend_schema(
        summary="Which version a line runs for a part of this camera and lot",
        description="Asking decides: of a lot that a canary may take, the first question settles the version.",
        request=PartBody,
        responses=InCharge,
    )
    def post(self, request: Request, slug: str) -> Response:
        user = person(request)
        registered_model = require(user, "ingest", slug)
        body: PartBody = self.body(request, PartBody)
        _refuse_unstorable(body)
        source = Source.objects.select_related("station").filter(slug=body.source).first()
        if source is None or not reach(user, registered_model).covers("ingest", source.station.site_id):
            said = f"There is no source “{body.source}” for you."
            raise ReviewAppError(said, code="unknown_source", fields={"source": "Unknown."})
        version = version_in_charge(
            registered_model=registered_model, station=source.station_id, lot=body.lot, now=timezone.now()
        )
        if version is None:
            raise NoChampion(f"{registered_model} has no champion yet.")
        return answer(InCharge(version.number, version.external_name, version.stage == version.Stage.CANDIDATE))


def _refuse_unstorable(body: msgspec.Struct) -> None:
    for name, text in msgspec.structs.asdict(body).items():
        if what := why_unstorable(text):
            raise ReviewAppError(f"{name} {what}.", code="invalid", fields={name: what})


def _row(one: Canary) -> CanaryRow:
    return CanaryRow(
        id=one.pk, candidate=one.candidate.number, champion=one.champion.number,
        stations=sorted(station.slug for station in one.stations.all()), lot_share=one.lot_share, reason=one.reason,
        change_number=one.change_number, started_at=one.started_at, started_by=one.started_by.username,
        ended_at=one.ended_at, outcome=one.outcome or None, end_reason=one.end_reason,
    )  # fmt: skip
