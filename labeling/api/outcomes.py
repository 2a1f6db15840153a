"""Late truth in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from labeling.access import reach, require
from labeling.api import shapes
from labeling.api.authentication import person
from labeling.api.parsers import StrictJSONParser
from labeling.api.row_answers import refused_row, respond_to_rows, rows_in
from labeling.errors import RowRefused
from labeling.late_truth import OutcomeRow, RecordedOutcome, decode_outcome, record_outcome
from labeling.models import Source, Station
from models_registry.models import Label, RegisteredModel
from reviewapp.errors import ReviewAppError

T = TypeVar("T")


class Outcomes(APIView):
    parser_classes = [StrictJSONParser]

    @extend_schema(
        summary="What turned out about parts elsewhere, one or a list",
        description="It trains and shows incidents; it enters no estimate.",
        request={"application/json": shapes.one_or_many("OutcomeRows", OutcomeRow)},
        responses=shapes.answers("OutcomesAnswer", shapes.OutcomeAnswer),
    )
    def post(self, request: Request) -> Response:
        rows, is_list = rows_in(request)
        session = OutcomeRows(request)
        answers = [session.answer(raw, position) for position, raw in enumerate(rows)]
        return respond_to_rows(answers, is_list=is_list)


class OutcomeRows:
    """The rows of one request; what they name is looked up once."""

    def __init__(self, request: Request) -> None:
        self.by, self.now = person(request), timezone.now()
        self.known: dict[tuple[str, ...], Any] = {}

    def answer(self, raw: Any, position: int) -> dict[str, Any]:
        try:
            return {"row": position, **outcome_payload(self._record(raw, position))}
        except ReviewAppError as error:
            return refused_row(position, error)

    def _record(self, raw: Any, position: int) -> RecordedOutcome:
        row = decode_outcome(raw, position=position, now=self.now)
        model = self._once(("model", row.model), lambda: require(self.by, "ingest", row.model))
        station = self._once(("place", row.model, row.station or "", row.source or ""), lambda: self._place(row, model))
        label = self._once(("label", row.model, row.label), lambda: _label(row, model))
        return record_outcome(row=row, registered_model=model, label=label, station=station, by=self.by, now=self.now)

    def _place(self, row: OutcomeRow, model: RegisteredModel) -> Station:
        """The station; one of another site is none to this system."""
        field, named = ("station", row.station) if row.station else ("source", row.source)
        if field == "station":
            station = Station.objects.filter(slug=named).first()
        else:
            source = Source.objects.select_related("station").filter(slug=named).first()
            station = source.station if source else None
        if station is None or not reach(self.by, model).covers("ingest", station.site_id):
            raise RowRefused(
                f"There is no {field} “{named}” for you.", code=f"unknown_{field}", fields={field: "Unknown."}
            )
        return station

    def _once(self, key: tuple[str, ...], find: Callable[[], T]) -> T:
        """What a row names, or the refusal that the first row got."""
        if key not in self.known:
            try:
                self.known[key] = find()
            except ReviewAppError as error:
                self.known[key] = error
        found: T | ReviewAppError = self.known[key]
        if isinstance(found, ReviewAppError):
            fields = found.fields or {key[0]: "Refused."}
            raise RowRefused(found.message, code=found.code, http_status=found.http_status, fields=fields)
        return found


def _label(row: OutcomeRow, model: RegisteredModel) -> Label:
    label = Label.objects.filter(label_set=model.label_set_id, slug=row.label).first()
    if label is None:
        raise RowRefused(
            f"“{row.label}” is not in the label set.", code="unknown_label", fields={"label": "Not in the label set."}
        )
    return label


def outcome_payload(recorded: RecordedOutcome) -> dict[str, Any]:
    inspection = recorded.outcome.inspection
    return {
        "status": "created" if recorded.is_new else "duplicate",
        "outcome": recorded.outcome.pk,
        "matched": inspection is not None,
        "inspection_id": inspection.inspection_id if inspection else None,
        "attempt": inspection.attempt if inspection else None,
    }
