"""The ways in: predictions of a version, images without one, and images for the champion to judge."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import partial
from typing import Any, cast

import msgspec
from django.http import QueryDict
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from labeling import desk
from labeling.access import require
from labeling.api import shapes
from labeling.api.authentication import person
from labeling.api.idempotency import HEADER, IDEMPOTENCY_KEY, answer_once
from labeling.api.judging import judge_rows
from labeling.api.judging import refuse_too_many as refuse_too_many_images
from labeling.api.lists import InspectionList, PredictionList
from labeling.api.parsers import StrictJSONParser, Utf8MultiPartParser, decode
from labeling.api.payloads import answer_payload
from labeling.api.row_answers import refuse_too_many
from labeling.api.rows import RequestRows
from labeling.canaries import version_in_charge
from labeling.errors import RowRefused
from labeling.ingest import Answer, Ingest, Submission
from labeling.models import Item
from labeling.tasks import nudge_fetcher, nudge_maker
from models_registry.errors import NoChampion
from models_registry.models import ModelVersion, RegisteredModel
from reviewapp.errors import ReviewAppError

JSON_IN_FORMS = ("scores", "metadata", "findings")
PARSERS = [StrictJSONParser, Utf8MultiPartParser]
ATOMIC = OpenApiParameter("atomic", bool, description="All rows or none; without it each part stands for itself.")


class IngestView(APIView):
    # parse rows and images, prepare each, store, answer row by row

    parser_classes = PARSERS
    predicted = True

    def ingest(self, request: Request) -> HttpResponseBase:
        atomic, (raw_rows, is_list) = _atomic(request), rows_of(request)
        key = request.headers.get(HEADER)
        if key is None:
            return self._store(request, raw_rows, is_list=is_list, atomic=atomic)

        def work() -> tuple[bytes, int]:
            response = self._store(request, raw_rows, is_list=is_list, atomic=atomic)
            return JSONRenderer().render(response.data), response.status_code

        return answer_once(request, key=key, sha256=lambda: _sha256(request, raw_rows), work=work)

    def _store(self, request: Request, raw_rows: list[Any], *, is_list: bool, atomic: bool) -> Response:
        ingest = Ingest(now=timezone.now(), sources=desk.sources())
        session = RequestRows(request, ingest, model=None, predicted=self.predicted)
        submissions, refused = session.prepare(raw_rows)
        if atomic and refused:
            return _nothing_stored(refused)
        stored = session.ingest.store(submissions, atomic=atomic)
        _nudge_workers(stored)
        return respond(sorted([*stored, *refused], key=lambda answer: answer.row), is_list=is_list)


class Predictions(PredictionList, IngestView):
    @extend_schema(
        summary="Send predictions, one or a list",
        examples=[shapes.A_PREDICTION, shapes.ITS_ANSWER],
        parameters=[ATOMIC, IDEMPOTENCY_KEY],
        request=shapes.ROWS,
        responses=shapes.answers("PredictionsAnswer", shapes.PredictionAnswer, counted=True),
    )
    def post(self, request: Request) -> HttpResponseBase:
        return self.ingest(request)


class Inspections(InspectionList, IngestView):
    """Images that no version has judged: people give the first labels."""

    predicted = False

    @extend_schema(
        summary="Send images without a prediction",
        parameters=[ATOMIC, IDEMPOTENCY_KEY],
        request=shapes.ROWS,
        responses=shapes.answers("PredictionsAnswer", shapes.PredictionAnswer, counted=True),
    )
    def post(self, request: Request) -> HttpResponseBase:
        return self.ingest(request)


class Predict(APIView):
    """Images in, the champion's labels and scores out; stored and routed like any other predictions. The views of a
    part that come together are judged as one.
    """

    parser_classes = PARSERS

    @extend_schema(
        summary="Let the champion judge images (in a canary's lots and at its stations, its candidate)",
        parameters=[ATOMIC],
        request=shapes.ROWS,
        responses=shapes.answers("PredictionsAnswer", shapes.PredictionAnswer, counted=True),
    )
    def post(self, request: Request, slug: str) -> Response:
        registered_model, now = require(person(request), "ingest", slug), timezone.now()
        if ModelVersion.objects.champion_of(registered_model) is None:
            raise NoChampion(
                f"{registered_model} has no champion yet. Send images to /inspections/ and label some first."
            )
        session = RequestRows(request, Ingest(now=now, sources=desk.sources()), model=slug, predicted=False)
        atomic, (rows, is_list) = _atomic(request), rows_of(request)
        refuse_too_many_images(rows)
        submissions, refused = judge_rows(session, rows, registered_model, partial(_in_charge, registered_model, now))
        if atomic and refused:
            return _nothing_stored(refused)
        stored = session.ingest.store(submissions, atomic=atomic)
        _nudge_workers(stored)
        return respond(sorted([*stored, *refused], key=lambda answer: answer.row), is_list=is_list)


def _in_charge(registered_model: RegisteredModel, now: datetime, one: Submission) -> ModelVersion:
    """The champion, or the version that a canary gave the part's lot or station."""
    version = version_in_charge(
        registered_model=registered_model, station=one.source.station_id, lot=one.row.lot, now=now,
        part=one.row.inspection_id,
    )  # fmt: skip
    if version is None:
        raise NoChampion(f"{registered_model} has no champion any more.")
    return version


