"""Containment: which parts went out, between two times, on the word of one version, and what is known of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import OuterRef, QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from labeling.api import filters
from labeling.api.evidence import Evidence, evidence
from labeling.api.lists import CURSOR, SIZE, Asked, ListView, Page, PredictionList
from labeling.csv_lines import csv_line
from labeling.models import DispositionRecord, Prediction
from labeling.paging import MOST, Position, newest_in_lanes, patiently, some
from reviewapp.errors import ReviewAppError

COLUMNS = (
    "station", "inspection_id", "serial", "attempt", "lot", "captured_at", "model", "version", "label", "confidence",
    "disposition", "told", "reported", "drawn", "probability", "review_status", "verdicts", "truth", "truth_method",
    "outcome", "outcome_origin", "images",
)  # fmt: skip


class ContainmentPage(Page):
    results: list[Evidence]


class Containment(ListView):
    filterset_class, queryset, shape = filters.ContainmentFilter, Prediction.objects.all(), ContainmentPage
    build, order, details = evidence, PredictionList.order, PredictionList.details

    @extend_schema(
        summary="All parts that a version passed at a station between two times, with their evidence",
        parameters=[CURSOR, SIZE],
        responses={(200, "application/json"): ContainmentPage, (200, "text/csv"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request) -> Response | StreamingHttpResponse:
        """By the time of the prediction, newest first. A part counts as passed that was ever told or reported `pass`,
        also where that was revoked: it may have gone out. Parts that you may still have to judge are left out.
        """
        if request.query_params.get("format") != "csv":
            return self.answer(request)
        asked = self.asked(request)
        self.read(asked)  # refuses now what it would have to refuse
        answer = StreamingHttpResponse(self._lines(asked), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = 'attachment; filename="containment.csv"'
        answer["Cache-Control"] = "no-store"
        return answer

    def read(self, asked: Asked) -> QuerySet[Any]:
        assert self.order is not None  # noqa: S101 - said above
        said = asked.said
        if said["from"] >= said["to"]:
            raise ReviewAppError("from lies before to.", code="invalid", fields={"to": "Not after from."})
        rows, wanted = asked.rows, said["disposition"] or "pass"
        if wanted != "any":
            rows = rows.filter(
                some(DispositionRecord.objects.filter(inspection=OuterRef("inspection"), disposition=wanted))
            )
        return newest_in_lanes(rows, self.order, asked.versions(), after=asked.after, size=asked.size + 1)

    def _lines(self, asked: Asked) -> Iterator[str]:
        """Page by page, so that a month needs no more memory than an hour, and no transaction that lasts as long."""
        asked.size = MOST
        yield csv_line(COLUMNS)
        while True:
            with patiently():
                found = list(self.read(asked).select_related(*self.details))
                rows = evidence(found[:MOST])
            yield "".join(csv_line(_flat(row)) for row in rows)
            if len(found) <= MOST:
                return
            asked.after = Position(found[MOST - 1].pk, found[MOST - 1].predicted_at)


def _flat(row: Evidence) -> tuple[object, ...]:
    answered = [one for one in row.dispositions if one.origin != "reported" and one.revoked_at is None]
    reported = [one for one in row.dispositions if one.origin == "reported"]
    verdicts = [one for review in row.reviews for one in review.verdicts]
    truth, draw, later = row.ground_truth, row.draw, row.outcomes[-1] if row.outcomes else None
    return (
        row.station, row.inspection_id, row.serial, row.attempt, row.lot, row.captured_at.isoformat(), row.model,
        row.version, row.prediction.label, row.prediction.confidence, row.disposition,
        answered[-1].disposition if answered else "", reported[-1].disposition if reported else "",
        draw.drawn if draw else "", draw.probability if draw else "",
        row.reviews[-1].status if row.reviews else "none", " ".join(one.label or one.kind for one in verdicts),
        (truth.label or truth.outcome) if truth else "", truth.method if truth else "",
        later.label if later else "", later.origin if later else "", " ".join(row.images),
    )  # fmt: skip
