"""Settled labels in any number, made by the database itself: inspection, image, prediction, draw, review, verdict."""

from __future__ import annotations

import psycopg

STEPS = (
    """INSERT INTO labeling_inspection (station_id, inspection_id, serial, attempt, recipe, lot, captured_at,
           received_at, day, shift, purpose, metadata, group_id, partition)
       SELECT source.station_id, 'truth-' || n, 'SN-' || n, 1, 'R7', 'L' || n / 500, at, at, at::date, 'early',
           'production', '{}', 'SN-' || n, CASE WHEN n %% 7 = 0 THEN 'holdout' ELSE 'train' END
       FROM labeling_source source, generate_series(1, %(n)s) n,
           LATERAL (SELECT timestamptz '2026-10-01' + n * interval '1 second' AS at) moment
       WHERE source.slug = 'cam-1'""",
    """INSERT INTO labeling_item (inspection_id, public_id, view, source_id, image, content_type, sha256, phash,
           width, height, created_at, image_status)
       SELECT i.id, gen_random_uuid(), 'main', source.id, 'images/' || left(hash, 2) || '/' || hash || '.png',
           'image/png', hash, '', 128, 128, i.received_at, 'stored'
       FROM labeling_inspection i, labeling_source source,
           LATERAL (SELECT encode(sha256(i.inspection_id::bytea), 'hex') AS hash) made
       WHERE source.slug = 'cam-1'""",
    """INSERT INTO labeling_prediction (inspection_id, model_version_id, label_id, confidence, findings, digest,
           predicted_at)
       SELECT i.id, version.id, label.id, 0.5 + (i.id %% 50) / 100.0, '[]', 'x', i.received_at
       FROM labeling_inspection i, models_registry_modelversion version, models_registry_label label
       WHERE version.stage = 'champion' AND label.slug = CASE WHEN i.id %% 3 = 0 THEN 'scratch' ELSE 'ok' END""",
    """INSERT INTO labeling_selection (inspection_id, registered_model_id, design_id, stratum, pi, floor_pi, u,
           uncertainty, error_guess, drawn, reason, created_at)
       SELECT i.id, design.registered_model_id, design.id, 'sampled', 0.05, 0.04, 0.01, 0.2, 0.1, true, 'Drawn',
           i.received_at
       FROM labeling_inspection i, labeling_samplingdesign design""",
    """INSERT INTO labeling_review (inspection_id, registered_model_id, round, reason, mode, prediction_id, blind,
           priority, default_disposition, status, created_at, settled_at)
       SELECT p.inspection_id, version.registered_model_id, 1, 'drawn', 'measuring', p.id, true, 5, '', 'settled',
           p.predicted_at, p.predicted_at
       FROM labeling_prediction p JOIN models_registry_modelversion version ON version.id = p.model_version_id""",
    """INSERT INTO labeling_verdict (review_id, reviewer_id, phase, kind, label_id, note, findings, shown, shown_at,
           said_at, received_at, lease_lost, client_id)
       SELECT r.id, reviewer.id, 'blind', 'label', p.label_id, '', '[]', '{}', r.created_at, r.created_at, r.created_at,
           false, gen_random_uuid()
       FROM labeling_review r JOIN labeling_prediction p ON p.id = r.prediction_id,
           LATERAL (SELECT id FROM auth_user WHERE username = 'inspector-0') reviewer""",
    """INSERT INTO labeling_groundtruth (registered_model_id, inspection_id, outcome, label_id, findings, n_verdicts,
           method, decided_at)
       SELECT r.registered_model_id, r.inspection_id, 'label', v.label_id, '[]', 1, 'single', v.said_at
       FROM labeling_review r JOIN labeling_verdict v ON v.review_id = r.id""",
    "ANALYZE",
)


def seed_truths(database_url: str, n: int) -> None:
    """``n`` judged inspections of the benchmark's model, in a few seconds."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        for step in STEPS:
            connection.execute(step.encode(), {"n": n})
