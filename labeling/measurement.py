"""From draws and settled verdicts to the arrays that the estimators read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import FilteredRelation, Q, QuerySet

from labeling.models import GroundTruth, RoutingState, Selection
from models_registry.estimation import (
    AccuracyEstimate,
    Cells,
    NaiveAccuracy,
    cells_of_items,
    estimate_accuracy,
    naive_of_cells,
)
from models_registry.estimation.cells import NOT_JUDGEABLE, UNSETTLED
from models_registry.models import Evaluation, ModelVersion
from models_registry.services.evaluations import inputs_hash, record_evaluation

WINDOW = timedelta(days=28)
RECENT = 5000  # draws that the mean uncertainty looks back on


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was drawn and settled for one version in one window, and what it comes to."""

    cells: Cells
    estimate: AccuracyEstimate
    naive: NaiveAccuracy
    confusion: list[tuple[str, str, float, int]]


def evaluate(version: ModelVersion, *, now: datetime) -> Evaluation | None:
    """Estimate the accuracy of a version over the last 28 days and record it if something changed."""
    window = (now - WINDOW, now)
    measurement = measure(version, start=window[0], end=window[1])
    return record_evaluation(
        model_version=version,
        estimate=measurement.estimate,
        naive=measurement.naive,
        confusion=measurement.confusion,
        window=window,
        inputs=inputs_hash(measurement.cells, measurement.confusion),
        now=now,
    )


def measure(version: ModelVersion, *, start: datetime, end: datetime) -> Measurement:
    """Read the draws of the inspections that a version predicted in ``[start, end)``, settled or not.

    Inspections without a judgeable image leave the domain: accuracy is conditional on judgeable (STATISTICS §1.3).
    """
    rows = list(
        _draws(version, start, end)
        .order_by("pk")
        .values_list(  # type: ignore[misc]  # aliases that the stubs do not see
            "truth__outcome", "truth__label__slug", "said__label__slug", "pi", "floor_pi", "stratum", "drawn",
            "error_guess",
        )
    )  # fmt: skip
    cells = _cells(rows)
    judged = [row for row in rows if row[6] and row[0] == GroundTruth.Outcome.LABEL]
    return Measurement(cells, estimate_accuracy(cells), naive_of_cells(cells), _confusion(judged))


def _cells(rows: list[tuple[Any, ...]]) -> Cells:
    number = {slug: at for at, slug in enumerate(sorted({slug for row in rows for slug in row[1:3] if slug}))}
    return cells_of_items(
        predicted=np.array([number[row[2]] for row in rows], dtype=np.int64),
        true=np.array([_truth(row[0], number.get(row[1])) for row in rows], dtype=np.int64),
        pi=np.array([row[3] for row in rows], dtype=np.float64),
        floor_pi=np.array([row[4] for row in rows], dtype=np.float64),
        is_certainty=np.array([row[5] == "certainty" for row in rows], dtype=bool),
        is_drawn=np.array([row[6] for row in rows], dtype=bool),
        g=np.array([row[7] for row in rows], dtype=np.float64),
    )


def _truth(outcome: str | None, number: int | None) -> int:
    if outcome is None:
        return UNSETTLED
    return NOT_JUDGEABLE if number is None else number


def _draws(version: ModelVersion, start: datetime, end: datetime) -> QuerySet[Selection]:
    """Every draw, drawn or not, of the inspections a version predicted; joined with the truth where there is one."""
    return (
        Selection.objects.filter(registered_model=version.registered_model_id)
        .annotate(
            said=FilteredRelation(
                "inspection__predictions", condition=Q(inspection__predictions__model_version=version)
            ),
            truth=FilteredRelation(
                "inspection__ground_truths",
                condition=Q(inspection__ground_truths__registered_model=version.registered_model_id),
            ),
        )
        .filter(
            said__isnull=False,
            said__predicted_at__gte=start,
            said__predicted_at__lt=end,
            inspection__withdrawn_at__isnull=True,
            inspection__purpose__in=["production", "demo"],
        )
    )


def _confusion(judged: list[tuple[Any, ...]]) -> list[tuple[str, str, float, int]]:
    """Weighted and plain counts per (true, predicted) pair."""
    weight: Counter[tuple[str, str]] = Counter()
    n: Counter[tuple[str, str]] = Counter()
    for _, true, predicted, pi, *_ in judged:
        weight[true, predicted] += 1 / pi
        n[true, predicted] += 1
    return [
        (true, predicted, round(float(weight[true, predicted]), 6), n[true, predicted]) for true, predicted in sorted(n)
    ]


def refresh_mean_uncertainty(version: ModelVersion) -> None:
    """Remember the mean uncertainty of the latest draws of a version, for the draws to come (STATISTICS §1.1)."""
    recent = (
        Selection.objects.filter(
            registered_model=version.registered_model_id,
            stratum="sampled",
            inspection__predictions__model_version=version,
        )
        .order_by("-pk")
        .values_list("uncertainty", flat=True)[:RECENT]
    )
    values = np.fromiter(recent, dtype=np.float64)
    if len(values) < 50:
        return  # the hold-out's mean still knows better
    mean = float(np.clip(values.mean(), 1e-3, 0.5))
    RoutingState.objects.update_or_create(model_version=version, defaults={"mean_uncertainty": mean, "n": len(values)})
