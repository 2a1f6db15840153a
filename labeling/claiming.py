"""The statement that hands out reviews: it picks, leases and reads them in one go.

What may be handed out lies in lanes, each the head of one index of `Review` (`LANES`): of a model, or of what was asked
for in it. Beside them lie three short ones: what somebody has had and another is to see, second opinions, and leases
that ran out. Of those the first `NEAR` are looked at, so that a person who has judged the whole head of a queue does
not walk past it each time; only when too little is found, all are. Who is on a pause has no lane.

    lanes: fresh ──┐
    again, second, ├──> not judged by this person ──> locked, or passed over ──> first n in order ──> leased
    run out ───────┘

The planner is left no choice, as in the rollups' triggers: each question repeats the condition of its one index and of
no other, and comes in its order. The plan is made once a connection, so it cannot depend on statistics that are out
of date.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal

import psycopg

from labeling.ingest.cursor import Statement, statement_cursor
from labeling.models import Inspection, Item, Prediction, Review

Order = Literal["drawn", "doubt"]
Way = Literal["model", "station", "source", "shift", "label"]
NEAR, ALL = 64, 1_000_000

PLAN = Statement.of(
    """SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_sort', 'off', true),
set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
set_config('jit', 'off', true)"""
)
ORDERS: dict[Order, str] = {
    "drawn": "priority, deadline, id",
    "doubt": "priority, deadline, doubt DESC, id",  # blind ones first, whose doubt is not told
}
# The column that a lane's index begins with, and what its condition says of it; see `LANES` of the review.
KEYS: dict[Way, str] = {
    "model": "r.priority >= 0",
    "station": "r.station_id = lane.key::bigint",
    "source": "r.source_id = lane.key::bigint",
    "shift": "r.shift <> '' AND r.shift = lane.key",
    "label": "r.shown_label_id = lane.key::bigint",
}
FREE = "r.status = 'open' AND NOT r.waits_for_image AND r.claimed_by_id IS NULL"
# said so that no index of open reviews fits: rows that are known by their key are looked up by it
OPEN = "r.status || '' = 'open' AND NOT r.waits_for_image"
ASKED = """
    r.id <> ALL (%(holding)s::bigint[])
    AND (r.registered_model_id = ANY (%(everywhere)s::bigint[]) OR r.station_id = ANY (%(stations)s::bigint[]))
    AND (r.reason <> 'adjudication' OR r.registered_model_id = ANY (%(settles)s::bigint[])
        OR r.station_id = ANY (%(settles_at)s::bigint[]))
    AND (%(only)s::text IS NULL OR (r.reason = 'adjudication') = (%(only)s = 'second'))
    AND (%(station)s::bigint IS NULL OR r.station_id = %(station)s)
    AND (%(source)s::bigint IS NULL OR r.source_id = %(source)s)
    AND (%(shift)s::text IS NULL OR r.shift = %(shift)s)
    AND (%(label)s::bigint IS NULL OR r.shown_label_id = %(label)s)
    AND NOT EXISTS (
        SELECT 1
        FROM (
            SELECT id, registered_model_id AS model FROM labeling_review WHERE inspection_id = r.inspection_id OFFSET 0
        ) round
        CROSS JOIN LATERAL (
            SELECT id, reviewer_id, kind FROM labeling_verdict WHERE review_id = round.id OFFSET 0
        ) said
        WHERE round.model = r.registered_model_id AND said.reviewer_id = %(user)s AND said.kind <> 'withdrawn'
            AND NOT EXISTS (SELECT 1 FROM labeling_verdict newer WHERE newer.supersedes_id = said.id)
    )
"""
# only where a policy demands a qualification
LIMITS = """
    AND (r.registered_model_id = ANY (%(free)s::bigint[]) OR EXISTS (
        SELECT 1
        FROM unnest(%(grant_models)s::bigint[], %(grant_sources)s::bigint[], %(grant_labels)s::bigint[])
            AS may(model, source, label)
        WHERE may.model = r.registered_model_id AND (may.source IS NULL OR may.source = r.source_id)
            AND (may.label IS NULL OR may.label = r.shown_label_id)
    ))
