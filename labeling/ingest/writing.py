"""New parts into their tables in one go: COPY for many, one round trip of INSERTs for few. Nothing is decided here.

A key that is taken meanwhile raises `UniqueViolation`, and the whole transaction is tried again by the caller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from django.db import connection
from psycopg import sql

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
        "error_guess", "drawn", "reason", "created_at",
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
    with connection.cursor() as cursor:
        cursor.execute(IDS, (inspections, predictions, reviews))
        ids: tuple[list[int], list[int], list[int]] = cursor.fetchone()
        return ids


def write(rows: Rows) -> None:
    """All rows of all tables, inside the caller's transaction.

    :raises psycopg.errors.UniqueViolation: a key is taken.
    """
    raw = _psycopg_connection()
    with psycopg.Cursor(raw) as cursor:
        if len(rows[INSPECTION]) > FEW:
            _copy(cursor, rows)
        else:
            with raw.pipeline():
                for table, columns in COLUMNS.items():
                    if rows[table]:
                        cursor.executemany(_insert(table, columns), rows[table])


def _psycopg_connection() -> psycopg.Connection[Any]:
    """Django's own connection, in its transaction."""
    connection.ensure_connection()
    raw: psycopg.Connection[Any] = connection.connection
    return raw


def _copy(cursor: psycopg.Cursor[Any], rows: Rows) -> None:
    for table, columns in COLUMNS.items():
        if not rows[table]:
            continue
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)) as copy:
            for row in rows[table]:
                copy.write_row(row)


def _insert(table: str, columns: Sequence[str]) -> sql.Composed:
    return sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
    )
