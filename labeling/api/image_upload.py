"""`POST /images/`: pixels of what was drawn, after the predictions. Each file stands for itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from labeling.access import reaches_inspection, require_verb
from labeling.api import shapes
from labeling.api.authentication import person
from labeling.api.ingest import rows_of
from labeling.api.parsers import Utf8MultiPartParser
from labeling.api.row_answers import refused_row
from labeling.errors import ImageRefused, NoSuchView
from labeling.images import check_image
from labeling.images.arrival import receive
from labeling.incoming import IncomingImage, decode_image_row
from labeling.models import Item
from labeling.tasks import nudge_maker
from reviewapp.errors import ReviewAppError

Status = Item.ImageStatus


class FileRows(APIView, ABC):
    """One file `image` with its fields, or `rows` (a JSON list) with the files `image.0`, `image.1`, …"""

    parser_classes = [Utf8MultiPartParser]

    @abstractmethod
    def take(self, request: Request, raw: Any, position: int, name: str) -> dict[str, Any]:
        """Store what stands in the file ``name``, and answer for its row. :raises ReviewAppError: refused."""

    def take_all(self, request: Request) -> Response:
        require_verb(person(request), "ingest")
        rows, is_list = rows_of(request)
        if not is_list:
            return Response(self.take(request, rows[0], 0, "image"))
        results = [self._answer(request, raw, position) for position, raw in enumerate(rows)]
        n_refused = sum(one["status"] == "error" for one in results)
        status = 200 if not n_refused else 207 if n_refused < len(results) else results[0]["http_status"]
        return Response({"results": results}, status=status)

    def _answer(self, request: Request, raw: Any, position: int) -> dict[str, Any]:
        try:
            return self.take(request, raw, position, f"image.{position}")
        except ReviewAppError as error:
            return refused_row(position, error)


def upload_of(request: Request, name: str, *, most: int) -> bytes:
    """At most one byte more than ``most``, which tells that it is too large. :raises ImageRefused: no such file."""
    upload = request.FILES.get(name)
    if upload is None:
        raise ImageRefused(f"The file “{name}” is missing.", code="image_missing", fields={name: "Required."})
    data: bytes = upload.read(most + 1)
    return data


class Images(FileRows):
    @extend_schema(
        summary="Send images that are wanted",
        request={shapes.FORM: shapes.FORM_OF_ROWS},
        responses=shapes.answers("ImagesAnswer", shapes.ImageAnswer),
    )
    def post(self, request: Request) -> Response:
        return self.take_all(request)

    def take(self, request: Request, raw: Any, position: int, name: str) -> dict[str, Any]:
        """Store one file. One that nobody wants is not stored, and that is no error: the line may have sent it before
        it read the answer to its prediction, and an error would make it send again.
        """
        row = decode_image_row(raw, position=position, shape=IncomingImage)
        item = item_of(request, row)
        said = {"row": position, "inspection_id": row.inspection_id, "view": row.view}
        if item.image_status == Status.NOT_WANTED:
            return said | {"status": "ignored", "image": Status.NOT_WANTED}
        data = upload_of(request, name, most=settings.MAX_IMAGE_BYTES)
        image = check_image(data, max_bytes=settings.MAX_IMAGE_BYTES, max_pixels=settings.MAX_IMAGE_PIXELS)
        is_new = receive(item=item, image=image)
        if is_new:
            nudge_maker(items=[item.pk])
        return said | {"status": "created" if is_new else "duplicate", "image": Status.STORED}


def item_of(request: Request, row: IncomingImage) -> Item:
    """:raises NoSuchView: nobody sent it, or it is not this system's."""
    items = Item.objects.select_related("inspection__station").filter(
        inspection__inspection_id=row.inspection_id, view=row.view
    )
    if row.station is not None:
        item = items.filter(inspection__station__slug=row.station).first()
    else:
        item = items.filter(inspection__station__sources__slug=row.source, source__slug=row.source).first()
    if item is None or not reaches_inspection(person(request), "ingest", item.inspection):
        raise NoSuchView(
            f"There is no view {row.view} of inspection {row.inspection_id} for you: send its prediction first.",
            fields={"inspection_id": "Unknown."},
        )
    return item
