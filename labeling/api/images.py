"""Image bytes for members only, under addresses that say nothing."""

from __future__ import annotations

import io
import uuid

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from PIL import Image
from rest_framework.request import Request
from rest_framework.views import APIView

from labeling.access import may_see_inspection
from labeling.api.authentication import person
from labeling.models import Item
from models_registry import files
from reviewapp.errors import NotFound

SHOWN_BY_BROWSERS = {"image/jpeg", "image/png", "image/webp"}


class ItemImage(APIView):
    @extend_schema(summary="An image", responses=OpenApiTypes.BINARY)
    def get(self, request: Request, public_id: uuid.UUID) -> HttpResponse:
        item = Item.objects.select_related("inspection__station").filter(public_id=public_id).first()
        if item is None or not item.image or not may_see_inspection(person(request), item.inspection):
            raise NotFound("There is no such image for you.")
        etag = f'"{item.sha256}"'
        headers = {
            "ETag": etag,
            "Cache-Control": "private, max-age=86400, immutable",
            "X-Content-Type-Options": "nosniff",
            "Content-Disposition": "inline",
        }
        if request.headers.get("If-None-Match") == etag:
            return HttpResponse(status=304, headers=headers)
        data, content_type = _for_browsers(files.read(item.image), item.content_type)
        return HttpResponse(data, content_type=content_type, headers=headers)


def _for_browsers(data: bytes, content_type: str) -> tuple[bytes, str]:
    """TIFF and BMP become PNG on the way out; the stored bytes stay as they came."""
    if content_type in SHOWN_BY_BROWSERS:
        return data, content_type
    picture = Image.open(io.BytesIO(data))
    out = io.BytesIO()
    (picture if picture.mode in {"L", "RGB", "I;16"} else picture.convert("RGB")).save(out, "PNG")
    return out.getvalue(), "image/png"
