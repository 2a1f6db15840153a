"""The usual verdict: the first word on a part, where one voice settles. Nearly all are such.

`labeling/verdicts.py` is the whole truth about verdicts; this is its quick way for one case, and leaves the same rows
(tests hold the two against each other). Three waits for the database: what the review is; the lock and one statement
that looks once more and writes; the commit. Whatever is not usual changes nothing here and goes the long way, which
also says what is wrong.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
from django.db import connection, transaction
from django.db.models import JSONField
from psycopg.types.json import Jsonb

from labeling.announcements import announce_settled
from labeling.dispositions import CHANNEL, nudge
from labeling.ingest.cursor import Statement, statement_cursor
from labeling.models import GroundTruth, Verdict
from labeling.said import Recorded, Said, columns, message_of
from labeling.seats import Seat, seat_of
from models_registry.models import RegisteredModel

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Kind = Verdict.Kind
USUAL_SURFACES = frozenset({Verdict.Surface.STATION, Verdict.Surface.API})
LOOK = Statement.of("""
SELECT r.inspection_id, r.registered_model_id, r.blind, coalesce(nullif(i.serial, ''), i.inspection_id), s.site_id,
    m.slug
FROM labeling_review r
JOIN labeling_inspection i ON i.id = r.inspection_id
JOIN labeling_station s ON s.id = i.station_id
JOIN models_registry_registeredmodel m ON m.id = r.registered_model_id
WHERE r.id = %(review_id)s
""")
LOCK = Statement.of("SELECT 1 FROM labeling_inspection WHERE id = %(inspection)s FOR NO KEY UPDATE")
SAY = """
WITH usual AS MATERIALIZED (
    SELECT r.id, r.mode = 'blocking' AS waits, coalesce(
        r.claimed_by_id <> %(reviewer_id)s AND r.claim_expires_at > %(received_at)s, false
    ) AS lease_lost
    FROM labeling_review r
    WHERE r.id = %(review_id)s AND r.status = 'open' AND r.reason <> 'adjudication'
        AND (r.mode = 'measuring' OR r.release_at IS NULL AND NOT EXISTS (
            SELECT 1 FROM labeling_dispositionrecord WHERE review_id = r.id AND revoked_at IS NULL
        ))
        AND (
            SELECT count(*) FROM (
                SELECT registered_model_id AS model FROM labeling_review WHERE inspection_id = %(inspection)s OFFSET 0
            ) round
            WHERE round.model = %(model)s
        ) = 1
        AND NOT EXISTS (SELECT 1 FROM labeling_verdict WHERE review_id = r.id)
        AND NOT EXISTS (SELECT 1 FROM labeling_verdict WHERE client_id = %(client_id)s)
        AND NOT EXISTS (
            SELECT 1 FROM labeling_groundtruth WHERE registered_model_id = %(model)s AND inspection_id = %(inspection)s
        )
    FOR UPDATE
), said AS (
    INSERT INTO labeling_verdict ({names}, lease_lost) SELECT {values}, lease_lost FROM usual RETURNING id
), closed AS (
    UPDATE labeling_review SET status = 'settled', settled_at = %(received_at)s, claimed_by_id = NULL,
        claim_expires_at = NULL,
        release_at = CASE WHEN usual.waits THEN %(release_at)s::timestamptz ELSE labeling_review.release_at END
    FROM said, usual WHERE labeling_review.id = %(review_id)s
), truth AS (
    INSERT INTO labeling_groundtruth (
        registered_model_id, inspection_id, outcome, label_id, findings, n_verdicts, method, decided_at
    )
    SELECT %(model)s, %(inspection)s, %(kind)s, %(label_id)s::bigint, '[]', 1, 'single', %(received_at)s FROM said
    RETURNING id
)
SELECT said.id, usual.lease_lost, truth.id, EXISTS (SELECT 1 FROM models_registry_webhook WHERE is_active),
    usual.waits, pg_notify(%(channel)s, %(review_id)s::text)
FROM usual, said, truth
"""


class Look(NamedTuple):
    inspection: int
    model: int
    blind: bool
    part: str
    site: int
    slug: str


def first_word(*, review_id: int, reviewer: User, said: Said, now: datetime) -> Recorded | None:
    """Store the verdict and settle the part; None: it is not the usual case, and nothing was changed.

    :raises django.db.IntegrityError: another part's verdict took the client id in this moment.
    """
    with statement_cursor() as cursor:
        found = LOOK.send(cursor, {"review_id": review_id}).fetchone()
    look = Look(*found) if found else None
    at = look and seat_of(reviewer, look.slug)
    if look is None or at is None or not _is_usual(at, look, said):
        return None
    label = at.table.labels.get(said.label or "")
    row = columns(said, review_id=review_id, reviewer_id=reviewer.pk, label_id=label.pk if label else None, now=now)
    delay = at.table.policy.release_seconds
    with transaction.atomic():
        stored = _store(row, look, now + timedelta(seconds=delay))
        if stored is None:
            return None
        verdict_id, lease_lost, truth, is_announced, waits = stored
        if waits:
            nudge(after=delay)  # what was said goes out then, and is announced then
        elif is_announced:
            announce_settled(GroundTruth.objects.get(pk=truth), now=now)
    verdict = Verdict(id=verdict_id, lease_lost=lease_lost, **row)
    verdict._state.adding, verdict._state.db = False, connection.alias
    verdict._state.fields_cache["label"] = label
    return Recorded(verdict, True, True, message_of(lease_lost=lease_lost), look.part)


def _is_usual(at: Seat, look: Look, said: Said) -> bool:
    """Everything that can be told without the tables."""
    policy = at.table.policy
    return (
        at.reach.covers("review", look.site)
        and policy.votes_needed == 1
        and not policy.needs_qualification
        and said.surface in USUAL_SURFACES
        and not said.findings
        and at.table.registered_model.kind != RegisteredModel.Kind.DETECTION  # whose regions are settled too
        and said.phase == (Verdict.Phase.BLIND if look.blind else Verdict.Phase.SHOWN)
        and said.said_at - said.shown_at >= timedelta(milliseconds=policy.min_view_ms)
        and (
            (said.kind == Kind.LABEL and said.label in at.table.labels)
            or (said.kind == Kind.BAD_IMAGE and said.label is None)
        )
    )


def _store(row: dict[str, Any], look: Look, release_at: datetime) -> tuple[int, bool, int, bool, bool] | None:
    values = {name: Jsonb(value) if name in _json() else value for name, value in row.items()}
    values |= {"inspection": look.inspection, "model": look.model, "channel": CHANNEL, "release_at": release_at}
    with statement_cursor() as cursor, cursor.connection.pipeline():
        LOCK.send(psycopg.RawCursor(cursor.connection), values)
        found = _statement(tuple(row)).send(cursor, values).fetchone()
    return found[:5] if found else None


@cache
def _json() -> frozenset[str]:
    return frozenset(one.attname for one in Verdict._meta.concrete_fields if isinstance(one, JSONField))


@cache
def _statement(names: tuple[str, ...]) -> Statement:
    types = {one.attname: one.db_type(connection) for one in Verdict._meta.concrete_fields}
    values = ", ".join(f"%({name})s::{types[name]}" for name in names)
    return Statement.of(SAY.format(names=", ".join(names), values=values))
