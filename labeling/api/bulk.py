"""`POST /predictions/bulk/`: NDJSON or a JSON array, gzip or not, streamed in and answered row by row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from django.conf import settings
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from labeling import desk
from labeling.api import shapes
from labeling.api.idempotency import HEADER, IDEMPOTENCY_KEY, JSON, answer_once
from labeling.api.rows import RequestRows
from labeling.bodies import PIECE, bounded, gunzipped, rows
from labeling.ingest import Ingest
from labeling.ingest.bulk import Bulk, head_of_answer
from labeling.tasks import nudge_fetcher
from reviewapp.errors import ReviewAppError


class ReceivedBody:
    """The body as it is received, in pieces, hashed on the way."""

    def __init__(self, request: Request) -> None:
        self.request = request._request
        self.encoding = request.headers.get("Content-Encoding", "identity").lower()
        self.digest = hashlib.sha256()

    def pieces(self) -> Iterator[bytes]:
        """Unpacked, and bounded both as received and as unpacked. :raises ReviewAppError: what is wrong with it."""
        if self.encoding not in {"identity", "gzip"}:
            raise ReviewAppError(
                "Content-Encoding is gzip or nothing.", code="unknown_encoding", http_status=415,
                fields={"Content-Encoding": "Unknown."},
            )  # fmt: skip
        received = bounded(self._received(), max_bytes=settings.MAX_BULK_BYTES)
        return bounded(gunzipped(received), max_bytes=settings.MAX_BULK_BYTES) if self.encoding == "gzip" else received

    def _received(self) -> Iterator[bytes]:
        while piece := self.request.read(PIECE):
            self.digest.update(piece)
            yield piece

    def sha256(self) -> str:
        """Of the whole body; what was not read yet is read now."""
        for _ in bounded(self._received(), max_bytes=settings.MAX_BULK_BYTES):
            pass
        return self.digest.hexdigest()


class BulkPredictions(APIView):
    @extend_schema(
        summary="Send very many predictions", parameters=[IDEMPOTENCY_KEY], request=shapes.BULK,
        responses={200: shapes.BulkAnswer, 201: shapes.BulkAnswer, 207: shapes.BulkAnswer},
    )  # fmt: skip
    def post(self, request: Request) -> HttpResponseBase:
        body, key = ReceivedBody(request), request.headers.get(HEADER)
        if key is None:
            bulk, error = _ingest(request, body)
            return StreamingHttpResponse(_answer(bulk, error), status=_status(bulk, error), content_type=JSON)

        def work() -> tuple[bytes, int]:
            bulk, error = _ingest(request, body)
            return b"".join(_answer(bulk, error)), _status(bulk, error)

        return answer_once(request, key=key, sha256=body.sha256, work=work)


def _ingest(request: Request, body: ReceivedBody) -> tuple[Bulk, ReviewAppError | None]:
    """What was stored of the body, and the error with which it ended if it did."""
    now = timezone.now()
    session = RequestRows(request, Ingest(now=now, sources=desk.sources()), model=None, predicted=True)
    bulk = Bulk(session.from_line, now=now, max_rows=settings.MAX_BULK_ROWS)
    ended: ReviewAppError | None = None
    try:
        bulk.run(rows(body.pieces()))
    except ReviewAppError as error:
        ended = error
    if bulk.has_images_to_fetch:
        nudge_fetcher()
    return bulk, ended


def _status(bulk: Bulk, error: ReviewAppError | None) -> int:
    counts = bulk.counts
    if error is not None:
        return error.http_status
    if counts["rejected"] and not counts["created"] and not counts["duplicate"]:
        return bulk.first_refusal.http_status if bulk.first_refusal else 400
    return 207 if counts["rejected"] else 201 if counts["created"] else 200


def _answer(bulk: Bulk, error: ReviewAppError | None) -> Iterator[bytes]:
    said = error or (bulk.first_refusal if _status(bulk, None) >= 400 else None)
    yield head_of_answer(bulk.counts, said.as_dict() if said else None)
    with bulk.answers as answers:
        answers.seek(0)
        while piece := answers.read(PIECE):
            yield piece
    yield b"]}"
