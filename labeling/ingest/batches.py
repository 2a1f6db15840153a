"""`Idempotency-Key`: a resend gets the first answer, and what is running is not started twice."""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Q

from labeling.models import IngestBatch
from reviewapp.errors import Conflict, ReviewAppError

if TYPE_CHECKING:
    from django.contrib.auth.models import User

LOST_AFTER = timedelta(minutes=10)  # a batch that has run so long lost its process
KEPT = timedelta(days=7)
MAX_KEY = 200


def begin_batch(*, key: str, submitted_by: User, now: datetime) -> IngestBatch:
    """The batch of this key: `finished_at` is None when its rows are to be stored now, else it has its answer.

    :raises Conflict: ``batch_running``. :raises ReviewAppError: no key that can be kept.
    """
    if not 0 < len(key) <= MAX_KEY or not key.isprintable():
        raise ReviewAppError(
            f"An Idempotency-Key has 1 to {MAX_KEY} printable characters.", code="invalid",
            fields={"Idempotency-Key": "Not usable."},
        )  # fmt: skip
    fresh = IngestBatch(key=key, submitted_by=submitted_by, started_at=now)
    IngestBatch.objects.bulk_create([fresh], ignore_conflicts=True)
    mine = IngestBatch.objects.filter(key=key, submitted_by=submitted_by)
    batch = mine.get()
    if batch.finished_at is not None or batch.started_at == now:
        return batch
    lost = mine.filter(Q(finished_at__isnull=True), started_at__lt=now - LOST_AFTER)
    if not lost.update(started_at=now):
        raise Conflict(
            "A request with this Idempotency-Key is being worked on. Ask again for its answer.", code="batch_running"
        )
    return mine.get()


def finish_batch(batch: IngestBatch, *, body_sha256: str, http_status: int, answer: bytes, now: datetime) -> None:
    """Keep the answer. A batch that another process took over meanwhile is that one's."""
    IngestBatch.objects.filter(pk=batch.pk, started_at=batch.started_at, finished_at=None).update(
        finished_at=now, body_sha256=body_sha256, http_status=http_status, answer=answer
    )


def give_up_batch(batch: IngestBatch) -> None:
    """The request failed in the middle: whoever sends it again starts at once."""
    IngestBatch.objects.filter(pk=batch.pk, started_at=batch.started_at, finished_at=None).delete()


def first_answer(batch: IngestBatch, *, body_sha256: str) -> tuple[bytes, int]:
    """The answer and its status. :raises Conflict: ``idempotency_key_taken``; the key came with another body."""
    if batch.body_sha256 != body_sha256:
        raise Conflict(
            "This Idempotency-Key was used with another body. Nothing was stored.", code="idempotency_key_taken",
            fields={"Idempotency-Key": "Taken."},
        )  # fmt: skip
    assert batch.answer is not None  # noqa: S101 - a finished batch has one (CHECK)
    assert batch.http_status is not None  # noqa: S101
    return zlib.decompress(bytes(batch.answer)), batch.http_status


def forget_batches(*, now: datetime) -> int:
    """Remove answers nobody asks for again. Natural keys keep protecting what they brought."""
    return IngestBatch.objects.filter(started_at__lt=now - KEPT).delete()[0]
