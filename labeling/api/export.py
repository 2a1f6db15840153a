"""Ground truth out, streamed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from itertools import chain
from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from labeling.access import reach, require
from labeling.api.authentication import person
from labeling.exchange.errors import ExportRefused
from labeling.exchange.exporting import FORMATS, document, format_named
from labeling.exchange.truth import TruthFilter, TruthReader, in_blocks
from labeling.incoming import why_no_moment, why_unstorable
from models_registry.models import RegisteredModel
from reviewapp.openapi import Shape

PARAMETERS = [
    OpenApiParameter("format", str, enum=list(FORMATS), default="jsonl"),
    OpenApiParameter("since", OpenApiTypes.DATETIME, description="Settled at or after."),
    OpenApiParameter("until", OpenApiTypes.DATETIME, description="Settled before."),
    OpenApiParameter("label", str),
    OpenApiParameter("images", bool, description="A zip archive that holds the images too."),
    OpenApiParameter("method", str, description="How it was settled, for example adjudication."),
]
KINDS = {one.content_type.partition(";")[0] for one in FORMATS.values()} | {"application/zip"}
ANSWERS: dict[Any, Any] = {(200, kind): OpenApiTypes.BINARY for kind in sorted(KINDS)}
ANSWERS[200, "application/json"] = Shape("ExportedJson", {"type": ["array", "object"]})


class GroundTruthExport(APIView):
    """`format` names the document here, so the framework's own use of that parameter is switched off."""

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[Any, str]:
        return JSONRenderer(), JSONRenderer.media_type

    @extend_schema(
        summary="The settled labels of a model with their lineage",
        description="Streamed. `Reviewapp-Rows` says how many labels the document holds. When something breaks in the"
        " middle the connection is cut off without the end of the stream, which every HTTP client reports.",
        parameters=PARAMETERS,
        responses=ANSWERS,
    )
    def get(self, request: Request, slug: str) -> StreamingHttpResponse:
        registered_model = require(person(request), "view", slug)
        images = _yes(request, "images")
        written = format_named(request.query_params.get("format", "jsonl"))
        with ExitStack() as opened:
            reader = opened.enter_context(TruthReader(registered_model, _chosen(request, registered_model)))
            blocks = in_blocks(document(written, reader, images=images, now=timezone.now()))
            first = next(blocks, b"")  # what cannot be written at all is refused before a status goes out
            content_type = "application/zip" if images else written.content_type
            answer = StreamingHttpResponse(Download(first, blocks, opened.pop_all()), content_type=content_type)
        extension = f"{written.extension.removesuffix('.zip')}.zip" if images else written.extension
        answer["Reviewapp-Rows"] = str(reader.n)
        answer["Content-Disposition"] = f'attachment; filename="{slug}-truth.{extension}"'
        answer["Cache-Control"] = "no-store"
        return answer


class Download:
    """Bytes of a document; what was opened for them is closed with the response, read to its end or not."""

    def __init__(self, first: bytes, blocks: Iterator[bytes], opened: ExitStack) -> None:
        self._blocks, self._opened = chain([first], blocks), opened

    def __iter__(self) -> Iterator[bytes]:
        return self._blocks

    def close(self) -> None:
        self._opened.close()


def _chosen(request: Request, registered_model: RegisteredModel) -> TruthFilter:
    """What was asked for, and only of the sites that the person may see."""
    mine = reach(person(request), registered_model)
    sites = None if "view" in mine.everywhere else tuple(s for s in mine.at_site if mine.covers("view", s))
    said = request.query_params
    for name in ("label", "method"):
        if what := why_unstorable(said.get(name, "")):
            raise ExportRefused(f"{name} {what}.", fields={name: what[:1].upper() + what[1:] + "."})
    return TruthFilter(
        since=_moment(request, "since"), until=_moment(request, "until"),
        label=said.get("label") or None, method=said.get("method") or None, sites=sites,
    )  # fmt: skip


def _yes(request: Request, name: str) -> bool:
    said = request.query_params.get(name, "false").lower()
    if said not in {"1", "true", "yes", "0", "false", "no", ""}:
        raise ExportRefused(f"{name} is true or false.", fields={name: "true or false."})
    return said in {"1", "true", "yes"}


def _moment(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name)
    if not text:
        return None
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise ExportRefused(f"{name} is a moment in ISO 8601.", fields={name: "Not a moment."})
    if what := why_no_moment(moment):
        raise ExportRefused(f"{name} {what}.", fields={name: what[:1].upper() + what[1:] + "."})
    return moment
