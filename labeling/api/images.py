"""Image bytes for members only, under addresses that say nothing and, when they are signed, run out."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpResponse, HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from labeling.access import may_see_inspection
from labeling.api.authentication import person
from labeling.api.ranges import elsewhere, serve
from labeling.errors import ImageDeleted
from labeling.images.derivatives import RECIPE, RECIPES
from labeling.images.mosaic import MORE_THAN, SIDE, has_mosaic, n_levels, n_tiles
from labeling.images.shown import derivative, tile
from labeling.images.signed import TILES, audience
from labeling.models import Item
from reviewapp.errors import NotAllowed, NotFound, ReviewAppError

ORIGINAL = "original"
SIZES = (ORIGINAL, *RECIPES)


class ItemImage(APIView):
    """A signed address is its reader's: whoever it was made for must still be a member. Without a signature the
    session or the key says who asks, and the browser asks again each time.
    """

    permission_classes = [AllowAny]  # the signature, the session or the key, and membership: looked at below

    @extend_schema(
        summary="An image",
        parameters=[OpenApiParameter("size", str, enum=SIZES, description="`original` are the bytes as they came.")],
        responses={(200, "image/*"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, public_id: uuid.UUID) -> HttpResponseBase:
        size = request.query_params.get("size", ORIGINAL)
        if size not in SIZES:
            raise ReviewAppError(f"size is one of {', '.join(SIZES)}.", code="invalid", fields={"size": "Unknown."})
        user, seconds = _who(request, public_id, size)
        return _answer(request, _item(public_id, user), size, seconds)


class ItemTile(APIView):
    """A piece of a very large image. Its address comes with a review (`tiles.url`), under the rules of images."""

    permission_classes = [AllowAny]  # as above

    @extend_schema(
        summary="A tile of a very large image",
        description=f"At `level` 0 as many pixels as the original, at each further one half of them a side; {SIDE} by "
        f"{SIDE} pixels, at the right and lower edge less. Images of up to {MORE_THAN / 1e6:.0f} megapixels have none.",
        responses={(200, "image/jpeg"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, public_id: uuid.UUID, level: int, column: int, row: int) -> HttpResponseBase:
        user, seconds = _who(request, public_id, TILES)
        item = _item(public_id, user)
        if not has_mosaic(item.width, item.height):
            raise NotFound("This image has no tiles: it is shown whole.", code="no_tiles")
        width, height = item.width or 0, item.height or 0
        columns, rows = n_tiles(width, height, level) if level < n_levels(width, height) else (0, 0)
        if column >= columns or row >= rows:
            raise NotFound("There is no such tile of this image.", code="no_tiles")
        etag = f'"{item.sha256}.{TILES}.{RECIPE}.{level}.{column}.{row}"'
        headers = _headers(seconds) | {"ETag": etag}
        if etag in request.headers.get("If-None-Match", ""):
            return HttpResponse(status=304, headers=headers)
        return HttpResponse(tile(item, level, column, row), content_type="image/jpeg", headers=headers)


def _item(public_id: uuid.UUID, user: User) -> Item:
    """:raises NotFound: there is none, it has no image, or this person may not see it. :raises ImageDeleted:"""
    item = Item.objects.select_related("inspection__station").filter(public_id=public_id).first()
    if item is None or not item.sha256 or not may_see_inspection(user, item.inspection):
        raise NotFound("There is no such image for you.")
    if item.image_status == Item.ImageStatus.DELETED:
        raise ImageDeleted
    return item


def _who(request: Request, public_id: uuid.UUID, size: str) -> tuple[User, int]:
    """Who asks, and for how long a browser may keep the answer.

    :raises NotAllowed: the address is not what was signed, or has expired, and nobody else vouches.
    :raises NotAuthenticated: nobody asks.
    """
    try:
        found = audience(public_id, size, query=request.query_params.dict(), now=timezone.now())
    except NotAllowed:
        if not request.user.is_authenticated:
            raise
        found = None
    if found is not None:
        user = User.objects.filter(pk=found[0], is_active=True).first()
        if user is None:
            raise NotFound("There is no such image for you.")
        return user, found[1]
    if not request.user.is_authenticated:
        raise NotAuthenticated
    return person(request), 0


def _answer(request: Request, item: Item, size: str, seconds: int) -> HttpResponseBase:
    etag = f'"{item.sha256}"' if size == ORIGINAL else f'"{item.sha256}.{size}.{RECIPE}"'
    headers = _headers(seconds)
    if etag in request.headers.get("If-None-Match", ""):
        return HttpResponse(status=304, headers=headers | {"ETag": etag})
    key = item.image if size == ORIGINAL else derivative(item, size)
    if settings.S3_PRESIGNED and (there := elsewhere(key)) is not None:
        return there
    content_type = item.content_type if size == ORIGINAL else RECIPES[size].content_type
    return serve(request, key, etag=etag, content_type=content_type, headers=headers)


def _headers(seconds: int) -> dict[str, str]:
    return {
        "Cache-Control": f"private, max-age={seconds}, immutable" if seconds else "private, no-cache",
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": "inline",
    }
