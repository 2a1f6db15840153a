"""A chunk of rows in one transaction: new parts written in one go, plain resends answered, the rest part by part."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from django.db import IntegrityError, OperationalError, connection, transaction
from psycopg.errors import DeadlockDetected, UniqueViolation

from labeling.ingest.draft import Draft
from labeling.ingest.item import request_fetches
from labeling.ingest.known import Known, known_parts, newest_attempts
from labeling.ingest.part import add_to_known
from labeling.ingest.parts import Part, gather, part_of
from labeling.ingest.submission import Answer, Submission, refusal
from labeling.ingest.writing import write
from labeling.routing import union_probability
from models_registry import files
from reviewapp.errors import ReviewAppError

RETRIES = 6


class Plan:
    """What is to be done with a chunk, worked out before its transaction. Keys may be taken meanwhile: then anew."""

    def __init__(self, submissions: Sequence[Submission], *, now: datetime, atomic: bool = False) -> None:
        self.submissions, self.now, self.atomic = submissions, now, atomic
        self.answers: list[Answer] = []
        self.later: list[Part] = []
        parts = self._parts()
        known = known_parts(parts)
        new: dict[tuple[int, str], Part] = {}
        for place, part in enumerate(parts):
            self._sort(part, known.get(place), new)
        self.new = [self._with_stored_version(part) for part in new.values()]
        self.draft = Draft(self.new, newest_attempts(_serials(self.new)), now) if self.new else None

    def _parts(self) -> list[Part]:
        parts = []
        for key, rows in gather(self.submissions).items():
            try:
                parts.append(part_of(key, rows))
            except ReviewAppError as error:
                self._refuse(rows, error)
        return parts

    def _sort(self, part: Part, known: Known | None, new: dict[tuple[int, str], Part]) -> None:
        if known is None and part.key[:2] not in new:
            new[part.key[:2]] = part
        elif known is not None and known.digest == part.digest and not any(one.image for one in part.views):
            self.answers += _answers_again(part, known)
        else:
            self.later.append(part)

    def _with_stored_version(self, part: Part) -> Part:
        """A version that nobody registered is stored, as observed, before rows refer to it."""
        lead = part.lead
        if lead.version is None or lead.version.pk:
            return part
        stored = lead.catalog.stored(lead.version, position=lead.position, now=self.now)
        views = [msgspec.structs.replace(one, version=stored) for one in part.views]
        (lead,) = [one for one in views if one.position == lead.position]
        return msgspec.structs.replace(part, views=views, lead=lead)

    def carry_out(self) -> list[Answer]:
        """Write it all. Inside a transaction. :raises ReviewAppError: when all or nothing was asked for."""
        for part in self.new:
            for one in part.views:
                if one.image is not None:  # before the row: a row never names a file that is not there
                    files.put(one.image.key, one.image.data)
        if self.draft is not None:
            write(self.draft.rows)
            request_fetches(self.draft.to_fetch, now=self.now)
        for part in self.later:
            self._add(part)
        return self.answers + (self.draft.answers if self.draft else [])

    def _add(self, part: Part) -> None:
        try:
            with transaction.atomic():
                self.answers += add_to_known(part, now=self.now)
        except ReviewAppError as error:
            self._refuse(part.rows, error)

    def _refuse(self, rows: Sequence[Submission], error: ReviewAppError) -> None:
        if self.atomic:
            raise error
        self.answers += [refusal(one.position, error) for one in rows]


def store_chunk(
    submissions: Sequence[Submission], *, now: datetime, atomic: bool = False, plan: Plan | None = None
) -> list[Answer]:
    """Store rows in one transaction and answer each. ``plan``: worked out before, by another thread.

    Tried again with a new plan when a twin request took the same keys (or locks) in the same moment.
    """
    for attempts_left in range(RETRIES, -1, -1):
        try:
            with transaction.atomic():
                if attempts_left < RETRIES:
                    _wait_in_line(submissions)
                return (plan or Plan(submissions, now=now, atomic=atomic)).carry_out()
        except (IntegrityError, OperationalError) as error:
            plan = None
            if not attempts_left or not isinstance(error.__cause__, UniqueViolation | DeadlockDetected):
                raise
    raise AssertionError("unreachable")


def _wait_in_line(submissions: Sequence[Submission]) -> None:
    """Those who met on the same keys go one after the other: ten of one serial would else meet again and again."""
    with connection.cursor() as cursor:
        for station in sorted({one.source.station_id for one in submissions}):
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"ingest at {station}"])


def _serials(parts: Sequence[Part]) -> set[tuple[int, str]]:
    return {(part.key[0], part.said.serial) for part in parts if part.said.serial}


def _answers_again(part: Part, known: Known) -> list[Answer]:
    """What the same rows were answered the first time."""
    version = part.lead.version
    return [
        Answer(
            row=one.position, status="duplicate", inspection_id=one.row.inspection_id, attempt=known.attempt,
            label=known.label, confidence=known.confidence, scores=part.lead.row.scores,
            version=version.short_name if version else None, disposition=known.disposition,
            review=known.mode or "none", review_id=known.review, deadline=known.deadline,
            default_disposition=known.default_disposition or None, reason=known.reason or "",
            probability=union_probability(known.pis) if known.pis else 1.0,
            image=dict(known.images or ()).get(one.row.view),
        )
        for one in part.rows
    ]  # fmt: skip
