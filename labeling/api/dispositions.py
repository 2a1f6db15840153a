"""What the line really did with its parts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from labeling.access import may_report, require_verb
from labeling.api import shapes
from labeling.api.authentication import person
from labeling.api.lists import DispositionList
from labeling.api.parsers import StrictJSONParser
from labeling.api.row_answers import refused_row, respond_to_rows, rows_in
from labeling.dispositions import report
from labeling.errors import RowRefused
from labeling.incoming import why_no_moment, why_not_yet, why_unstorable
from labeling.models import Inspection
from reviewapp.errors import ReviewAppError

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]


class ReportRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One row as it was sent: a part, and what was done with it."""

    disposition: Literal["pass", "reject", "hold"]
    done_at: datetime | None = None
    station: Name | None = None
    source: Name | None = None
    inspection_id: Name | None = None
    serial: Name | None = None
    attempt: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None


class Dispositions(DispositionList):
    parser_classes = [StrictJSONParser]

    @extend_schema(
        summary="What the line did with parts, one or a list",
        description="Escape figures use it before what the line was told. A part that left is waited for by nobody.",
        request={"application/json": shapes.one_or_many("ReportRows", ReportRow)},
        responses=shapes.answers("DispositionsAnswer", shapes.DispositionAnswer),
    )
    def post(self, request: Request) -> Response:
        require_verb(person(request), "ingest")
        rows, is_list = rows_in(request)
        now = timezone.now()
        answers = [_answer(request, raw, position, now) for position, raw in enumerate(rows)]
        return respond_to_rows(answers, is_list=is_list)


def _answer(request: Request, raw: Any, position: int, now: datetime) -> dict[str, Any]:
    try:
        row = _decode(raw, now)
        part = _part(request, row)
        record, is_new = report(
            inspection=part, disposition=row.disposition, done_at=row.done_at, by=person(request), now=now
        )
    except ReviewAppError as error:
        return refused_row(position, error)
    return {
        "row": position,
        "status": "created" if is_new else "duplicate",
        "inspection_id": part.inspection_id,
        "attempt": part.attempt,
        "disposition": record.disposition,
        "done_at": record.done_at,
    }


def _decode(raw: Any, now: datetime) -> ReportRow:
    """:raises RowRefused: names the field and what is wrong with it."""
    if not isinstance(raw, Mapping):
        raise RowRefused("A row is an object.", fields={"row": "Not an object."})
    try:
        row = msgspec.convert(dict(raw), ReportRow)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at ")
        named = place.strip("`$.") or what.rpartition("field `")[2].rstrip("`") or "row"
        raise RowRefused(f"{named}: {what}.", fields={named: what}) from error
    wrong = {name: what for name in row.__struct_fields__ if (what := why_unstorable(getattr(row, name)))}
    if what := why_no_moment(row.done_at) or why_not_yet(row.done_at, now=now):
        wrong["done_at"] = what
    if (row.inspection_id is None) == (row.serial is None):
        wrong["serial"] = "or inspection_id names the part: one of the two"
    if (row.station is None) == (row.source is None):
        wrong["station"] = "or source says where it was inspected: one of the two"
    if row.attempt is not None and row.serial is None:
        wrong["attempt"] = "belongs to a serial"
    for name, what in wrong.items():
        raise RowRefused(f"{name} {what}.", fields={name: what[:1].upper() + what[1:] + "."})
    return row


def _part(request: Request, row: ReportRow) -> Inspection:
    """The inspection that a row names; a serial without an attempt is its latest one.

    :raises RowRefused: there is none, or none for this system, which is told apart nowhere.
    """
    parts = Inspection.objects.select_related("station")
    parts = parts.filter(station__slug=row.station) if row.station else parts.filter(station__sources__slug=row.source)
    if row.inspection_id is not None:
        parts, field = parts.filter(inspection_id=row.inspection_id), "inspection_id"
    else:
        parts, field = parts.filter(serial=row.serial), "serial"
    if row.attempt is not None:
        parts = parts.filter(attempt=row.attempt)
    part = parts.order_by("-attempt").first()
    if part is None or not may_report(person(request), part):
        raise RowRefused(
            f"There is no such part for you: {getattr(row, field)}.", code="unknown_part", http_status=404,
            fields={field: "Unknown."},
        )  # fmt: skip
    return part