"""
PLACE = "r.id, r.priority, r.deadline, r.doubt"
CLAIM = """
WITH lane AS MATERIALIZED (
    SELECT * FROM unnest(%(models)s::bigint[], %(keys)s::text[], %(until)s::timestamptz[]) AS l(model, key, until)
    WHERE NOT EXISTS (SELECT 1 FROM labeling_pause WHERE user_id = %(user)s AND ended_at IS NULL)
), mine AS MATERIALIZED (
    SELECT id FROM labeling_review WHERE claimed_by_id = %(user)s AND EXISTS (SELECT 1 FROM lane)
), held AS MATERIALIZED (
    SELECT {place} FROM mine JOIN labeling_review r ON r.id = mine.id
    WHERE r.claimed_by_id = %(user)s AND {open} AND r.claim_expires_at > %(now)s
        AND r.registered_model_id = ANY (%(models)s::bigint[]) AND {asked}
    ORDER BY {order} LIMIT %(n)s FOR UPDATE OF r SKIP LOCKED
), fresh AS MATERIALIZED (
    SELECT f.* FROM lane CROSS JOIN LATERAL (
        SELECT {place} FROM labeling_review r
        WHERE {free} AND NOT r.spoken AND r.reason <> 'adjudication' AND r.registered_model_id = lane.model
            AND {key} AND {asked}
        ORDER BY {order} LIMIT %(n)s - (SELECT count(*) FROM held) FOR UPDATE SKIP LOCKED
    ) f
), near AS MATERIALIZED (
    SELECT s.id FROM (SELECT DISTINCT model FROM lane) lane CROSS JOIN LATERAL (
        (SELECT r.id FROM labeling_review r
        WHERE {free} AND r.spoken AND r.reason <> 'adjudication' AND r.registered_model_id = lane.model
        ORDER BY priority, deadline, id LIMIT %(near)s)
        UNION ALL
        (SELECT r.id FROM labeling_review r
        WHERE {free} AND r.reason = 'adjudication' AND r.registered_model_id = lane.model
        ORDER BY priority, deadline, id LIMIT %(near)s)
        UNION ALL
        (SELECT r.id FROM labeling_review r
        WHERE r.status = 'open' AND r.claimed_by_id IS NOT NULL AND r.registered_model_id = lane.model
            AND r.claim_expires_at <= %(now)s
        ORDER BY claim_expires_at LIMIT %(near)s)
    ) s
), others AS MATERIALIZED (
    SELECT {place} FROM near JOIN labeling_review r ON r.id = near.id
    WHERE {open} AND (r.claimed_by_id IS NULL OR r.claim_expires_at <= %(now)s) AND {asked}
    ORDER BY {order} LIMIT %(n)s - (SELECT count(*) FROM held) FOR UPDATE OF r SKIP LOCKED
), chosen AS MATERIALIZED (
    SELECT id FROM (
        SELECT 0 AS place, * FROM held UNION ALL SELECT 1, * FROM fresh UNION ALL SELECT 1, * FROM others
    ) one
    ORDER BY place, {order} LIMIT %(n)s
), taken AS (
    UPDATE labeling_review r SET claimed_by_id = %(user)s,
        claim_expires_at = (SELECT until FROM lane WHERE model = r.registered_model_id LIMIT 1)
    FROM chosen WHERE r.id = chosen.id
    RETURNING r.*
)
SELECT {columns}
FROM taken review
JOIN labeling_inspection inspection ON inspection.id = review.inspection_id
LEFT JOIN labeling_prediction prediction ON prediction.id = review.prediction_id
LEFT JOIN labeling_item item ON item.inspection_id = inspection.id
ORDER BY {review_order}, item.id
"""
READ = {"review": Review, "inspection": Inspection, "prediction": Prediction, "item": Item}
COLUMNS = [f"{name}.{one.column}" for name, model in READ.items() for one in model._meta.concrete_fields]


@dataclass(frozen=True, slots=True)
class Question:
    """Whom, where and what: everything that the statement is asked. ``stations``: where a person may judge who may not
    judge a model everywhere. ``keys``: of the lanes, beside ``models`` and the ends of their leases ``until``.
    ``is_limited``: the person's qualifications count, one a row of ``grant_…``, but for the models in ``free``.
    """

    way: Way
    user: int
    n: int
    now: datetime
    models: list[int]
    keys: list[str | None]
    until: list[datetime]
    everywhere: list[int]
    stations: list[int]
    settles: list[int]
    settles_at: list[int]
    holding: list[int]
    only: Literal["first", "second"] | None
    station: int | None
    source: int | None
    shift: str | None
    label: int | None
    near: int
    order: Order
    is_limited: bool
    free: list[int]
    grant_models: list[int]
    grant_sources: list[int | None]
    grant_labels: list[int | None]


def lease(question: Question) -> list[tuple[Any, ...]]:
    """Lease and read. A row for each view, reviews in queue order.

    Both statements are one transaction, since they go to the database in one pipeline, or are in the caller's.
    """
    values = {name: getattr(question, name) for name in Question.__slots__}
    with statement_cursor() as cursor, cursor.connection.pipeline():
        PLAN.send(psycopg.RawCursor(cursor.connection), {})
        return statement(question.way, question.order, question.is_limited).send(cursor, values).fetchall()


@cache
def statement(way: Way, order: Order, is_limited: bool = False) -> Statement:
    """The text for one way into the queue and one order."""
    asked = ASKED + LIMITS if is_limited else ASKED
    words = ORDERS[order]
    text = CLAIM.format(
        place=PLACE, open=OPEN, free=FREE, asked=asked, key=KEYS[way], order=words, columns=", ".join(COLUMNS),
        review_order=", ".join(f"review.{one}" for one in words.split(", ")),
    )  # fmt: skip
    return Statement.of(text)
