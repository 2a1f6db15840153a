"""Very many parts with predictions, draws and truths, written by the database itself: what took a plant months."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import psycopg

from benchmarks.printed import ROOT

AT_ONCE = 500_000
DAYS, LOTS = 28, 400
# Part number g: the model calls 96 of 100 ok, and the others are always checked; of the rest chance draws 6 of 100.
# Each drawn part is judged, and the model was wrong about 6 of 100.
DRAWN = """
LATERAL (SELECT (g * 2654435761 %% 4294967296) / 4294967296.0 AS u, g * 40503 %% 65536 / 65536.0 AS r,
    g * 7919 %% 9973 / 9973.0 AS v) chance,
LATERAL (SELECT r >= 0.96 AS is_defect, CASE WHEN r >= 0.96 THEN 1 ELSE 0.02 * (1 + 23 * v ^ 10) END AS pi) draw
"""
PARTS = """
INSERT INTO labeling_inspection (id, station_id, inspection_id, serial, attempt, recipe, lot, captured_at, received_at,
    day, shift, purpose, metadata, group_id, partition)
SELECT %(base)s + g, %(station)s, %(name)s || g, '', 1, 'R' || g %% 3, 'L' || g %% {lots}, t, t, t::date,
    (ARRAY['early', 'late', 'night'])[1 + g %% 3], 'production', '{{}}', %(name)s || g, 'train'
FROM generate_series(%(first)s::bigint, %(last)s) g, LATERAL (SELECT now() - (g %% {days}) * interval '1 day' AS t) x;
"""
VIEWS = """
INSERT INTO labeling_item (inspection_id, public_id, view, source_id, image, content_type, sha256, phash, created_at,
    image_status, image_address)
SELECT %(base)s + g, gen_random_uuid(), 'main', %(source)s + g %% 3, '', '', '', '', now(), 'not_wanted', ''
FROM generate_series(%(first)s::bigint, %(last)s) g;
"""
PREDICTIONS = f"""
INSERT INTO labeling_prediction (id, inspection_id, model_version_id, label_id, confidence, findings, digest,
    predicted_at)
SELECT %(base)s + g, %(base)s + g, %(version)s, %(label)s + CASE WHEN is_defect THEN 1 + g %% 2 ELSE 0 END,
    0.5 + v / 2, '[]', '', now()
FROM generate_series(%(first)s::bigint, %(last)s) g, {DRAWN};
"""  # noqa: S608
DRAWS = f"""
INSERT INTO labeling_selection (inspection_id, registered_model_id, design_id, stratum, pi, floor_pi, u, uncertainty,
    error_guess, drawn, reason, created_at)
SELECT %(base)s + g, %(model)s, %(design)s, CASE WHEN is_defect THEN 'certainty' ELSE 'sampled' END, pi, 0.02, u, 0.2,
    0.1, u < pi, '', now()
FROM generate_series(%(first)s::bigint, %(last)s) g, {DRAWN};
"""  # noqa: S608
TRUTHS = f"""
INSERT INTO labeling_groundtruth (registered_model_id, inspection_id, outcome, label_id, findings, n_verdicts, method,
    decided_at)
SELECT %(model)s, %(base)s + g, 'label',
    %(label)s
    + (CASE WHEN is_defect THEN 1 + g %% 2 ELSE 0 END + CASE WHEN g * 31 %% 9967 < 600 THEN 1 ELSE 0 END) %% 3,
    '[]', 1, 'votes', now()
FROM generate_series(%(first)s::bigint, %(last)s) g, {DRAWN} WHERE u < pi;
"""  # noqa: S608
FACTS = (PARTS.format(lots=LOTS, days=DAYS), VIEWS, PREDICTIONS, DRAWS, TRUTHS)
TABLES = ("inspection", "item", "prediction", "selection", "groundtruth")


@dataclass(frozen=True)
class Scene:
    """The keys that parts refer to. ``label`` is that of "ok"; "scratch" and "dent" follow it, as cameras do."""

    slug: str
    model: int
    version: int
    design: int
    label: int
    station: int
    source: int


def make_scene(slug: str) -> Scene:
    """In a process of its own, since Django reads its settings once."""
    command = [sys.executable, "-m", "benchmarks.scene", slug]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise RuntimeError(answer.stderr[-2000:])
    return Scene(**json.loads(answer.stdout.strip().splitlines()[-1]))


def fill(database_url: str, scene: Scene, n: int, *, base: int) -> None:
    """``n`` parts with keys from ``base`` on. Past triggers and foreign keys, as a restore would: the rollups know
    nothing of them until they are rebuilt.
    """
    with psycopg.connect(as_superuser(database_url), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        for first in range(1, n + 1, AT_ONCE):
            row = {
                **scene.__dict__, "base": base, "name": f"{scene.slug}-{base}-", "first": first,
                "last": min(n, first + AT_ONCE - 1),
            }  # fmt: skip
            for fact in FACTS:
                connection.execute(fact, row)
        for table in TABLES:
            connection.execute(f"ANALYZE labeling_{table}")


def as_superuser(database_url: str) -> str:
    """The embedded server's own account, on the same socket."""
    address = urlsplit(database_url)
    query = {name: values[0] for name, values in parse_qs(address.query).items()}
    host, port = query.get("host", address.hostname or ""), query.get("port") or address.port or 5432
    return f"host={host} port={port} user=postgres dbname={address.path.lstrip('/')}"
