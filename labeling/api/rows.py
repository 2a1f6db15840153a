"""The rows of one request on their way from text to submissions, checked against what their sender may do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from rest_framework.request import Request

from labeling import desk
from labeling.api.authentication import person
from labeling.catalog import unknown_source
from labeling.errors import ImageRefused, RowRefused
from labeling.images import CheckedImage, check_image, read_from_root
from labeling.incoming import IncomingRow, decode_line, decode_row, refuse_second_way
from labeling.ingest import Answer, Ingest, Submission, refusal
from reviewapp.errors import ReviewAppError

MAX_BYTES_OF_IMAGES = 512 * 2**20  # of one request: they are in memory together


class RequestRows:
    """The rows of one request on their way from text to submissions."""

    def __init__(self, request: Request, ingest: Ingest, *, model: str | None, predicted: bool) -> None:
        self.request, self.ingest, self.model, self.predicted = request, ingest, model, predicted
        self.desks: dict[str, desk.Desk | ReviewAppError] = {}
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

    def from_line(self, text: bytes, position: int) -> Submission:
        """One row of a bulk body. :raises ReviewAppError: names row and field."""
        row = decode_line(text, position=position)
        if row.image_path is not None:
            raise RowRefused(
                "image_path belongs to /predictions/.", row=position, fields={"image_path": "Not in bulk."}
            )
        return self._checked(row, position, image=None, predicted=True)

    def _submission(self, raw: Any, position: int, *, predicted: bool) -> Submission:
        row = self._row(raw, position)
        self._desk(row.model or self.model, position)  # before an image is looked at
        return self._checked(row, position, image=self._image(row, position), predicted=predicted)

    def _checked(self, row: IncomingRow, position: int, *, image: CheckedImage | None, predicted: bool) -> Submission:
        catalog = self._desk(row.model or self.model, position).catalog
        submission = self.ingest.prepare(row, position=position, catalog=catalog, image=image, predicted=predicted)
        self._refuse_foreign_place(submission)
        return submission

    def _row(self, raw: Any, position: int) -> IncomingRow:
        if not isinstance(raw, Mapping):
            raise RowRefused("A row is an object.", row=position, fields={"row": "Not an object."})
        return decode_row(raw, position=position)

    def _desk(self, slug: str | None, position: int) -> desk.Desk:
        if slug is None:
            raise RowRefused("model is missing.", code="model_missing", row=position, fields={"model": "Required."})
        if slug not in self.desks:
            try:
                self.desks[slug] = desk.desk(person(self.request), slug)
            except ReviewAppError as error:
                self.desks[slug] = error
        known = self.desks[slug]
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
        slug, site = submission.catalog.registered_model.slug, submission.source.station.site_id
        if (slug, site) not in self.places:
            self.places[slug, site] = self._desk(slug, submission.position).reach.covers("ingest", site)
        if not self.places[slug, site]:
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
