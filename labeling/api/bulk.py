"""`POST /predictions/bulk/`: NDJSON or a JSON array, gzip or not, streamed in and answered row by row."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator

from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from labeling import desk
from labeling.api.authentication import person
from labeling.api.rows import RequestRows
from labeling.bodies import PIECE, bounded, gunzipped, rows
from labeling.ingest import Ingest
from labeling.ingest.batches import begin_batch, finish_batch, first_answer, give_up_batch
from labeling.ingest.bulk import Bulk, head_of_answer
from labeling.models import IngestBatch
from reviewapp.errors import ReviewAppError

JSON = "application/json"
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER,
    description="A name of yours for this request. Sent again with the same body it gets the first answer.",
)  # fmt: skip


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
        summary="Send very many predictions", parameters=[IDEMPOTENCY_KEY], request=OpenApiTypes.OBJECT,
        responses=OpenApiTypes.OBJECT,
    )  # fmt: skip
    def post(self, request: Request) -> HttpResponseBase:
        body, key = ReceivedBody(request), request.headers.get("Idempotency-Key")
        if key is None:
            return self._ingest(request, body, None)
        batch = begin_batch(key=key, submitted_by=person(request), now=timezone.now())
        if batch.finished_at is not None:
            answer, status = first_answer(batch, body_sha256=body.sha256())
            return HttpResponse(answer, status=status, content_type=JSON, headers={"Idempotency-Replayed": "true"})
        try:
            return self._ingest(request, body, batch)
        except BaseException:
            give_up_batch(batch)
            raise

    def _ingest(self, request: Request, body: ReceivedBody, batch: IngestBatch | None) -> HttpResponseBase:
        now = timezone.now()
        session = RequestRows(request, Ingest(now=now, sources=desk.sources()), model=None, predicted=True)
        bulk = Bulk(session.from_line, now=now, max_rows=settings.MAX_BULK_ROWS)
        error: ReviewAppError | None = None
        try:
            bulk.run(rows(body.pieces()))
        except ReviewAppError as ended:
            error = ended
        status = _status(bulk, error)
        if batch is not None and error is None:
            answer = b"".join(_answer(bulk, error))
            packed = zlib.compress(answer, 1)
            finish_batch(batch, body_sha256=body.sha256(), http_status=status, answer=packed, now=timezone.now())
            return HttpResponse(answer, status=status, content_type=JSON)
        if batch is not None:
            give_up_batch(batch)
        return StreamingHttpResponse(_answer(bulk, error), status=status, content_type=JSON)


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
