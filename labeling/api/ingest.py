"""The ways in: predictions of a version, images without one, and images for the champion to judge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import msgspec
from django.conf import settings
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from labeling.access import require
from labeling.api.parsers import StrictJSONParser, decode
from labeling.api.payloads import answer_payload
from labeling.catalog import ModelCatalog
from labeling.errors import RowRefused
from labeling.images import CheckedImage, check_image, read_from_root
from labeling.incoming import IncomingRow, decode_row
from labeling.ingest import Answer, Ingest, Submission
from models_registry import serving
from models_registry.errors import NoChampion
from models_registry.models import ModelVersion
from reviewapp.errors import ReviewAppError

JSON_IN_FORMS = ("scores", "metadata", "findings")
PARSERS = [StrictJSONParser, MultiPartParser, FormParser]
ATOMIC = OpenApiParameter("atomic", bool, description="All rows or none; without it each part stands for itself.")


class IngestView(APIView):
    """Parse rows and images, prepare each, store, answer row by row."""

    parser_classes = PARSERS
    predicted = True

    def ingest(self, request: Request, *, model: str | None = None) -> Response:
        raw_rows, is_list = rows_of(request)
        session = RequestRows(request, Ingest(now=timezone.now()), model=model, predicted=self.predicted)
        submissions, refused = session.prepare(raw_rows)
        atomic = request.query_params.get("atomic", "").lower() in {"1", "true", "yes"}
        if atomic and refused:
            return _nothing_stored(refused)
        stored = session.ingest.store(submissions, atomic=atomic)
        return respond(sorted([*stored, *refused], key=lambda answer: answer.row), is_list=is_list)


class Predictions(IngestView):
    @extend_schema(
        summary="Send predictions, one or a list", parameters=[ATOMIC], request=OpenApiTypes.OBJECT, responses=OpenApiTypes.OBJECT
    )
    def post(self, request: Request) -> Response:
        return self.ingest(request)


class Inspections(IngestView):
    """Images that no version has judged: people give the first labels."""

    predicted = False

    @extend_schema(
        summary="Send images without a prediction", parameters=[ATOMIC], request=OpenApiTypes.OBJECT, responses=OpenApiTypes.OBJECT
    )
    def post(self, request: Request) -> Response:
        return self.ingest(request)


class Predict(APIView):
    """An image in, the champion's label and scores out; stored and routed like any other prediction."""

    parser_classes = PARSERS

    @extend_schema(summary="Let the champion judge an image", request=OpenApiTypes.OBJECT, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str) -> Response:
        registered_model = require(request.user, "ingest", slug)
        champion = ModelVersion.objects.champion_of(registered_model)
        if champion is None:
            raise NoChampion(f"{registered_model} has no champion yet. Send images to /inspections/ and label some first.")
        session = RequestRows(request, Ingest(now=timezone.now()), model=slug, predicted=True)
        rows, _ = rows_of(request)
        if len(rows) != 1:
            raise RowRefused("predict takes one image at a time.", fields={"row": "One."})
        submission = session.judge(rows[0], champion)
        return respond(session.ingest.store([submission], atomic=True), is_list=False)


