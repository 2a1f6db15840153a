"""The rollups made anew from the facts, as whole tables: what migrations 0014, 0017 and 0024 do part by part.

A second way to the same sums, for millions, held equal to the first by `tests/labeling/test_tallies_in_any_order.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from labeling.models.tallies import SUMS
from labeling.tallies import FOLDS, KEYS

AT_ONCE = 250_000  # inspections of one step: what is hashed or sorted of them fits into memory
# The planner knows nothing of what was written a moment ago. The facts lie in the order of their inspections: merging
# reads each table once and takes half the time of hashing it.
SETTINGS = ("SET LOCAL work_mem = '128MB'", "SET LOCAL enable_nestloop = off", "SET LOCAL enable_sort = off")
MERGING, HASHING = "SET LOCAL enable_hashjoin = off", "SET LOCAL enable_hashjoin = on"
NEXT = "SELECT max(id) FROM (SELECT id FROM labeling_inspection WHERE id > %(after)s ORDER BY id LIMIT %(n)s) page"
PAGE = "inspection_id > %(after)s AND inspection_id <= %(last)s"

# One row for each prediction of a measured part that was drawn for, as `labeling_measured` has it.
MEASURED = f"""
CREATE TEMPORARY TABLE measured ON COMMIT DROP AS
SELECT p.model_version_id, i.day, item.source_id, s.design_id, s.is_certainty,
    CASE WHEN s.is_certainty THEN 1 ELSE (ARRAY[1, 1.5, 3, 6, 12, 24]::float8[])[greatest(1, width_bucket(
        s.pi / s.floor_pi * (1 + 1e-9), ARRAY[1, 1.5, 3, 6, 12, 24]::float8[]
    ))] END::float8 AS edge,
    s.floor_pi, p.label_id AS predicted_id, s.is_drawn, s.pi, coalesce(1 - p.confidence, 0.5) AS g,
    i.id AS inspection_id, v.registered_model_id, i.shift, i.lot, i.recipe, i.attempt, p.confidence
FROM labeling_prediction p
JOIN models_registry_modelversion v ON v.id = p.model_version_id
JOIN (
    SELECT id, day, shift, lot, recipe, attempt FROM labeling_inspection
    WHERE id > %(after)s AND id <= %(last)s AND withdrawn_at IS NULL AND purpose IN ('production', 'demo')
) i ON i.id = p.inspection_id
JOIN (
    SELECT inspection_id, registered_model_id, min(design_id) AS design_id,
        bool_or(stratum = 'certainty') AS is_certainty, max(floor_pi) AS floor_pi, bool_or(drawn) AS is_drawn,
        CASE WHEN count(*) = 1 OR max(pi) = 1 THEN max(pi)
            ELSE 1 - exp(sum(ln(greatest(1 - pi, 1e-300)))) END AS pi
    FROM labeling_selection WHERE {PAGE} GROUP BY inspection_id, registered_model_id
) s ON s.inspection_id = i.id AND s.registered_model_id = v.registered_model_id
LEFT JOIN (
    SELECT DISTINCT ON (inspection_id) inspection_id, source_id FROM labeling_item
    WHERE {PAGE} ORDER BY inspection_id, id
) item ON item.inspection_id = i.id
WHERE p.inspection_id > %(after)s AND p.inspection_id <= %(last)s
"""  # noqa: S608
CELL = "source_id, design_id, is_certainty, edge, floor_pi, predicted_id"
ARRIVED = f"""
INSERT INTO arrived
SELECT model_version_id, day, {CELL}, count(*), count(*) FILTER (WHERE is_drawn),
    coalesce(sum(1 / pi) FILTER (WHERE is_drawn), 0), sum(g)
FROM measured GROUP BY model_version_id, day, {CELL}
"""  # noqa: S608

# Truths with the slices that each is in, as `labeling_tally_truths` has it.
SETTLED = f"""
INSERT INTO settled
SELECT m.model_version_id, m.day, {CELL}, m.pi, m.g, t.outcome, t.label_id,
    ARRAY['', 'shift', 'lot', 'recipe', 'attempt', 'shown', 'confidence']
        || array_fill('flag'::text, ARRAY[coalesce(cardinality(flags.every), 0)]),
    ARRAY[
        '', m.shift, m.lot, m.recipe, m.attempt::text,
        CASE WHEN t.by_grid THEN 'grid' WHEN review.blind THEN 'blind' WHEN NOT review.blind THEN 'shown' END,
        least(floor(m.confidence * 10), 9)::text
    ] || coalesce(flags.every, ARRAY[]::text[])
