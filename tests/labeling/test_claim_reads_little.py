"""A claim touches few blocks however long the queue is, whatever was asked for, and whoever has worn out its head."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

import tests.factories as make
from labeling import claiming, queue
from labeling.models import Review, Source
from labeling.qualified import limits
from labeling.queue import Asked
from labeling.seats import seat_at
from models_registry.models import Label, ModelVersion, RegisteredModel

NOW = make.NOW
N, WORN, FEW = 6000, 1500, 500  # reviews, those at the head that nobody may have, blocks for four
PARTS = """
INSERT INTO labeling_inspection (id, station_id, inspection_id, serial, attempt, recipe, lot, captured_at, received_at,
    day, shift, purpose, metadata, group_id, partition)
SELECT 1000000 + g, CASE WHEN g > %(rare)s THEN %(rare_station)s ELSE %(station)s END, 'many-' || g, '', 1, '', '',
    now(), now(), now()::date, CASE WHEN g > %(rare)s THEN 'late' ELSE 'early' END, 'production', '{}', 'many-' || g,
    'train'
FROM generate_series(1, %(n)s) g;
INSERT INTO labeling_item (inspection_id, public_id, view, source_id, image, content_type, sha256, phash, created_at)
SELECT 1000000 + g, gen_random_uuid(), 'main', CASE WHEN g > %(rare)s THEN %(rare_source)s ELSE %(source)s END, '', '',
    '', '', now()
FROM generate_series(1, %(n)s) g;
INSERT INTO labeling_prediction (id, inspection_id, model_version_id, label_id, confidence, findings, digest,
    predicted_at)
SELECT 1000000 + g, 1000000 + g, %(version)s, CASE WHEN g > %(rare)s THEN %(dent)s ELSE %(ok)s END,
    0.5 + (g %% 97) / 200.0, '[]', '', now()
FROM generate_series(1, %(n)s) g;
INSERT INTO labeling_review (id, inspection_id, registered_model_id, round, reason, mode, prediction_id, blind,
    priority, default_disposition, status, created_at)
SELECT 1000000 + g, 1000000 + g, %(model)s, 1, 'drawn', 'measuring', 1000000 + g, false, 5, '', 'open', now()
FROM generate_series(1, %(n)s) g
"""


@pytest.fixture
def model(db: None) -> RegisteredModel:
    return make.make_model()


@pytest.fixture
def rare(model: RegisteredModel, alice: User) -> Source:
    """A long queue, with the camera of its last hundred parts. Statistics are those of the empty tables."""
    version: ModelVersion = make.make_version(registered_model=model)
    source, other = make.make_source(), make.make_source()
    labels = {one.slug: one.pk for one in Label.objects.filter(label_set=model.label_set)}
    values = {
        "n": N, "rare": N - 100, "station": source.station_id, "rare_station": other.station_id, "source": source.pk,
        "rare_source": other.pk, "version": version.pk, "model": model.pk, "ok": labels["ok"], "dent": labels["dent"],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(PARTS, values)
    return other


def blocks(alice: User, model: RegisteredModel, asked: Asked) -> tuple[int, int]:
    """Blocks that a claim of four touches, and how many it hands out."""
    seats = [seat_at(alice, model)]
    question = queue._question(seats, alice, 4, NOW, [], asked, limits(seats, alice, now=NOW))
    statement = claiming.statement(question.way, question.order, question.is_limited)
    values = [getattr(question, name) for name in statement.names]
    with transaction.atomic():
        connection.ensure_connection()
        cursor = psycopg.RawCursor(connection.connection)
        claiming.PLAN.send(cursor, {})
        explained: Any = b"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement.text
        cursor.execute(explained, values)  # the first to come by marks in the index what is dead
        transaction.set_rollback(True)
    with transaction.atomic():
        cursor = psycopg.RawCursor(connection.connection)
        claiming.PLAN.send(cursor, {})
        found: Any = cursor.execute(explained, values).fetchall()[0][0]
        n_held = Review.objects.filter(claimed_by=alice).count()
        transaction.set_rollback(True)
    (plan,) = json.loads(found) if isinstance(found, str) else found
    return plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"], n_held


@pytest.mark.django_db(transaction=True)
def test_whatever_is_asked_for_few_blocks_answer(model: RegisteredModel, alice: User, rare: Source) -> None:
    label = seat_at(alice, model).table.labels["dent"].pk
    ways = {
        "anything": Asked(), "doubt": Asked(order="doubt"), "camera": Asked(source=rare.pk),
        "camera by doubt": Asked(source=rare.pk, order="doubt"), "station": Asked(station=rare.station_id),
        "shift": Asked(shift="late"), "class": Asked(label=label, order="doubt"),
        "all of it": Asked(source=rare.pk, station=rare.station_id, shift="late", label=label),
    }  # fmt: skip
    touched = {name: blocks(alice, model, asked) for name, asked in ways.items()}

    assert {name: n for name, (_, n) in touched.items() if n != 4} == {}
    assert {name: n for name, (n, _) in touched.items() if n > FEW} == {}


@pytest.mark.django_db(transaction=True)
def test_a_worn_head_is_not_walked_past(model: RegisteredModel, alice: User, rare: Source) -> None:
    """Leased by a colleague, or judged by alice and waiting for another voice."""
    bob = make.make_user("bob")
    head = Review.objects.filter(registered_model=model).order_by("pk").values_list("pk", flat=True)
    leased, judged = head[:WORN], head[WORN : 2 * WORN]
    Review.objects.filter(pk__in=list(leased)).update(claimed_by=bob, claim_expires_at=NOW.replace(year=2100))
    Review.objects.filter(pk__in=list(judged)).update(spoken=True)
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO labeling_verdict (review_id, reviewer_id, phase, kind, label_id, note, findings, shown,
                shown_at, said_at, received_at, lease_lost, client_id)
            SELECT r.id, %s, 'shown', 'label', r.shown_label_id, '', '[]', '{}', now(), now(), now(), false,
                gen_random_uuid()
            FROM labeling_review r WHERE r.id = ANY (%s)""",
            [alice.pk, list(judged)],
        )

    # the least of three: while a vacuum runs beside it, dead entries of the index stay
    touched, n = min(blocks(alice, model, Asked()) for _ in range(3))
    assert n == 4
    assert touched < 3 * FEW  # with the 64 that are near and turn out to be her own
