"""Late truth in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from labeling.access import reach, require
from labeling.api import shapes
from labeling.api.authentication import person
from labeling.api.parsers import StrictJSONParser
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
        rows = request.data if isinstance(request.data, list) else [request.data]
        if len(rows) > settings.MAX_ROWS_PER_REQUEST:
            raise ReviewAppError(
                f"{len(rows)} rows in one request; at most {settings.MAX_ROWS_PER_REQUEST} are taken.",
                code="too_many_rows", http_status=413,
            )  # fmt: skip
        session = OutcomeRows(request)
        answers = [session.answer(raw, position) for position, raw in enumerate(rows)]
        return respond(answers, is_list=isinstance(request.data, list))


class OutcomeRows:
    """The rows of one request; what they name is looked up once."""

    def __init__(self, request: Request) -> None:
        self.by, self.now = person(request), timezone.now()
        self.known: dict[tuple[str, ...], Any] = {}

    def answer(self, raw: Any, position: int) -> dict[str, Any]:
        try:
            return {"row": position, **outcome_payload(self._record(raw, position))}
        except ReviewAppError as error:
            error.row = position
            return {
                "row": position, "status": "error", "http_status": error.http_status, "error": error.as_dict(),
            }  # fmt: skip

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


def respond(answers: list[dict[str, Any]], *, is_list: bool) -> Response:
    """As with predictions: 201 something new, 200 all known, 207 some refused, a refusal's status when all were."""
    n_refused = sum(answer["status"] == "error" for answer in answers)
    if answers and n_refused == len(answers):
        first = answers[0]
        body = {"error": first["error"]} | ({"results": answers} if is_list else {})
        return Response(body, status=first["http_status"])
    is_new = any(answer["status"] == "created" for answer in answers)
    status = 207 if n_refused else 201 if is_new else 200
    return Response({"results": answers} if is_list else answers[0], status=status)
