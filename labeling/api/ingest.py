"""The ways in: predictions of a version, images without one, and images for the champion to judge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import msgspec
from django.conf import settings
from django.http import QueryDict
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from labeling.access import reach, require
from labeling.api.authentication import person
from labeling.api.parsers import StrictJSONParser, Utf8MultiPartParser, decode
from labeling.api.payloads import answer_payload
from labeling.catalog import ModelCatalog, unknown_source
from labeling.errors import ImageRefused, RowRefused
from labeling.images import CheckedImage, check_image, read_from_root
from labeling.incoming import IncomingRow, decode_row, refuse_second_way
from labeling.ingest import Answer, Ingest, Submission, known_prediction, refusal
from models_registry import serving
from models_registry.errors import NoChampion
from models_registry.models import ModelVersion
from reviewapp.errors import ReviewAppError

JSON_IN_FORMS = ("scores", "metadata", "findings")
PARSERS = [StrictJSONParser, Utf8MultiPartParser]
MAX_BYTES_OF_IMAGES = 512 * 2**20  # of one request: they are in memory together
ATOMIC = OpenApiParameter("atomic", bool, description="All rows or none; without it each part stands for itself.")


class IngestView(APIView):
    """Parse rows and images, prepare each, store, answer row by row."""

    parser_classes = PARSERS
    predicted = True

    def ingest(self, request: Request, *, model: str | None = None) -> Response:
        atomic = _atomic(request)
        raw_rows, is_list = rows_of(request)
        session = RequestRows(request, Ingest(now=timezone.now()), model=model, predicted=self.predicted)
        submissions, refused = session.prepare(raw_rows)
        if atomic and refused:
            return _nothing_stored(refused)
        stored = session.ingest.store(submissions, atomic=atomic)
        return respond(sorted([*stored, *refused], key=lambda answer: answer.row), is_list=is_list)


class Predictions(IngestView):
    @extend_schema(
        summary="Send predictions, one or a list",
        parameters=[ATOMIC],
        request=OpenApiTypes.OBJECT,
        responses=OpenApiTypes.OBJECT,
    )
    def post(self, request: Request) -> Response:
        return self.ingest(request)


class Inspections(IngestView):
    """Images that no version has judged: people give the first labels."""

    predicted = False

    @extend_schema(
        summary="Send images without a prediction",
        parameters=[ATOMIC],
        request=OpenApiTypes.OBJECT,
        responses=OpenApiTypes.OBJECT,
    )
    def post(self, request: Request) -> Response:
        return self.ingest(request)


class Predict(APIView):
    """An image in, the champion's label and scores out; stored and routed like any other prediction."""

    parser_classes = PARSERS

    @extend_schema(
        summary="Let the champion judge an image", request=OpenApiTypes.OBJECT, responses=OpenApiTypes.OBJECT
    )
    def post(self, request: Request, slug: str) -> Response:
        registered_model = require(person(request), "ingest", slug)
        champion = ModelVersion.objects.champion_of(registered_model)
        if champion is None:
            raise NoChampion(
                f"{registered_model} has no champion yet. Send images to /inspections/ and label some first."
            )
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
        self.places: dict[tuple[str, int], bool] = {}
        self.n_bytes = 0

    def prepare(self, raw_rows: list[Any]) -> tuple[list[Submission], list[Answer]]:
        submissions: list[Submission] = []
        refused: list[Answer] = []
        for position, raw in enumerate(raw_rows):
            try:
                submissions.append(self._submission(raw, position, predicted=self.predicted))
            except ReviewAppError as error:
                refused.append(refusal(position, error))
        return submissions, refused

    def _submission(self, raw: Any, position: int, *, predicted: bool) -> Submission:
        row = self._row(raw, position)
        catalog = self._catalog(row.model or self.model, position)
        image = self._image(row, position)
        submission = self.ingest.prepare(row, position=position, catalog=catalog, image=image, predicted=predicted)
        self._refuse_foreign_place(submission)
        return submission

    def judge(self, raw: Any, champion: ModelVersion) -> Submission:
        """The same for an image that the champion judges here. :raises RowRefused: there is no image."""
        bare = self._submission(raw, 0, predicted=False)
        row, image = bare.row, bare.image
        if image is None:
            raise RowRefused(
                "image is missing: predict judges an image.", code="image_missing", fields={"image": "Required."}
            )
        for name in ("scores", "confidence"):
            if getattr(row, name) is not None:
                raise RowRefused(
                    f"predict says {name} itself; send yours to /predictions/.", fields={name: "Not here."}
                )
        if bare.catalog.registered_model != champion.registered_model:
            raise RowRefused("The row names another model than the address.", fields={"model": "Differs."})
        known = known_prediction(bare, champion)
        scores = known.scores if known and known.scores else serving.predict(champion, [image.data])[0]
        label = known.label.slug if known else max(scores, key=lambda name: scores[name])
        row = msgspec.structs.replace(row, label=label, scores=scores)
        return self.ingest.prepare(row, position=0, catalog=bare.catalog, image=image, predicted=True, version=champion)

    def _row(self, raw: Any, position: int) -> IncomingRow:
        if not isinstance(raw, Mapping):
            raise RowRefused("A row is an object.", row=position, fields={"row": "Not an object."})
        return decode_row(raw, position=position)

    def _catalog(self, slug: str | None, position: int) -> ModelCatalog:
        if slug is None:
            raise RowRefused("model is missing.", code="model_missing", row=position, fields={"model": "Required."})
        if slug not in self.catalogs:
            try:
                self.catalogs[slug] = ModelCatalog(require(person(self.request), "ingest", slug))
            except ReviewAppError as error:
                self.catalogs[slug] = error
        known = self.catalogs[slug]
        if isinstance(known, ReviewAppError):
            raise RowRefused(
                known.message,
                code=known.code,
                http_status=known.http_status,
                row=position,
                fields={"model": "Refused."},
            )
        return known

    def _refuse_foreign_place(self, submission: Submission) -> None:
        """A system of one site does not write into another's: for it there is no such camera."""
        model, site = submission.catalog.registered_model, submission.source.station.site_id
        if (model.slug, site) not in self.places:
            self.places[model.slug, site] = reach(person(self.request), model).covers("ingest", site)
        if not self.places[model.slug, site]:
            raise unknown_source(submission.source.slug, submission.position)

    def _image(self, row: IncomingRow, position: int) -> CheckedImage | None:
        """The uploaded file of this row (`image`, or `image.N` in a list), or the file that the row names."""
        upload = self.request.FILES.get(f"image.{position}") or self.request.FILES.get("image")
        try:
            if upload is not None:
                refuse_second_way(row, position)
                data = upload.read(settings.MAX_IMAGE_BYTES + 1)
            elif row.image_path is not None:
                data = read_from_root(row.image_path, roots=settings.IMAGE_ROOTS, max_bytes=settings.MAX_IMAGE_BYTES)
            else:
                return None
            self._refuse_too_much(len(data))
            return check_image(data, max_bytes=settings.MAX_IMAGE_BYTES, max_pixels=settings.MAX_IMAGE_PIXELS)
        except ReviewAppError as error:
            error.row = position
            raise

    def _refuse_too_much(self, n_bytes: int) -> None:
        if self.n_bytes + n_bytes > MAX_BYTES_OF_IMAGES:
            raise ImageRefused(
                "The images of this request are too much together. Send fewer rows at once.",
                code="image_too_large", http_status=413, fields={"image": "Too much together."},
            )  # fmt: skip
        self.n_bytes += n_bytes


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
    if len(rows) > settings.MAX_ROWS_PER_REQUEST:
        raise ReviewAppError(
            f"{len(rows)} rows in one request; at most {settings.MAX_ROWS_PER_REQUEST} are taken.",
            code="too_many_rows", http_status=413,
        )  # fmt: skip
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
