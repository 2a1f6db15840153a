"""Pages of big tables walk an index and read little of it: on 60,000 parts of two models, one of which is idle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

import tests.factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
N = 60_000
MOST_BLOCKS = 40_000  # touched in memory in some 15 ms; the worst are walks to a rare disposition

ROWS = """
INSERT INTO labeling_inspection (station_id, inspection_id, serial, attempt, recipe, lot, captured_at, received_at, day,
    shift, purpose, metadata, group_id, partition)
SELECT (%(stations)s::bigint[])[1 + i %% 2], 'part-' || i, 'S' || i, 1, '', 'L' || i / 500, moment, moment,
    moment::date, '', 'production', '{}', 'g' || i, 'train'
FROM (SELECT i, %(start)s::timestamptz + i * interval '1 second' AS moment FROM generate_series(1, %(n)s) AS i) AS made
ORDER BY i;
INSERT INTO labeling_selection (inspection_id, registered_model_id, design_id, stratum, pi, floor_pi, u, uncertainty,
    error_guess, drawn, reason, created_at)
SELECT id, %(model)s, %(design)s, 'sampled', 0.05, 0.02, 0.5, 0.2, 0.1, false, '', received_at FROM labeling_inspection;
INSERT INTO labeling_prediction (inspection_id, model_version_id, label_id, confidence, scores, findings,
    digest, predicted_at)
SELECT id, CASE WHEN id %% 100 = 0 THEN %(second)s ELSE %(first)s END, (%(labels)s::bigint[])[1 + (id %% 3)::int],
    (id %% 1000) / 1000.0, '{"ok": 0.9}', '[]', repeat('0', 64), captured_at FROM labeling_inspection;
INSERT INTO labeling_dispositionrecord (inspection_id, prediction_id, origin, disposition, reason, created_at)
SELECT inspection_id, id, 'answered', CASE WHEN id %% 49 = 0 THEN 'reject' ELSE 'pass' END, '', predicted_at
FROM labeling_prediction;
INSERT INTO labeling_review (inspection_id, registered_model_id, round, reason, mode, prediction_id, blind, priority,
    default_disposition, status, created_at)
SELECT inspection_id, %(model)s, 1, 'drawn', 'measuring', id, true, 5, '', 'open', predicted_at
FROM labeling_prediction WHERE id %% 20 = 0;
"""
BIG = ("labeling_inspection", "labeling_prediction", "labeling_selection", "labeling_dispositionrecord")


@pytest.fixture
def many(db: None) -> Iterator[Client]:
    model = make.make_model(slug="steel")
    first = make.make_version(registered_model=model)
    second = make.make_version(registered_model=model, stage="retired")
    stations = [make.make_station(slug=name).pk for name in ("line-a", "line-b")]
    told: dict[str, Any] = {
        "stations": stations, "start": make.NOW, "n": N, "model": model.pk, "design": model.designs.get().pk,
        "first": first.pk, "second": second.pk, "labels": [one.pk for one in model.label_set.labels.all()],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(ROWS, told)
        for table in (*BIG, "labeling_review"):
            cursor.execute(f"ANALYZE {table}")
    make.make_version()  # another model, which sends nothing
    client = Client()
    for name in ("lead", "inspector"):
        make.make_member(name, user=make.make_user(name), registered_model=model)
    client.force_login(make.make_user("lead"))
    yield client
    with connection.cursor() as cursor:  # pages limit the time; what a test leaves behind is checked without hurry
        cursor.execute("SET LOCAL statement_timeout = 0")


QUERIES = {
    "predictions": [
        "", "model=steel", "model=steel&version=1", "model=steel&version=2", "serial=S777", "lot=L7",
        "model=steel&station=line-a", "since=2026-11-23T20:00:00Z&until=2026-11-23T21:00:00Z", "label=dent",
        "confidence_min=0.99", "disposition=reject", "inspection_id=part-9", "model=steel&serial=nothing",
    ],
    "inspections": ["", "model=steel", "station=line-b", "serial=S777", "lot=L7", "inspection_id=part-9",
        "since=2026-11-23T20:00:00Z&until=2026-11-23T21:00:00Z", "disposition=reject"],
    "reviews": ["", "model=steel", "status=open", "serial=S780", "lot=L7"],
    "dispositions": ["", "disposition=reject", "serial=S777", "lot=L7"],
}  # fmt: skip


@pytest.mark.parametrize("person", ["lead", "inspector"])
def test_a_first_page_and_a_deep_one_read_little(person: str, many: Client) -> None:
    many.force_login(make.make_user(person))
    read: dict[str, int] = {}
    for what, queries in QUERIES.items():
        for query in queries:
            url = f"/api/v1/{what}/?{query}"
            read[url], next_page = blocks(many, url)
            if next_page:
                read[f"{url} second page"], _ = blocks(many, next_page)
    assert {url: n for url, n in read.items() if n > MOST_BLOCKS} == {}


def blocks(client: Client, url: str) -> tuple[int, str | None]:
    """How many blocks of 8 kB the database looks at for a page, and the address of the next one."""
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(url)
    assert answer.status_code == 200, answer.content
    n = 0
    with connection.cursor() as cursor:
        for one in asked.captured_queries:
            if one["sql"].startswith("SELECT"):
                cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {one['sql']}")
                plan = cursor.fetchone()[0][0]["Plan"]
                n += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return n, answer.json()["next"]
