"""`Idempotency-Key` at the doors: the first answer again, to the letter, for the same body."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from labeling.api.authentication import person
from labeling.ingest.batches import begin_batch, finish_batch, first_answer, give_up_batch

HEADER = "Idempotency-Key"
IDEMPOTENCY_KEY = OpenApiParameter(
    HEADER, str, OpenApiParameter.HEADER,
    description="A name of yours for this request. Sent again with the same body it gets the first answer.",
)  # fmt: skip
JSON = "application/json"
Worked = tuple[bytes, int]


def answer_once(request: Request, *, key: str, sha256: Callable[[], str], work: Callable[[], Worked]) -> HttpResponse:
    """The answer of ``work`` (JSON and its status), or the one that the same key and body got before.

    ``sha256`` is that of the body, and is asked for when the body has been read. A refusal is not kept: whoever mends
    what was wrong may use the key again.

    :raises Conflict: the key is in use, or came with another body.
    """
    batch = begin_batch(key=key, submitted_by=person(request), now=timezone.now())
    if batch.finished_at is not None:
        answer, status = first_answer(batch, body_sha256=sha256())
        return HttpResponse(answer, status=status, content_type=JSON, headers={"Idempotency-Replayed": "true"})
    try:
        answer, status = work()
    except BaseException:
        give_up_batch(batch)
        raise
    if status < 400:
        packed = zlib.compress(answer, 1)
        finish_batch(batch, body_sha256=sha256(), http_status=status, answer=packed, now=timezone.now())
    else:
        give_up_batch(batch)
    return HttpResponse(answer, status=status, content_type=JSON)
