"""What the database knows of a chunk's parts: one question for all of them, by index, whatever the table's size."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from labeling.ingest.cursor import psycopg_cursor
from labeling.ingest.parts import Part
from labeling.ingest.writing import FEW


class Known(NamedTuple):
    """An inspection that is stored, and what the version said of it before (`digest` is None: nothing)."""

    inspection: int
    attempt: int
    digest: str | None
    label: str | None
    confidence: float | None
    pis: list[float] | None  # of all its draws
    reason: str | None
    review: int | None
    mode: str | None
    deadline: datetime | None
    default_disposition: str | None
    disposition: str | None
    images: list[list[str]] | None  # view, state of its image


# LATERAL with LIMIT: an index look-up per key, never a scan of a large table, whatever the planner believes of a batch.
KNOWN = """
SELECT k.n, i.id, i.attempt, p.digest, l.slug, p.confidence, s.pis, s.reason, r.id, r.mode, r.deadline,
       r.default_disposition, d.disposition, v.images
FROM json_to_recordset(%s) AS k(n int, station bigint, inspection_id text, model bigint, version bigint)
JOIN LATERAL (SELECT id, attempt FROM labeling_inspection
    WHERE station_id = k.station AND inspection_id = k.inspection_id LIMIT 1) i ON true
LEFT JOIN LATERAL (SELECT id, digest, label_id, confidence FROM labeling_prediction
    WHERE inspection_id = i.id AND model_version_id = k.version LIMIT 1) p ON true
LEFT JOIN models_registry_label l ON l.id = p.label_id
LEFT JOIN LATERAL (SELECT array_agg(pi) AS pis, (array_agg(reason ORDER BY drawn DESC, id))[1] AS reason
    FROM labeling_selection WHERE inspection_id = i.id AND registered_model_id = k.model) s ON p.digest IS NOT NULL
LEFT JOIN LATERAL (SELECT id, mode, deadline, default_disposition FROM labeling_review
    WHERE inspection_id = i.id AND registered_model_id = k.model ORDER BY round LIMIT 1) r ON p.digest IS NOT NULL
LEFT JOIN LATERAL (SELECT disposition FROM labeling_dispositionrecord
    WHERE inspection_id = i.id AND prediction_id = p.id AND origin IN ('answered', 'edge') AND revoked_at IS NULL
    ORDER BY id DESC LIMIT 1) d ON p.digest IS NOT NULL
LEFT JOIN LATERAL (SELECT array_agg(ARRAY[view, image_status]) AS images FROM labeling_item
    WHERE inspection_id = i.id) v ON p.digest IS NOT NULL
"""
ATTEMPTS = """
SELECT k.station, k.serial, i.attempt FROM json_to_recordset(%s) AS k(station bigint, serial text)
JOIN LATERAL (SELECT attempt FROM labeling_inspection
    WHERE station_id = k.station AND serial = k.serial AND serial <> '' ORDER BY attempt DESC LIMIT 1) i ON true
"""


class Asked(msgspec.Struct):
    """What is asked about one part. As JSON, since that is made and read faster than arrays."""

    n: int
    station: int
    inspection_id: str
    model: int
    version: int


class AskedSerial(msgspec.Struct):
    station: int
    serial: str


def known_parts(parts: Sequence[Part]) -> dict[int, Known]:
    """By the place in ``parts``; what is not there is new."""
    asked = [Asked(n, *part.key[:3], _version(part)) for n, part in enumerate(parts)]
    # For many a plan is made that fits the tables as they are now; one kept from a day when they were empty reads all
    # of them. For few the plan is kept: making it would take longer than the look-up.
    kept = None if len(parts) <= FEW else False
    with psycopg_cursor() as cursor:
        cursor.execute(KNOWN, [msgspec.json.encode(asked).decode()], prepare=kept)
        return {place: Known(*values) for place, *values in cursor.fetchall()}


def _version(part: Part) -> int:
    """0 is nobody's: the version is not stored yet, or none spoke."""
    version = part.lead.version
    return (version.id or 0) if version else 0


def newest_attempts(serials: set[tuple[int, str]]) -> dict[tuple[int, str], int]:
    """By station and serial, the newest attempt; what is not there was never seen."""
    if not serials:
        return {}
    asked = [AskedSerial(*one) for one in serials]
    kept = None if len(asked) <= FEW else False
    with psycopg_cursor() as cursor:
        cursor.execute(ATTEMPTS, [msgspec.json.encode(asked).decode()], prepare=kept)
        return {(station, serial): attempt for station, serial, attempt in cursor.fetchall()}
