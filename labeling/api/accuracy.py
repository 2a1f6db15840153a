"""A version's accuracy in a window, and all that the model's page shows beside it, as numbers."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from labeling.access import require
from labeling.accuracy.asked import PARAMETERS, WINDOWS, Asked
from labeling.accuracy.figures import standing
from labeling.accuracy.material import Material, material
from labeling.accuracy.matrix import escapes, matrix_labels
from labeling.accuracy.regions import detection
from labeling.accuracy.slices import slices
from labeling.accuracy.sureness import sureness
from labeling.api.accuracy_shapes import (
    AccuracyAnswer,
    ConfidenceTenth,
    ConfusionAnswer,
    ConfusionCell,
    EscapeShare,
    Money,
    RegionClass,
    RegionsAnswer,
    ReliabilityAnswer,
    SliceAnswer,
    SlicesAnswer,
    of_accuracy,
    of_measured,
    of_plain,
    of_rate,
    of_share,
)
from models_registry.services.evaluations import inputs_hash
from reviewapp.errors import NotFound, ReviewAppError

DAY = {"type": "string", "format": "date"}
WORD = {"type": "string", "minLength": 1, "maxLength": 80}
PARAMETERS_SAID = [
    OpenApiParameter("window", {"type": "integer", "enum": list(WINDOWS), "default": 28}, description="Days."),
    OpenApiParameter("until", DAY, description="Last production day; without it today."),
    OpenApiParameter("source", WORD, description="Slug of a camera; without it all."),
    OpenApiParameter("version", WORD, description="Number of a version; without it the champion."),
]


class FigureView(APIView):
    def material(self, request: Request, slug: str) -> Material:
        """What was asked for.

        :raises ReviewAppError: a parameter is unknown, empty, given twice or wrong. :raises NotFound: no version yet.
        """
        model = require(request.user, "view", slug)
        for name in request.query_params:
            said = request.query_params.getlist(name)
            if name not in PARAMETERS or len(said) > 1 or said[0] == "":
                what = "Unknown." if name not in PARAMETERS else "Once, and not empty."
                raise ReviewAppError(f"{name[:80]} is not right: {what}", code="invalid", fields={name[:80]: what})
        asked = Asked.from_query(model, request.query_params.dict(), now=timezone.now())
        found = material(asked)
        if found is None:
            raise NotFound(f"“{model}” has no version yet that could be measured.", code="no_version")
        return found


def about(found: Material) -> dict[str, Any]:
    asked = found.asked
    return {
        "model": asked.registered_model.slug,
        "version": found.version.number,
        "first_day": asked.window.first,
        "last_day": asked.window.last,
        "source": asked.source.slug if asked.source else None,
        "inputs_hash": inputs_hash(found.found.cells),
    }


class ModelAccuracy(FigureView):
    @extend_schema(
        summary="Accuracy of a version in a window, with escapes, overkill, yield and cost",
        parameters=PARAMETERS_SAID, responses=AccuracyAnswer,
    )  # fmt: skip
    def get(self, request: Request, slug: str) -> Response:
        found = self.material(request, slug)
        figures = standing(found)
        accuracy = figures.accuracy
        cost = Money(figures.currency, of_rate(figures.cost), of_rate(figures.cost_without))
        return Response(
            AccuracyAnswer(
                **about(found),
                accuracy=of_accuracy(accuracy),
                n_arrived=accuracy.n_arrived,
                n_days=figures.n_days,
                n_eff=accuracy.n_eff,
                response_rate=accuracy.response_rate,
                provisional=accuracy.provisional,
                worst_low=accuracy.worst_low,
                worst_high=accuracy.worst_high,
                label_free=accuracy.label_free,
                plain_share=of_plain(figures.naive),
                why_not_plain=figures.why_not_naive,
                escape_rate=of_rate(figures.escape),
                overkill_rate=of_rate(figures.overkill),
                first_pass_yield=of_rate(figures.first_pass),
                missed_per_million=of_rate(figures.dpm),
                cost=cost if figures.currency else None,
                designs=found.designs,
            )
        )


class ModelConfusion(FigureView):
    @extend_schema(
        summary="Truth and prediction, with intervals; which defects escape",
        parameters=PARAMETERS_SAID, responses=ConfusionAnswer,
    )  # fmt: skip
    def get(self, request: Request, slug: str) -> Response:
        """Every pair of labels of the set, also those that were never seen."""
        found = self.material(request, slug)
        labels, rates = matrix_labels(found), found.confusion
        cells = [
            ConfusionCell(
                true.slug, said.slug, of_measured(rates.by_true[j][k]), of_measured(rates.of_all[j][k]),
                rates.counts[j][k],
            )
            for j, true in enumerate(labels)
            for k, said in enumerate(labels)
        ]  # fmt: skip
        escaping = [EscapeShare(label.slug, of_share(one)) for label, one in escapes(found)]
        slugs = [label.slug for label in labels]
        return Response(ConfusionAnswer(**about(found), labels=slugs, cells=cells, escapes=escaping))


class ModelSlices(FigureView):
    @extend_schema(
        summary="Slices of a version, those with the most evidence of harm first",
        parameters=PARAMETERS_SAID, responses=SlicesAnswer,
    )  # fmt: skip
    def get(self, request: Request, slug: str) -> Response:
        """By camera, line, shift, lot, recipe, class said, attempt, and how it was judged."""
        found = self.material(request, slug)
        rows = [
            SliceAnswer(row.dimension, row.key, row.name, of_accuracy(row.accuracy), row.evidence, row.state)
            for row in slices(found)
        ]
        return Response(SlicesAnswer(**about(found), target=found.asked.registered_model.target_accuracy, slices=rows))


class ModelReliability(FigureView):
    @extend_schema(
        summary="Whether a version is as sure as it is right", parameters=PARAMETERS_SAID, responses=ReliabilityAnswer
    )
    def get(self, request: Request, slug: str) -> Response:
        found = self.material(request, slug)
        sure = sureness(found)
        tenths = [
            ConfidenceTenth(one.low, one.high, one.confidence, of_share(one.right))
            for one in (sure.tenths if sure else ())
        ]
        said = sure.found if sure else None
        return Response(
            ReliabilityAnswer(
                **about(found),
                n=sure.n if sure else 0,
                tenths=tenths,
                too_sure=said.too_sure if said else None,
                calibration_error=said.ece if said else None,
                calibration_error_low=said.ece_low if said else None,
                calibration_error_high=said.ece_high if said else None,
                brier=said.brier if said else None,
            )
        )


class ModelRegions(FigureView):
    @extend_schema(
        summary="Precision and recall of a detector's regions, per class",
        parameters=PARAMETERS_SAID, responses=RegionsAnswer,
    )  # fmt: skip
    def get(self, request: Request, slug: str) -> Response:
        """Matched at an overlap (IoU) of one half or more, the surest first. Of what is no detector there are none."""
        found = self.material(request, slug)
        seen = detection(found)
        classes = [(None, seen.whole), *((one.label.slug, one.rates) for one in seen.classes)] if seen else []
        return Response(
            RegionsAnswer(
                **about(found),
                n=seen.n if seen else 0,
                response_rate=seen.response if seen else None,
                classes=[
                    RegionClass(
                        label,
                        of_measured(one.precision),
                        of_measured(one.recall),
                        one.n_matched,
                        one.n_missed,
                        one.n_false,
                    )
                    for label, one in classes
                ],
            )
        )
