"""One settled label with its lineage, as PostgreSQL tells it. Pure text: `truth.py` runs it.

PostgreSQL builds the JSON and the CSV itself and COPY hands the bytes through, so no row becomes an object here.
The subqueries are LATERAL: each looks up one inspection by index, whatever else the tables hold.
"""

from __future__ import annotations

LINEAGE = """
SELECT i.inspection_id, station.slug AS station, views.source, i.serial, i.attempt, i.lot, i.recipe,
       i.captured_at, i.day, i.shift, i.purpose, i.group_id AS "group", i.partition,
       label.slug AS label, g.outcome,
       coalesce(nullif(g.findings, '[]'::jsonb), said.findings, '[]'::jsonb) AS findings,
       g.n_verdicts, coalesce(said.n_reviewers, 0) AS n_reviewers, g.method, g.decided_at,
       coalesce(said.verdicts, '{}') AS verdicts, coalesce(said.reviews, '{}') AS reviews,
       draw.pi, draw.stratum, draw.design,
       coalesce(told.predictions, '[]'::json) AS predictions, coalesce(views.images, '[]'::json) AS images,
       dataset.id AS dataset, dataset.sha256 AS dataset_sha256
FROM labeling_groundtruth g
JOIN labeling_inspection i ON i.id = g.inspection_id
JOIN labeling_station station ON station.id = i.station_id
LEFT JOIN models_registry_label label ON label.id = g.label_id
LEFT JOIN models_registry_dataset dataset ON dataset.id = g.frozen_in_id
LEFT JOIN LATERAL (
    SELECT min(source.slug) AS source,
           json_agg(json_build_object('view', item.view, 'source', source.slug, 'key', item.image,
                                      'content_type', item.content_type, 'sha256', item.sha256,
                                      'width', item.width, 'height', item.height) ORDER BY item.id) AS images
    FROM labeling_item item JOIN labeling_source source ON source.id = item.source_id
    WHERE item.inspection_id = i.id
) views ON true
LEFT JOIN LATERAL (
    SELECT array_agg(v.id ORDER BY v.id) AS verdicts, array_agg(DISTINCT v.review_id) AS reviews,
           count(DISTINCT v.reviewer_id) AS n_reviewers,
           (array_agg(v.findings ORDER BY v.id DESC) FILTER (WHERE v.label_id = g.label_id AND v.findings <> '[]'))[1]
               AS findings
    FROM labeling_review r JOIN labeling_verdict v ON v.review_id = r.id
    WHERE r.inspection_id = i.id AND r.registered_model_id = g.registered_model_id
      AND v.kind <> 'withdrawn' AND v.phase <> 'revealed'
      AND NOT EXISTS (SELECT 1 FROM labeling_verdict newer WHERE newer.supersedes_id = v.id)
) said ON true
LEFT JOIN LATERAL (
    SELECT CASE WHEN count(*) = 1 THEN min(s.pi) WHEN max(s.pi) = 1 THEN 1
                ELSE 1 - exp(sum(ln(1 - s.pi)) FILTER (WHERE s.pi < 1)) END AS pi,
           (array_agg(s.stratum ORDER BY s.id))[1] AS stratum, (array_agg(d.number ORDER BY s.id))[1] AS design
    FROM labeling_selection s JOIN labeling_samplingdesign d ON d.id = s.design_id
    WHERE s.inspection_id = i.id AND s.registered_model_id = g.registered_model_id
) draw ON true
LEFT JOIN LATERAL (
    SELECT json_agg(json_build_object('version', coalesce(nullif(mv.external_name, ''), 'v' || mv.number),
                                      'number', mv.number, 'label', pl.slug, 'confidence', p.confidence,
                                      'findings', p.findings) ORDER BY p.id) AS predictions
    FROM labeling_prediction p
    JOIN models_registry_modelversion mv ON mv.id = p.model_version_id
    JOIN models_registry_label pl ON pl.id = p.label_id
    WHERE p.inspection_id = i.id AND mv.registered_model_id = g.registered_model_id
) told ON true
"""

