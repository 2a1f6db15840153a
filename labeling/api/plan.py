"""How many reviews a question takes, and what today's can show."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from labeling.access import require
from labeling.planning import Plan, plan
from labeling.planning.question import Number, PlanForm, asked


class PlanAssumption(msgspec.Struct):
    """A share or a count; null where it is missing and nothing can be planned without it."""

    name: str
    value: float | None
    origin: Literal["measured", "policy", "given", "assumed", "missing"]


class PlanFall(msgspec.Struct):
    hours: float
    accuracy: float | None


class PlanToday(msgspec.Struct):
    """What the active design comes to. Shares between 0 and 1; null where the stream's numbers do not allow it."""

    reviews_per_day: float | None
    audits_per_day: float | None
    half_width: float | None
    errors_found: float | None
    bound_without_error: float | None
    falls: list[PlanFall]
    accepted: float | None
    days_to_show_10_ppm: float | None
    response_rate: float | None
    sentences: list[str]


class PlannedPrecision(msgspec.Struct):
    half_width: float
    budget: float
    reviews_per_day: float
    errors_found: float


class PlannedFall(msgspec.Struct):
    falls_to: float
    budget: float
    reviews_per_day: float
    typical_hours: float | None
    sure_hours: float | None


class PlanCurvePoint(msgspec.Struct):
    half_width: float
    reviews_per_day: float | None
    budget: float | None


class PlanAnswer(msgspec.Struct):
    """`precision` and `fall` are null where they were not asked for, or no budget is enough: `sentences` say which."""

    window_days: int
    confidence: float
    assumptions: list[PlanAssumption]
    missing: list[str]
    today: PlanToday
    precision: PlannedPrecision | None
    fall: PlannedFall | None
    fall_with_today: PlannedFall | None
    curve: list[PlanCurvePoint]
    sentences: list[str]


def _schema(name: str, field: Any) -> OpenApiParameter:
    kind = "number" if isinstance(field, Number) else "integer"
    schema = {"type": kind, "minimum": field.min_value, "maximum": field.max_value}
    return OpenApiParameter(name, schema, description=str(field.label))


class ReviewPlan(APIView):
    @extend_schema(
        summary="Reviews for an interval of so many points, or to notice a fall in time; what today's can show",
        parameters=[_schema(name, field) for name, field in PlanForm.base_fields.items()],
        responses=PlanAnswer,
    )
    def get(self, request: Request, slug: str) -> Response:
        """Percent and points in, shares out. What is left out is read from the model: `assumptions` say where from."""
        registered_model = require(request.user, "view", slug)
        return Response(payload(plan(registered_model, asked(request.query_params), now=timezone.now())))


def payload(made: Plan) -> dict[str, Any]:
    outlook, question = made.outlook, made.question
    return {
        "window_days": question.window_days,
        "confidence": question.confidence,
        "assumptions": [{"name": one.name, "value": one.value, "origin": one.origin} for one in made.assumptions],
        "missing": list(outlook.missing),
        "today": {
            "reviews_per_day": outlook.reviews_per_day,
            "audits_per_day": outlook.audits_per_day,
            "half_width": outlook.half_width,
            "errors_found": outlook.n_found,
            "bound_without_error": outlook.bound_without_error,
            "falls": [{"hours": hours, "accuracy": accuracy} for hours, accuracy in outlook.falls],
            "accepted": outlook.accepted,
            "days_to_show_10_ppm": outlook.days_to_show_10_ppm,
            "response_rate": outlook.response_rate,
            "sentences": outlook.sentences,
        },
        "precision": made.precision
        and {
            "half_width": made.precision.half_width,
            "budget": made.precision.budget,
            "reviews_per_day": made.precision.reviews_per_day,
            "errors_found": made.precision.n_found,
        },
        "fall": made.fall and _fields(made.fall, PlannedFall),
        "fall_with_today": made.fall_today and _fields(made.fall_today, PlannedFall),
        "curve": [_fields(point, PlanCurvePoint) for point in made.curve],
        "sentences": made.answers,
    }


def _fields(one: object, shape: type[msgspec.Struct]) -> dict[str, Any]:
    return {name: getattr(one, name) for name in shape.__struct_fields__}
