"""New parts into their tables in one go: COPY for many, one round trip of INSERTs for few. Nothing is decided here.

A key that is taken meanwhile raises IntegrityError, and the whole transaction is tried again by the caller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import psycopg
from psycopg import sql

from labeling.ingest.cursor import psycopg_cursor

FEW = 30  # up to here separate INSERTs in one pipeline are quicker than one COPY a table

INSPECTION = "labeling_inspection"
ITEM = "labeling_item"
PREDICTION = "labeling_prediction"
SELECTION = "labeling_selection"
REVIEW = "labeling_review"
DISPOSITION = "labeling_dispositionrecord"

# In the order in which they are written: what is referred to comes first.
COLUMNS: Mapping[str, Sequence[str]] = {
    INSPECTION: (
        "id", "station_id", "inspection_id", "serial", "attempt", "recipe", "lot", "captured_at", "received_at", "day",
        "shift", "purpose", "metadata", "group_id", "partition",
    ),
    ITEM: (
        "inspection_id", "public_id", "view", "source_id", "image", "content_type", "sha256", "phash", "width",
        "height", "created_at", "image_status", "image_address",
    ),
    PREDICTION: (
        "id", "inspection_id", "model_version_id", "label_id", "confidence", "scores", "findings", "digest",
        "predicted_at",
    ),
    SELECTION: (
        "inspection_id", "registered_model_id", "design_id", "stratum", "pi", "floor_pi", "u", "uncertainty",
        "error_guess", "thinning", "drawn", "reason", "created_at",
    ),
    REVIEW: (
        "id", "inspection_id", "registered_model_id", "round", "reason", "mode", "prediction_id", "blind", "priority",
        "deadline", "default_disposition", "status", "created_at", "waits_for_image",
    ),
    DISPOSITION: ("inspection_id", "prediction_id", "origin", "disposition", "reason", "created_at"),
}  # fmt: skip
IDS = """
SELECT ARRAY(SELECT nextval('labeling_inspection_id_seq') FROM generate_series(1, %s)),
       ARRAY(SELECT nextval('labeling_prediction_id_seq') FROM generate_series(1, %s)),
       ARRAY(SELECT nextval('labeling_review_id_seq') FROM generate_series(1, %s))
"""
Rows = dict[str, list[tuple[Any, ...]]]


def new_ids(inspections: int, predictions: int, reviews: int) -> tuple[list[int], list[int], list[int]]:
    """Keys for rows that are about to be written and that other rows refer to."""
    with psycopg_cursor() as cursor:
        (ids,) = cursor.execute(IDS, (inspections, predictions, reviews)).fetchall()
        return ids[0], ids[1], ids[2]


def write(rows: Rows) -> None:
    """All rows of all tables, inside the caller's transaction.

    :raises django.db.IntegrityError: a key is taken.
    """
    with psycopg_cursor() as cursor:
        # the draws of one part by several designs are one statement's: the rollups see their union, not one after one
        if len(rows[INSPECTION]) > FEW or len(rows[SELECTION]) > len(rows[INSPECTION]):
            _copy(cursor, rows)
        else:
            with cursor.connection.pipeline():
                for table in COLUMNS:
                    if rows[table]:
                        cursor.executemany(_insert(table), rows[table])


def _copy(cursor: psycopg.Cursor[Any], rows: Rows) -> None:
    for table, columns in COLUMNS.items():
        if not rows[table]:
            continue
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)) as copy:
            for row in rows[table]:
                copy.write_row(row)


@cache
def _insert(table: str) -> bytes:
    columns = COLUMNS[table]
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
    )
    return statement.as_bytes()
