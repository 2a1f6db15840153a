"""`POST /models/{slug}/versions/`: a version from an ONNX file, registered by hand."""

from __future__ import annotations

import msgspec
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from labeling.access import require
from labeling.api import shapes
from labeling.api.authentication import person
from labeling.api.image_upload import upload_of
from labeling.api.parsers import Utf8MultiPartParser
from models_registry.services.registering import MOST_BYTES, register_file
from models_registry.tasks import nudge_recompare
from reviewapp.errors import ReviewAppError
from reviewapp.openapi import Refused

FIELDS = {"file", "name"}
NOT_SERVABLE = "The file is none that could be served; `fields` says why."
FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": {"type": "string", "format": "binary"}, "name": {"type": "string", "maxLength": 120}},
}


class RegisteredVersion(msgspec.Struct):
    """`status`: created, or duplicate where the same bytes are a version already."""

    status: str
    id: int
    version: int
    stage: str
    sha256: str
    size_mb: float | None
    latency_ms: float | None


class RegisterVersion(APIView):
    parser_classes = [Utf8MultiPartParser]

    @extend_schema(
        summary="Register a version from an ONNX file; it becomes a candidate", request={shapes.FORM: FORM},
        responses={200: RegisteredVersion, 201: RegisteredVersion, 422: OpenApiResponse(Refused, NOT_SERVABLE)},
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        found = require(person(request), "decide", slug)
        if strangers := sorted({*request.POST, *request.FILES} - FIELDS):
            raise ReviewAppError(
                f"“{strangers[0]}” is not known here: file and name are.", code="invalid",
                fields={strangers[0]: "Not expected."},
            )  # fmt: skip
        content = upload_of(request, "file", most=MOST_BYTES)
        version, is_new = register_file(
            registered_model=found, content=content, name=request.POST.get("name", ""), by=person(request)
        )
        if is_new:
            nudge_recompare(version.pk)
        answer = RegisteredVersion(
            "created" if is_new else "duplicate", version.pk, version.number, version.stage, version.artifact_sha256,
            version.metrics.get("size_mb"), version.metrics.get("latency_ms"),
        )  # fmt: skip
        return Response(msgspec.to_builtins(answer), status=201 if is_new else 200)
