"""What labels have brought a model, and what the next ones promise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models_registry.learning_chart import LearningChart, learning_chart
from models_registry.learning_curve import (
    CurveFit,
    CurvePoint,
    MoreLabels,
    fit_curve,
    labels_for_one_more_point,
    points_of,
)
from models_registry.models import ModelVersion, RegisteredModel

MOST_VERSIONS = 30


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """``version``: whose nested parts the points are; None: each point is a version of its own, judged on the hold-out
    of its day. ``more`` is None where it cannot be told.
    """

    version: ModelVersion | None
    points: Sequence[CurvePoint]
    fit: CurveFit | None
    more: MoreLabels | None
    chart: LearningChart | None


def learning_curve(registered_model: RegisteredModel) -> LearningCurve:
    """By the newest version that has a curve, else by the versions trained here."""
    versions = list(
        ModelVersion.objects.filter(registered_model=registered_model, training_run__isnull=False)
        .select_related("training_run__dataset")
        .order_by("-number")[:MOST_VERSIONS]
    )
    newest = next((one for one in versions if points_of(one.metrics.get("learning_curve"))), None)
    points = points_of(newest.metrics["learning_curve"]) if newest else _of_versions(versions)
    fit = fit_curve(points)
    most = max((one.n_labels for one in points), default=0)
    more = labels_for_one_more_point(fit, n_labels=most)
    return LearningCurve(newest, points, fit, more, learning_chart(points, fit))


def _of_versions(versions: Sequence[ModelVersion]) -> list[CurvePoint]:
    found = []
    for one in reversed(versions):
        accuracy, n = one.metrics.get("holdout_accuracy"), one.metrics.get("holdout_n")
        if accuracy is not None and n and one.training_run is not None:
            found.append(CurvePoint(one.training_run.dataset.n_train, float(accuracy), int(n), one.number))
    return found