FROM measured m
JOIN (SELECT * FROM labeling_groundtruth WHERE {PAGE}) t
    ON t.inspection_id = m.inspection_id AND t.registered_model_id = m.registered_model_id
LEFT JOIN (
    SELECT DISTINCT ON (inspection_id, registered_model_id) inspection_id, registered_model_id, blind
    FROM labeling_review WHERE {PAGE} ORDER BY inspection_id, registered_model_id, round
) review ON review.inspection_id = m.inspection_id AND review.registered_model_id = m.registered_model_id
LEFT JOIN (
    SELECT inspection_id, array_agg(DISTINCT flag) AS every
    FROM (SELECT id, inspection_id FROM labeling_item WHERE {PAGE}) item
    JOIN (SELECT item_id, unnest(flags) AS flag FROM labeling_itemquality WHERE cardinality(flags) > 0) quality
        ON quality.item_id = item.id
    GROUP BY inspection_id
) flags ON flags.inspection_id = m.inspection_id
WHERE m.is_drawn
"""  # noqa: S608
PLACE = """model_version_id bigint, day date, source_id bigint, design_id bigint, is_certainty boolean, edge float8,
    floor_pi float8, predicted_id bigint"""
TABLES = f"""
CREATE TEMPORARY TABLE arrived ({PLACE}, n_arrived bigint, n_drawn bigint, w_drawn float8, g float8) ON COMMIT DROP;
CREATE TEMPORARY TABLE settled (
    {PLACE}, pi float8, g float8, outcome text, true_label_id bigint, dimensions text[], keys text[]
) ON COMMIT DROP
"""
WRITE = f"""
INSERT INTO labeling_tally ({KEYS}, {", ".join(SUMS)}, is_folded)
SELECT model_version_id, day, '', '', {CELL}, 'arrived', NULL,
    sum(n_arrived), sum(n_drawn), sum(w_drawn), sum(g), 0, 0, 0, 0, 0, 0, 0, 0, true
FROM arrived GROUP BY model_version_id, day, {CELL}
UNION ALL
SELECT model_version_id, day, dimension, key, {CELL}, outcome, true_label_id, 0, 0, 0, 0, count(*), sum(pi),
    sum(1 / pi), sum(1 / pi ^ 2), sum(g / pi), sum(g / pi ^ 2), sum(g ^ 2 / pi), sum((g / pi) ^ 2), true
FROM settled, unnest(dimensions, keys) AS slice(dimension, key)
WHERE dimension = '' OR key <> ''
GROUP BY model_version_id, day, dimension, key, {CELL}, outcome, true_label_id
"""  # noqa: S608


def rebuild() -> int:
    """Make every row anew from the facts, while the lines go on. Returns how many predictions were counted.

    The snapshot is that of one moment: what is committed later brought its rows itself, and they stay. Nobody folds
    meanwhile. No transaction may be open.
    """
    with connection.cursor() as cursor, _nobody_folds(cursor), transaction.atomic(durable=True):
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        return add_up_anew(cursor)


def add_up_anew(cursor: Any) -> int:
    """The work of `rebuild`, in the transaction that is open. Its planner settings last to the end of that."""
    for setting in SETTINGS:
        cursor.execute(setting)
    cursor.execute("DELETE FROM labeling_tally")
    cursor.execute(TABLES)
    n, after = 0, 0
    while last := _last_of_page(cursor, after):
        n += _add_page(cursor, {"after": after, "last": last})
        after = last
    cursor.execute(WRITE)
    cursor.execute("DROP TABLE arrived, settled")
    return n


def _last_of_page(cursor: Any, after: int) -> int | None:
    cursor.execute(NEXT, {"after": after, "n": AT_ONCE})
    last: int | None = cursor.fetchone()[0]
    return last


def _add_page(cursor: Any, page: dict[str, int]) -> int:
    """Add up the inspections of one range of keys. Returns how many predictions they have."""
    cursor.execute(MERGING)
    cursor.execute(MEASURED, page)
    n: int = cursor.rowcount
    cursor.execute(HASHING)
    cursor.execute(ARRIVED)
    cursor.execute(SETTLED, page)
    cursor.execute("DROP TABLE measured")
    return n


@contextmanager
def _nobody_folds(cursor: Any) -> Iterator[None]:
    """Taken before the snapshot: rows of a fold that ended between the two would not be seen."""
    cursor.execute(f"SELECT pg_advisory_lock({FOLDS})")
    try:
        yield
    finally:
        cursor.execute(f"SELECT pg_advisory_unlock({FOLDS})")
