"""Very many rows in one request: read and decided in one thread while another writes the chunk before.

A chunk is one transaction. When the client leaves in the middle, what was committed are whole chunks, and the same
request sent again completes them: known parts are answered as duplicates, the others stored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import Any

import msgspec
from django.db import connection

from labeling.ingest.chunk import Plan, store_chunk
from labeling.ingest.request import note_deployments
from labeling.ingest.submission import Answer, Submission, refusal
from reviewapp.errors import ReviewAppError

ROWS_IN_A_CHUNK = 2_000
IN_MEMORY = 2**20  # bytes of answers that wait in memory; more wait on disk
ENCODER = msgspec.json.Encoder()
Prepare = Callable[[bytes, int], Submission]
Source = Iterator[tuple[int, bytes]]


class Told(msgspec.Struct, omit_defaults=True, kw_only=True):
    """One row of the answer: what the line has to do, and no more. What stands at its default is left out."""

    row: int
    status: str
    inspection_id: str | None = None
    disposition: str | None = None
    review: str = "none"
    review_id: int | None = None
    deadline: datetime | None = None
    default_disposition: str | None = None
    image: str = "not_wanted"
    code: str = ""
    message: str = ""
    fields: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows that are stored together, and the error with which the body ended if it did."""

    submissions: list[Submission]
    refused: list[Answer]
    is_last: bool
    error: ReviewAppError | None


class Bulk:
    """One request's rows on their way in. `answers` is a file of JSON objects with commas between them."""

    def __init__(self, prepare: Prepare, *, now: datetime, max_rows: int) -> None:
        self.prepare, self.now, self.max_rows = prepare, now, max_rows
        self.counts: Counter[str] = Counter(created=0, duplicate=0, rejected=0)
        self.first_refusal: ReviewAppError | None = None
        self.answers = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - whoever sends the answer closes it
        self.has_images_to_fetch = False
        self._n_told = 0

    def run(self, rows: Iterable[bytes]) -> None:
        """Store everything that ``rows`` gives.

        :raises ReviewAppError: the rows end with an error; those before it are stored, and told in `answers`.
        """
        source = enumerate(rows)
        last = self._chunk(source)
        if last.is_last:  # all that came: no thread is needed
            self._tell(last.refused)
            self._tell(self._store(last, None) if last.submissions else [])
        else:
            with ThreadPoolExecutor(1, thread_name_prefix="ingest") as writer:
                try:
                    last = self._run(last, source, writer)
                finally:
                    writer.submit(_hang_up).result()
        if last.error is not None:
            raise last.error

    def _run(self, chunk: Chunk, source: Source, writer: ThreadPoolExecutor) -> Chunk:
        """Plan a chunk while the one before is being written. Returns the last one."""
        writing: Future[list[Answer]] | None = None
        while True:
            plan = Plan(chunk.submissions, now=self.now) if chunk.submissions else None
            if writing is not None:
                self._tell(writing.result())
            self._tell(chunk.refused)
            writing = writer.submit(self._store, chunk, plan) if plan else None
            if chunk.is_last:
                break
            chunk = self._chunk(source)
        if writing is not None:
            self._tell(writing.result())
        return chunk

    def _chunk(self, source: Source) -> Chunk:
        """The next rows, checked. Where the body ends or breaks, the last chunk."""
        submissions: list[Submission] = []
        refused: list[Answer] = []
        n, ended = 0, None
        try:
            for position, text in islice(source, ROWS_IN_A_CHUNK):
                self._refuse_too_many(position)
                n += 1
                try:
                    submissions.append(self.prepare(text, position))
                except ReviewAppError as error:
                    refused.append(refusal(position, error))
        except ReviewAppError as error:
            ended = error
        return Chunk(submissions, refused, is_last=ended is not None or n < ROWS_IN_A_CHUNK, error=ended)

    def _refuse_too_many(self, position: int) -> None:
        if position >= self.max_rows:
            raise ReviewAppError(
                f"At most {self.max_rows} rows are taken at once. From row {position} on nothing was stored.",
                code="too_many_rows", http_status=413, row=position,
            )  # fmt: skip

    def _store(self, chunk: Chunk, plan: Plan | None) -> list[Answer]:
        answers = store_chunk(chunk.submissions, now=self.now, plan=plan)
        note_deployments(chunk.submissions, answers, self.now)
        return answers

    def _tell(self, answers: Sequence[Answer]) -> None:
        if not answers:
            return
        told = [self._told(answer) for answer in answers]
        self.answers.write((b"," if self._n_told else b"") + ENCODER.encode(told)[1:-1])
        self._n_told += len(told)

    def _told(self, answer: Answer) -> Told:
        error = answer.error
        if error is not None:
            self.counts["rejected"] += 1
            if self.first_refusal is None or answer.row < (self.first_refusal.row or 0):
                self.first_refusal = error
                error.row = answer.row
            return Told(row=answer.row, status="rejected", code=error.code, message=error.message, fields=error.fields)
        self.counts[answer.status] += 1
        self.has_images_to_fetch |= answer.image == "fetching"
        return Told(
            row=answer.row, status=answer.status, inspection_id=answer.inspection_id, disposition=answer.disposition,
            review=answer.review, review_id=answer.review_id, deadline=answer.deadline,
            default_disposition=answer.default_disposition, image=answer.image or "not_wanted",
        )  # fmt: skip


def _hang_up() -> None:
    """A thread has a database connection of its own, which ends with it."""
    connection.close()


def head_of_answer(counts: Counter[str], error: dict[str, Any] | None) -> bytes:
    """What stands before the rows: counts, and the error that ended the request if one did."""
    head: dict[str, Any] = {"counts": dict(counts)} | ({"error": error} if error else {})
    return ENCODER.encode(head)[:-1] + b',"results":['