class RequestRows:
    """The rows of one request on their way from text to submissions."""

    def __init__(self, request: Request, ingest: Ingest, *, model: str | None, predicted: bool) -> None:
        self.request, self.ingest, self.model, self.predicted = request, ingest, model, predicted
        self.catalogs: dict[str, ModelCatalog | ReviewAppError] = {}

    def prepare(self, raw_rows: list[Any]) -> tuple[list[Submission], list[Answer]]:
        submissions: list[Submission] = []
        refused: list[Answer] = []
        for position, raw in enumerate(raw_rows):
            try:
                submissions.append(self._submission(raw, position))
            except ReviewAppError as error:
                refused.append(Answer(position, "error", error=error))
        return submissions, refused

    def _submission(self, raw: Any, position: int) -> Submission:
        row = self._row(raw, position)
        catalog = self._catalog(self.model or row.model, position)
        image = self._image(row, position)
        return self.ingest.prepare(row, position=position, catalog=catalog, image=image, predicted=self.predicted)

    def judge(self, raw: Any, champion: ModelVersion) -> Submission:
        """The same for an image that the champion judges here. :raises RowRefused: there is no image."""
        row = self._row(raw, 0)
        image = self._image(row, 0)
        if image is None:
            raise RowRefused("image is missing: predict judges an image.", code="image_missing", fields={"image": "Required."})
        if row.label is not None or row.scores is not None or row.version is not None:
            raise RowRefused("predict says label and scores itself; send yours to /predictions/.", fields={"label": "Not here."})
        scores = serving.predict(champion, [image.data])[0]
        label = max(scores, key=lambda name: scores[name])
        row = msgspec.structs.replace(row, label=label, scores=scores, version=champion.short_name)
        catalog = self._catalog(self.model, 0)
        return self.ingest.prepare(row, position=0, catalog=catalog, image=image, predicted=True)

    def _row(self, raw: Any, position: int) -> IncomingRow:
        if not isinstance(raw, Mapping):
            raise RowRefused("A row is an object.", row=position, fields={"row": "Not an object."})
        return decode_row(raw, position=position)

    def _catalog(self, slug: str | None, position: int) -> ModelCatalog:
        if slug is None:
            raise RowRefused("model is missing.", code="model_missing", row=position, fields={"model": "Required."})
        if slug not in self.catalogs:
            try:
                self.catalogs[slug] = ModelCatalog(require(self.request.user, "ingest", slug))
            except ReviewAppError as error:
                self.catalogs[slug] = error
        known = self.catalogs[slug]
        if isinstance(known, ReviewAppError):
            raise RowRefused(known.message, code=known.code, http_status=known.http_status, row=position, fields={"model": "Refused."})
        return known

    def _image(self, row: IncomingRow, position: int) -> CheckedImage | None:
        """The uploaded file of this row (`image`, or `image.N` in a list), or the file that the row names."""
        upload = self.request.FILES.get(f"image.{position}")
        if upload is None and "rows" not in self.request.data:
            upload = self.request.FILES.get("image")
        try:
            if upload is not None:
                data = upload.read() if upload.size <= settings.MAX_IMAGE_BYTES else b"\0" * (settings.MAX_IMAGE_BYTES + 1)
            elif row.image_path is not None:
                data = read_from_root(row.image_path, roots=settings.IMAGE_ROOTS, max_bytes=settings.MAX_IMAGE_BYTES)
            else:
                return None
            return check_image(data, max_bytes=settings.MAX_IMAGE_BYTES, max_pixels=settings.MAX_IMAGE_PIXELS)
        except ReviewAppError as error:
            error.row = position
            raise


def rows_of(request: Request) -> tuple[list[Any], bool]:
    """The rows of a JSON body, of a form, or of a form's ``rows``. Returns them and whether they came as a list."""
    data = request.data
    if isinstance(data, list):
        rows, is_list = data, True
    elif hasattr(data, "getlist"):
        rows, is_list = _form_rows(data)
    else:
        rows, is_list = [data], False
    if len(rows) > settings.MAX_ROWS_PER_REQUEST:
        raise ReviewAppError(
            f"{len(rows)} rows in one request; at most {settings.MAX_ROWS_PER_REQUEST} are taken.",
            code="too_many_rows", http_status=413,
        )  # fmt: skip
    return rows, is_list


def _form_rows(form: Any) -> tuple[list[Any], bool]:
    try:
        if "rows" in form:
            rows = decode(form["rows"])
            if not isinstance(rows, list):
                raise RowRefused("rows is a JSON list.", fields={"rows": "Not a list."})
            return rows, True
        row = {name: form[name] for name in form if not name.startswith("image.") and name != "image"}
        return [row | {name: decode(row[name]) for name in JSON_IN_FORMS if name in row}], False
    except (msgspec.DecodeError, RecursionError) as error:
        raise RowRefused(f"A field of the form is not JSON: {error}.", fields={"form": "Not JSON."}) from error


def respond(answers: list[Answer], *, is_list: bool) -> Response:
    """One object answers one; a list answers a list, with 207 when some rows were refused and some were not."""
    if not is_list:
        error = answers[0].error
        if error is not None:
            raise error
        return Response(answer_payload(answers[0]), status=201 if answers[0].status == "created" else 200)
    counts = {status: sum(answer.status == status for answer in answers) for status in ("created", "duplicate", "error")}
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
