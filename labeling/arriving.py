"""Samples of what arrived, by span of days: how sure a champion was, and what was measured of its cameras' images.

Each day is looked at in four slices of six hours, so that a sample is neither one busy morning nor all of a month: a
bounded number of rows of each, by index, whatever came in.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from labeling.image_quality import NAMES, RECIPE
from models_registry.models import ModelVersion

Spans = Sequence[tuple[date, int]]  # first day, days
Samples = dict[str, list[NDArray[np.float64]]]  # by what they are of, in words: the values of each span

SLICE = timedelta(hours=6)
OF_A_SLICE = 30  # predictions, and images of each camera: enough in four weeks where one shift works five days a week
LOOKED_AT = 400  # images of a slice, of all cameras, in which those are found
HOW_SURE = "how sure it is"
WORDS = {
    "sharpness": "the sharpness", "tenengrad": "the edges", "brightness": "the brightness",
    "darkest": "the darkest places", "lightest": "the lightest places", "contrast": "the contrast",
    "variation": "the variation", "clipped_dark": "the black share", "clipped_bright": "the white share",
    "noise": "the noise", "entropy": "the variety of grey", "red_cast": "the red cast", "blue_cast": "the blue cast",
    "blockiness": "the blockiness", "aspect": "the shape", "bytes_per_pixel": "the bytes per pixel",
    "jpeg_quality": "the JPEG quality",
}  # fmt: skip

CONFIDENCES = """
SELECT slices.span, said.confidence
FROM unnest(%s::timestamptz[], %s::int[]) AS slices(starts, span)
CROSS JOIN LATERAL (
    SELECT confidence FROM labeling_prediction
    WHERE model_version_id = %s AND predicted_at >= slices.starts
        AND predicted_at < slices.starts + make_interval(secs => %s)
    ORDER BY predicted_at LIMIT %s
) AS said
WHERE said.confidence IS NOT NULL
"""
IMAGES = """
SELECT found.span, found.camera, found.name, quality.features FROM (
    SELECT slices.span, source.id AS camera, source.name, measured.item_id,
        row_number() OVER (PARTITION BY slices.starts, slices.span, source.id ORDER BY measured.measured_at) AS nth
    FROM unnest(%s::timestamptz[], %s::int[]) AS slices(starts, span)
    CROSS JOIN LATERAL (
        SELECT item_id, measured_at FROM labeling_itemquality
        WHERE measured_at >= slices.starts AND measured_at < slices.starts + make_interval(secs => %s)
            AND recipe = %s
        ORDER BY measured_at LIMIT %s
    ) AS measured
    JOIN labeling_item AS item ON item.id = measured.item_id
    JOIN labeling_source AS source ON source.id = item.source_id
    WHERE source.station_id IN (SELECT station_id FROM labeling_deployment WHERE registered_model_id = %s)
) AS found
JOIN labeling_itemquality AS quality ON quality.item_id = found.item_id -- their numbers are long: read once cut
WHERE found.nth <= %s
"""


def confidences(version: ModelVersion, spans: Spans) -> Samples:
    """How sure a version was of what it said. Nothing where it gives no number."""
    starts, numbers = _slices(spans)
    with connection.cursor() as cursor:
        cursor.execute(CONFIDENCES, [starts, numbers, version.pk, SLICE.total_seconds(), OF_A_SLICE])
        rows = cursor.fetchall()
    return _sampled(((HOW_SURE, span, value) for span, value in rows), len(spans))


def images(registered_model: int, spans: Spans) -> Samples:
    """What was measured of the images of each camera at the stations where a model works, by its key."""
    starts, numbers = _slices(spans)
    with connection.cursor() as cursor:
        cursor.execute(
            IMAGES, [starts, numbers, SLICE.total_seconds(), RECIPE, LOOKED_AT, registered_model, OF_A_SLICE]
        )
        rows = cursor.fetchall()
    names = _names({camera: name for _span, camera, name, _told in rows})
    told = ((span, names[camera], json.loads(features)) for span, camera, _name, features in rows)
    values = (
        (f"{WORDS[feature]} of {name}", span, features[feature])
        for span, name, features in told
        for feature in NAMES
        if features.get(feature) is not None
    )
    return _sampled(values, len(spans))


def _slices(spans: Spans) -> tuple[list[datetime], list[int]]:
    """The start of each slice, and the number of its span."""
    found = [
        (datetime.combine(first, time(), UTC) + n * SLICE, number)
        for number, (first, days) in enumerate(spans)
        for n in range(days * (timedelta(days=1) // SLICE))
    ]
    return [starts for starts, _ in found], [number for _, number in found]


def _names(cameras: dict[int, str]) -> dict[int, str]:
    """Two cameras of one name are told apart by their keys."""
    said = list(cameras.values())
    return {pk: f"{name} ({pk})" if said.count(name) > 1 else name for pk, name in cameras.items()}


def _sampled(values: Iterable[tuple[str, int, float]], n_spans: int) -> Samples:
    found: defaultdict[str, list[list[float]]] = defaultdict(lambda: [[] for _ in range(n_spans)])
    for what, span, value in values:
        found[what][span].append(value)
    return {what: [np.array(one, dtype=np.float64) for one in samples] for what, samples in found.items()}