# One column and quote and delimiter that JSON never holds: CSV then writes the text of each row as it is.
JSON_LINES = (
    "COPY (SELECT row_to_json(t) FROM ({rows}) t) TO STDOUT WITH (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')"
)

# What a spreadsheet would run as a formula gets an apostrophe in front; so does what has one already, so that reading
# can take it off again.
_TEXT = "CASE WHEN {0} ~ '^[''=+@\\t\\r-]' THEN '''' || {0} ELSE {0} END"
_LAST, _FIRST = "t.predictions -> -1 ->> '{0}'", "t.images -> 0 ->> '{0}'"
_MOMENT = "to_char(t.{0} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"

_CSV_COLUMNS: dict[str, str] = {
    "inspection_id": _TEXT.format("t.inspection_id"),
    "label": _TEXT.format("t.label"),
    "outcome": "t.outcome",
    "image": f"({_FIRST.format('key')})",
    "station": _TEXT.format("t.station"),
    "source": _TEXT.format("t.source"),
    "serial": _TEXT.format("t.serial"),
    "attempt": "t.attempt",
    "lot": _TEXT.format("t.lot"),
    "recipe": _TEXT.format("t.recipe"),
    "captured_at": _MOMENT.format("captured_at"),
    "day": "t.day::text",
    "shift": _TEXT.format("t.shift"),
    "purpose": "t.purpose",
    "group": _TEXT.format('t."group"'),
    "partition": "t.partition",
    "findings": "CASE WHEN t.findings <> '[]'::jsonb THEN t.findings::text END",
    "n_verdicts": "t.n_verdicts",
    "n_reviewers": "t.n_reviewers",
    "method": "t.method",
    "decided_at": _MOMENT.format("decided_at"),
    "verdicts": "array_to_string(t.verdicts, ';')",
    "reviews": "array_to_string(t.reviews, ';')",
    "pi": "t.pi",
    "stratum": "t.stratum",
    "design": "t.design",
    "prediction_label": _TEXT.format(f"({_LAST.format('label')})"),
    "prediction_confidence": f"({_LAST.format('confidence')})",
    "prediction_version": _TEXT.format(f"({_LAST.format('version')})"),
    "n_predictions": "json_array_length(t.predictions)",
    "image_sha256": f"({_FIRST.format('sha256')})",
    "image_width": f"({_FIRST.format('width')})",
    "image_height": f"({_FIRST.format('height')})",
    "n_images": "json_array_length(t.images)",
    "dataset": "t.dataset",
    "dataset_sha256": "t.dataset_sha256",
}
CSV_HEADER = tuple(_CSV_COLUMNS)
_CSV_SELECTED = ", ".join(f'{expression} AS "{name}"' for name, expression in _CSV_COLUMNS.items())
CSV_LINES = f"COPY (SELECT {_CSV_SELECTED} FROM ({{rows}}) t) TO STDOUT WITH (FORMAT csv, HEADER)"  # noqa: S608 - ours
IMAGE_KEYS = (
    "COPY (SELECT DISTINCT item.image FROM labeling_groundtruth g JOIN labeling_inspection i ON i.id = g.inspection_id"
    " JOIN labeling_station station ON station.id = i.station_id LEFT JOIN models_registry_label label"
    " ON label.id = g.label_id JOIN labeling_item item ON item.inspection_id = i.id AND item.image <> '' {where}"
    " ORDER BY 1) TO STDOUT"
)
COUNT = (
    "SELECT count(*) FROM labeling_groundtruth g JOIN labeling_inspection i ON i.id = g.inspection_id"
    " JOIN labeling_station station ON station.id = i.station_id LEFT JOIN models_registry_label label"
    " ON label.id = g.label_id {where}"
)
