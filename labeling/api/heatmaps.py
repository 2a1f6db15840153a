"""`POST /heatmaps/`: where a version looked, after its prediction. And the maps themselves, for who was shown them."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from labeling.access import may_see_inspection, reach
from labeling.api import shapes
from labeling.api.authentication import person
from labeling.api.image_upload import FileRows, item_of, upload_of
from labeling.api.ranges import serve
from labeling.errors import NoSuchView
from labeling.images.heat import MAX_BYTES, IncomingHeatmap, check_heatmap, heat_key, prediction_of, receive_heatmap
from labeling.images.signed import audience, heat_size
from labeling.incoming import decode_image_row
from labeling.models import Item
from reviewapp.errors import NotAllowed, NotFound


class Heatmaps(FileRows):
    @extend_schema(
        summary="Send heat maps of predictions",
        request={shapes.FORM: shapes.FORM_OF_ROWS},
        responses=shapes.answers("HeatmapsAnswer", shapes.HeatmapAnswer),
    )
    def post(self, request: Request) -> Response:
        return self.take_all(request)

    def take(self, request: Request, raw: Any, position: int, name: str) -> dict[str, Any]:
        """Store one map. Of a view that nobody will look at it is not stored, and that is no error (see `/images/`)."""
        row = decode_image_row(raw, position=position, shape=IncomingHeatmap)
        item = item_of(request, row)
        prediction = prediction_of(item, row)
        site, model = item.inspection.station.site_id, prediction.model_version.registered_model
        if not reach(person(request), model).covers("ingest", site):
            raise NoSuchView(f"There is no model “{row.model}” for you.", fields={"model": "Unknown."})
        said = {"row": position, "inspection_id": row.inspection_id, "view": row.view}
        if item.image_status == Item.ImageStatus.NOT_WANTED:
            return said | {"status": "ignored"}
        image = check_heatmap(upload_of(request, name, most=MAX_BYTES))
        is_new = receive_heatmap(prediction=prediction, view=row.view, image=image)
        return said | {"status": "created" if is_new else "duplicate"}


class ItemHeatmap(APIView):
    """Only under the address that came with a review: who judges blind has none, and cannot make one."""

    permission_classes = [AllowAny]  # the signature and membership: looked at below

    @extend_schema(summary="A heat map", responses={(200, "image/png"): OpenApiTypes.BINARY})
    def get(self, request: Request, public_id: uuid.UUID, sha256: str) -> HttpResponseBase:
        found = audience(public_id, heat_size(sha256), query=request.query_params.dict(), now=timezone.now())
        if found is None:
            raise NotAllowed("This address is not signed.", code="image_url_invalid")
        user = User.objects.filter(pk=found[0], is_active=True).first()
        item = Item.objects.select_related("inspection__station").filter(public_id=public_id).first()
        if user is None or item is None or not may_see_inspection(user, item.inspection):
            raise NotFound("There is no such heat map for you.")
        headers = {"Cache-Control": f"private, max-age={found[1]}, immutable", "X-Content-Type-Options": "nosniff"}
        etag = f'"{sha256}.heat"'
        return serve(request, heat_key(sha256), etag=etag, content_type="image/png", headers=headers)
