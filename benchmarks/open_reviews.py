"""Very many open reviews, written by the database itself, with what queues are asked by."""

from __future__ import annotations

import psycopg

from benchmarks.big_tables import as_superuser

AT_ONCE = 250_000
# The cameras take turns; one part in five is blind. Foreign keys and triggers are passed, as a restore would.
FILL = """
WITH place AS (
    SELECT m.id AS model, v.id AS version, s.sources, s.station,
        (SELECT min(l.id) FROM models_registry_label l WHERE l.label_set_id = m.label_set_id) AS label
    FROM models_registry_registeredmodel m
    JOIN models_registry_modelversion v ON v.registered_model_id = m.id AND v.stage = 'champion'
    CROSS JOIN (
        SELECT array_agg(id ORDER BY id) AS sources, min(station_id) AS station FROM labeling_source
    ) s
    WHERE m.slug = 'bench'
), part AS (
    SELECT g, 1000000000 + g AS id, now() AS t, 0.5 + (g * 7919 %% 9973) / 20000.0 AS sure, place.*,
        sources[1 + g %% cardinality(sources)] AS source
    FROM generate_series(%(first)s::bigint, %(last)s) g, place
), inspections AS (
    INSERT INTO labeling_inspection (id, station_id, inspection_id, serial, attempt, recipe, lot, captured_at,
        received_at, day, shift, purpose, metadata, group_id, partition)
    SELECT id, station, 'open-' || g, '', 1, '', '', t, t, t::date, (ARRAY['early', 'late', 'night'])[1 + g %% 3],
        'production', '{}', 'open-' || g, 'train' FROM part
), items AS (
    INSERT INTO labeling_item (inspection_id, public_id, view, source_id, image, content_type, sha256, phash,
        created_at, image_status, image_address)
    SELECT id, gen_random_uuid(), 'main', source, '', '', '', '', t, 'not_wanted', '' FROM part
), predictions AS (
    INSERT INTO labeling_prediction (id, inspection_id, model_version_id, label_id, confidence, findings, digest,
        predicted_at)
    SELECT id, id, version, label + g %% 3, sure, '[]', '', t FROM part
)
INSERT INTO labeling_review (id, inspection_id, registered_model_id, round, reason, mode, prediction_id, blind,
    priority, default_disposition, status, created_at, waits_for_image, station_id, source_id, shift, shown_label_id,
    doubt, spoken)
SELECT id, id, model, 1, 'drawn', 'measuring', id, g %% 5 = 0, 5, '', 'open', t, false, station, source,
    (ARRAY['early', 'late', 'night'])[1 + g %% 3], CASE WHEN g %% 5 <> 0 THEN label + g %% 3 END,
    CASE WHEN g %% 5 <> 0 THEN sqrt(sure * (1 - sure)) END, false
FROM part
"""


def fill(database_url: str, *, first: int, last: int, analyze: bool = False) -> None:
    """Open reviews of parts number ``first`` to ``last``. Without ``analyze`` the planner's statistics are those of
    before, as after a night of much work.
    """
    with psycopg.connect(as_superuser(database_url), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        for start in range(first, last + 1, AT_ONCE):
            connection.execute(FILL, {"first": start, "last": min(last, start + AT_ONCE - 1)})
        if analyze:
            connection.execute("ANALYZE labeling_review")


def verdicts_twice(database_url: str) -> int:
    """Reviews that were judged more than once."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        question = "SELECT count(*) FROM (SELECT 1 FROM labeling_verdict GROUP BY review_id HAVING count(*) > 1) twice"
        row = connection.execute(question).fetchone()
    return int(row[0]) if row else 0


def n_verdicts(database_url: str) -> int:
    with psycopg.connect(database_url, autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM labeling_verdict").fetchone()
    return int(row[0]) if row else 0
