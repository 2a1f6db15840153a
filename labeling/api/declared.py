"""A person declares imported labels to be a simple random sample."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from labeling.access import reach, require
from labeling.api import shapes
from labeling.api.authentication import person
from labeling.api.reviews import ReviewView
from labeling.declared import declare_sample
from labeling.incoming import why_unstorable
from labeling.models import Station
from reviewapp.errors import NotFound, ReviewAppError

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]


class DeclarationBody(msgspec.Struct, forbid_unknown_fields=True):
    station: Name
    population: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
    as_of: date
    note: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    lot: Annotated[str, msgspec.Meta(max_length=120)] = ""


class DeclaredSamples(ReviewView):
    @extend_schema(
        summary="Declare imported labels a simple random sample of N, under your name",
        request=DeclarationBody,
        responses={201: shapes.SampleAnswer},
    )
    def post(self, request: Request, slug: str) -> Response:
        by, registered_model = person(request), require(person(request), "decide", slug)
        body: DeclarationBody = self.body(request, DeclarationBody)
        for field in ("station", "note", "lot"):
            if what := why_unstorable(getattr(body, field)):
                raise ReviewAppError(f"{field} {what}.", code="invalid", fields={field: what})
        station = Station.objects.filter(slug=body.station).first()
        if station is None or not reach(by, registered_model).covers("decide", station.site_id):
            raise NotFound(f"There is no station “{body.station}” for you.", fields={"station": "Unknown."})
        sample = declare_sample(
            registered_model=registered_model, station=station, lot=body.lot, population=body.population,
            as_of=body.as_of, note=body.note, by=by, now=timezone.now(),
        )  # fmt: skip
        return Response(
            {
                "sample": sample.pk,
                "n_sampled": sample.n_sampled,
                "population": sample.population,
                "as_of": sample.as_of,
                "declared_by": by.get_username(),
                "declared_at": sample.declared_at,
            },
            status=201,
        )