def _nudge_workers(stored: list[Answer]) -> None:
    """Images to be fetched, and those that people will look at."""
    if any(answer.image == Item.ImageStatus.FETCHING for answer in stored):
        nudge_fetcher()
    here = {one.review_id for one in stored if one.review_id and one.image == Item.ImageStatus.STORED}
    nudge_maker(reviews=here if any(one.status == "created" for one in stored) else ())


def _sha256(request: Request, raw_rows: list[Any]) -> str:
    """Of what was sent: the rows and every file."""
    digest = hashlib.sha256(msgspec.json.encode(raw_rows))
    for name in sorted(request.FILES):
        upload = request.FILES[name]
        upload.seek(0)
        digest.update(f"\0{name}\0{upload.size}\0".encode())
        for piece in upload.chunks():
            digest.update(piece)
        upload.seek(0)
    return digest.hexdigest()


def _atomic(request: Request) -> bool:
    said = request.query_params.get("atomic", "false").lower()
    if said not in {"1", "true", "yes", "0", "false", "no", ""}:
        raise ReviewAppError("atomic is true or false.", code="invalid", fields={"atomic": "true or false."})
    return said in {"1", "true", "yes"}


def rows_of(request: Request) -> tuple[list[Any], bool]:
    """The rows of a JSON body, of a form, or of a form's ``rows``. Returns them and whether they came as a list."""
    if isinstance(request.data, list):
        rows, is_list = request.data, True
    elif isinstance(request.data, QueryDict):
        rows, is_list = _form_rows(request.POST)  # without the files, which `data` has too
    else:
        rows, is_list = [request.data], False
    refuse_too_many(rows)
    _refuse_stray_files(request, {f"image.{row}" for row in range(len(rows))} if is_list else {"image"})
    return rows, is_list


def _refuse_stray_files(request: Request, expected: set[str]) -> None:
    """A file that belongs to no row would be lost."""
    if strays := sorted(set(request.FILES) - expected):
        raise RowRefused(f"No row wants the file “{strays[0]}”.", fields={strays[0]: "Not expected."})


def _form_rows(form: QueryDict) -> tuple[list[Any], bool]:
    try:
        if "rows" in form:
            rows = decode(str(form["rows"]))
            if not isinstance(rows, list):
                raise RowRefused("rows is a JSON list.", fields={"rows": "Not a list."})
            return rows, True
        row = {name: form[name] for name in form}
        return [row | {name: decode(str(row[name])) for name in JSON_IN_FORMS if name in row}], False
    except (msgspec.DecodeError, RecursionError) as error:
        raise RowRefused(f"A field of the form is not JSON: {error}.", fields={"form": "Not JSON."}) from error


def respond(answers: list[Answer], *, is_list: bool) -> Response:
    """One object answers one; a list answers a list, with 207 when some rows were refused and some were not."""
    if not is_list:
        error = answers[0].error
        if error is not None:
            raise error
        return Response(answer_payload(answers[0]), status=201 if answers[0].status == "created" else 200)
    counts = {
        status: sum(answer.status == status for answer in answers) for status in ("created", "duplicate", "error")
    }
    body = {"results": [answer_payload(answer) for answer in answers], "counts": counts}
    if answers and counts["error"] == len(answers):
        return _nothing_stored(answers)
    return Response(body, status=207 if counts["error"] else 201 if counts["created"] else 200)


def _nothing_stored(refused: list[Answer]) -> Response:
    """Every refusal in the one error shape, the first one in front."""
    first = cast(ReviewAppError, refused[0].error)
    body = {
        "error": first.as_dict() | {"row": refused[0].row, "message": f"Nothing was stored. {first.message}"},
        "results": [answer_payload(answer) for answer in refused],
    }
    return Response(body, status=first.http_status)
