"""Accuracy against the number of labels, and about how many more a point of accuracy takes."""

from __future__ import annotations

import msgspec
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from labeling.access import require
from labeling.learning_page import learning_curve


class CurvePointRow(msgspec.Struct):
    n_labels: int
    accuracy: float
    low: float | None
    high: float | None
    n: int
    version: int | None


class CurveFitRow(msgspec.Struct):
    """error = exp(intercept) * n_labels^-slope, with the slope's 95 % interval."""

    intercept: float
    slope: float
    low: float
    high: float


class MoreLabelsRow(msgspec.Struct):
    """`high` is null where no number of labels is sure to be enough."""

    n: int
    low: int
    high: int | None


class LearningCurveAnswer(msgspec.Struct):
    """`version`: whose nested parts the points are, each judged on its hold-out; null: each point is a version. `fit`
    and `labels_for_one_more_point` are null where the points cannot tell."""

    version: int | None
    points: list[CurvePointRow]
    fit: CurveFitRow | None
    labels_for_one_more_point: MoreLabelsRow | None


class ModelLearningCurve(APIView):
    @extend_schema(summary="Learning curve: accuracy against labels, and what more labels promise",
                   responses=LearningCurveAnswer)  # fmt: skip
    def get(self, request: Request, slug: str) -> Response:
        found = learning_curve(require(request.user, "view", slug))
        ends = {dot.point: (dot.low, dot.high) for dot in found.chart.dots} if found.chart else {}
        points = []
        for one in found.points:
            low, high = ends.get(one, (None, None))
            points.append(CurvePointRow(one.n_labels, one.accuracy, low, high, one.n, one.version))
        fit, more = found.fit, found.more
        answer = LearningCurveAnswer(
            found.version.number if found.version else None,
            points,
            CurveFitRow(fit.intercept, fit.slope, fit.low, fit.high) if fit else None,
            MoreLabelsRow(more.n, more.low, more.high) if more else None,
        )
        return Response(msgspec.to_builtins(answer))
