"""The accuracy of a version over the last weeks, from the rollups of draws and settled verdicts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from labeling.windows import LabelledCells, Window, window_cells, window_designs
from models_registry.estimation import AccuracyEstimate, Cells, NaiveAccuracy, estimate_accuracy, naive_of_cells
from models_registry.models import Evaluation, ModelVersion
from models_registry.services.evaluations import inputs_hash, record_evaluation

DAYS = 28
QUIET = timedelta(minutes=10)  # how long arrivals alone, without a new verdict, make no new estimate


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was drawn and settled for one version in one window, and what it comes to."""

    cells: Cells
    estimate: AccuracyEstimate
    naive: NaiveAccuracy
    confusion: list[tuple[str, str, float, int]]


def evaluate(version: ModelVersion, *, now: datetime) -> Evaluation | None:
    """Estimate the accuracy of a version over the last 28 days and record it if something changed.

    Arrivals change it a little all the time; they are recorded with the next verdict, or after a while.
    """
    window = Window.of_days(DAYS, now=now)
    measurement = measure(version, window)
    newest = Evaluation.objects.filter(model_version=version, slice="").order_by("-pk").first()
    counts = (measurement.estimate.n, measurement.estimate.n_found)
    if newest and (newest.n, newest.n_found) == counts and now - newest.evaluated_at < QUIET:
        return None
    return record_evaluation(
        model_version=version,
        estimate=measurement.estimate,
        naive=measurement.naive,
        confusion=measurement.confusion,
        window=(now - timedelta(days=DAYS), now),
        inputs=inputs_hash(measurement.cells, measurement.confusion),
        now=now,
        designs=window_designs(version, window),
    )


def measure(version: ModelVersion, window: Window) -> Measurement:
    """What the rollups say of a version in a window of production days, settled or not.

    Inspections without a judgeable image leave the domain: accuracy is conditional on judgeable (STATISTICS §1.3).
    """
    found = window_cells(version, window)
    return Measurement(found.cells, estimate_accuracy(found.cells), naive_of_cells(found.cells), _confusion(found))


def _confusion(found: LabelledCells) -> list[tuple[str, str, float, int]]:
    """Weighted and plain counts per (true, predicted) pair."""
    cells, slugs = found.cells, [label.slug for label in found.labels]
    weight: Counter[tuple[str, str]] = Counter()
    n: Counter[tuple[str, str]] = Counter()
    for place in np.flatnonzero((cells.true >= 0) & (cells.n > 0)):
        pair = (slugs[cells.true[place]], slugs[cells.predicted[place]])
        weight[pair] += float(cells.w[place])  # type: ignore[assignment]
        n[pair] += int(cells.n[place])
    return [(*pair, round(float(weight[pair]), 6), n[pair]) for pair in sorted(n)]
