"""Lists: filtered, by key, bounded, and only what the person may see. They read and never write."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import django_filters as df
import msgspec
from django.db.models import Q, QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from labeling.access import models_for, reach, require, require_verb
from labeling.api import filters, listed
from labeling.api.authentication import person
from labeling.late_truth import incidents
from labeling.models import DispositionRecord, GroundTruth, Inspection, Outcome, Prediction, Review, Station
from labeling.paging import MOST, PAGE, InTime, Lanes, Position, newest, newest_in_lanes, patiently
from labeling.sight import Sight, sight_of
from models_registry.models import ModelVersion, RegisteredModel
from reviewapp.errors import NotFound, ReviewAppError

CURSOR = OpenApiParameter(
    "cursor", {"type": "string", "minLength": 1, "maxLength": 200}, description="`next_cursor` of the page before."
)
SIZE = OpenApiParameter("page_size", {"type": "integer", "minimum": 1, "maximum": MOST, "default": PAGE})


class Page(msgspec.Struct):
    next: str | None  # the address of the next page; none: this was the last
    next_cursor: str | None


class PredictionPage(Page):
    results: list[listed.PredictionRow]


class InspectionPage(Page):
    results: list[listed.InspectionRow]


class ReviewPage(Page):
    results: list[listed.ReviewRow]


class GroundTruthPage(Page):
    results: list[listed.GroundTruthRow]


class DispositionPage(Page):
    results: list[listed.DispositionRow]


class IncidentPage(Page):
    results: list[listed.IncidentRow]


class VersionPage(Page):
    results: list[listed.VersionRow]


class Asked:
    """A list's question, checked: what was chosen, by whom, and from where on."""

    def __init__(
        self, request: Request, kind: type[df.FilterSet], found: QuerySet[Any], *, timed: bool, slug: str | None
    ) -> None:
        self.user = person(request)
        require_verb(self.user, "view")
        self.said, self.rows = filters.chosen(kind, request.query_params, found)
        self.size = filters.page_size(request.query_params)
        text = request.query_params.get("cursor")
        self.after = Position.from_text(text, timed=timed) if text is not None else None
        self.sight: Sight = sight_of(self.user)
        self.model: RegisteredModel | None = None
        if slug := slug or self.said.get("model"):
            self.model = require(self.user, "view", slug)

    @property
    def models(self) -> list[int] | None:
        return [self.model.pk] if self.model else None

    def stations(self) -> list[int]:
        """:raises NotFound: there is no such station. Whose parts are seen there is not decided here."""
        slug = self.said.get("station")
        if not slug:
            return list(Station.objects.order_by().values_list("pk", flat=True))
        found = list(Station.objects.filter(slug=slug).values_list("pk", flat=True))
        if not found:
            raise NotFound(f"There is no station “{slug}” for you.", fields={"station": "Unknown."})
        return found

    def by_model(self, path: str, *, blind: bool) -> Q:
        """The rows of the models that the person may see; ``path`` leads from a row to its model."""
        known = [self.model] if self.model else list(models_for(self.user, "view"))
        found = Q(pk__in=[])
        for condition, models in self._sights([one.pk for one in known], blind=blind):
            found |= condition & Q((f"{path}__in", models))
        return found & self.at_station()

    def at_station(self) -> Q:
        return Q(inspection__station__in=self.stations()) if self.said.get("station") else Q()

    def versions(self) -> list[Lanes]:
        """The versions whose predictions may be seen, and under which condition."""
        known = self.models or models_for(self.user, "view")
        found: QuerySet[ModelVersion] = ModelVersion.objects.filter(registered_model__in=known)
        if name := self.said.get("version"):
            found = self._named(found, name)
        of_model: dict[int, list[int]] = defaultdict(list)
        for pk, model in found.order_by("pk").values_list("pk", "registered_model"):
            of_model[model].append(pk)
        return [
            Lanes([pk for model in models for pk in of_model[model]], condition & self.at_station())
            for condition, models in self._sights(list(of_model), blind=True)
        ]

    def _named(self, versions: QuerySet[ModelVersion], name: str) -> QuerySet[ModelVersion]:
        """By name or number. :raises ReviewAppError: of which model? :raises NotFound: it has no such version."""
        if self.model is None:
            raise ReviewAppError("Say which model too.", code="invalid", fields={"version": "Needs model."})
        number = name.removeprefix("v")
        by_number = int(number) if number.isascii() and number.isdecimal() and len(number) < 9 else 0
        found = versions.filter(external_name=name)
        if not found and not (found := versions.filter(number=by_number)):
            raise NotFound(f"{self.model} has no version “{name}”.", fields={"version": "Unknown."})
        return found

    def _sights(self, models: Sequence[int], *, blind: bool) -> list[tuple[Q, list[int]]]:
        """Models that are seen under the same condition, together."""
        found: list[tuple[Q, list[int]]] = []
        for model in models:
            condition = self.sight.of_model(model, blind=blind)
            alike = next((one for one in found if one[0] == condition), None)
            if alike:
                alike[1].append(model)
            elif condition is not None:
                found.append((condition, [model]))
        return found


class ListView(ABC, APIView):
    # `read` says which rows, `shape` and `build` what a client gets of them.
    filter_backends = [DjangoFilterBackend]  # for the schema
    filterset_class: ClassVar[type[df.FilterSet]]
    queryset: ClassVar[QuerySet[Any]]
    shape: ClassVar[type[Page]]
    build: ClassVar[Callable[[list[Any]], list[Any]]]
    order: ClassVar[InTime | None] = None
    details: ClassVar[Sequence[str]] = ()

    def answer(self, request: Request, slug: str | None = None) -> Response:
        """``slug``: of the model that the address names."""
        order, asked = self.order, self.asked(request, slug)
        with patiently():
            found = list(self.read(asked).select_related(*self.details))
            more, found = len(found) > asked.size, found[: asked.size]
            results = self.shaped(asked, found)
        cursor = None
        if more:
            cursor = Position(found[-1].pk, getattr(found[-1], order.moment) if order else None).as_text()
        page: Any = self.shape
        return Response(page(next=next_address(request, cursor), next_cursor=cursor, results=results))

    def asked(self, request: Request, slug: str | None = None) -> Asked:
        return Asked(request, self.filterset_class, self.queryset.all(), timed=self.order is not None, slug=slug)

    def shaped(self, asked: Asked, rows: list[Any]) -> list[Any]:
        return type(self).build(rows)

    @abstractmethod
    def read(self, asked: Asked) -> QuerySet[Any]: ...


def next_address(request: Request, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    said = request.query_params.copy()
    said["cursor"] = cursor
    return request.build_absolute_uri(f"?{said.urlencode()}")


def of_part(prefix: str) -> tuple[str, ...]:
    return (prefix, f"{prefix}__station")


class PredictionList(ListView):
    filterset_class, queryset, shape = filters.PredictionFilter, Prediction.objects.all(), PredictionPage
    build, order = listed.prediction_rows, InTime("model_version", ModelVersion, "predicted_at")
    details = (*of_part("inspection"), "label", "model_version__registered_model")

    @extend_schema(summary="Predictions, newest first", parameters=[CURSOR, SIZE], responses=PredictionPage)
    def get(self, request: Request) -> Response:
        """Whoever may still judge a part does not find its prediction here before its review is settled."""
        return self.answer(request)

    def read(self, asked: Asked) -> QuerySet[Any]:
        assert self.order is not None  # noqa: S101 - said above
        return newest_in_lanes(asked.rows, self.order, asked.versions(), after=asked.after, size=asked.size + 1)


class InspectionList(ListView):
    filterset_class, queryset, shape = filters.InspectionFilter, Inspection.objects.all(), InspectionPage
    build, order = listed.inspection_rows, InTime("station", Station, "received_at")
    details = ("station__site",)

    @extend_schema(summary="Inspections, newest first", parameters=[CURSOR, SIZE], responses=InspectionPage)
    def get(self, request: Request) -> Response:
        return self.answer(request)

    def read(self, asked: Asked) -> QuerySet[Any]:
        assert self.order is not None  # noqa: S101
        lanes = [Lanes(asked.stations(), asked.sight.of_inspections(asked.models))]
        found = newest_in_lanes(asked.rows, self.order, lanes, after=asked.after, size=asked.size + 1)
        return found.prefetch_related("items__source")


class ReviewList(ListView):
    filterset_class, queryset, shape = filters.ReviewFilter, Review.objects.all(), ReviewPage
    details = (*of_part("inspection"), "registered_model")

    @extend_schema(summary="Reviews, newest first", parameters=[CURSOR, SIZE], responses=ReviewPage)
    def get(self, request: Request) -> Response:
        """Never a prediction, nor why it is looked at: whoever reads a review may judge it later."""
        return self.answer(request)

    def read(self, asked: Asked) -> QuerySet[Any]:
        mine = asked.rows.filter(asked.by_model("registered_model", blind=False))
        if mode := asked.said.get("mode"):  # a filter tells no more than the rows
            hidden = asked.sight.hidden_reviews()
            mine = mine.filter(hidden | Q(mode=mode) if mode == Review.Mode.MEASURING else Q(mode=mode) & ~hidden)
        return newest(mine, after=asked.after, size=asked.size + 1)

    def shaped(self, asked: Asked, rows: list[Any]) -> list[Any]:
        hidden = Review.objects.filter(asked.sight.hidden_reviews(), pk__in=[one.pk for one in rows])
        return listed.review_rows(rows, hidden=set(hidden.values_list("pk", flat=True)))


class GroundTruthList(ListView):
    filterset_class, queryset, shape = filters.GroundTruthFilter, GroundTruth.objects.told(), GroundTruthPage
    build, details = listed.ground_truth_rows, (*of_part("inspection"), "registered_model", "label")

    @extend_schema(summary="Settled labels, newest first", parameters=[CURSOR, SIZE], responses=GroundTruthPage)
    def get(self, request: Request) -> Response:
        return self.answer(request)

    def read(self, asked: Asked) -> QuerySet[Any]:
        mine = asked.rows.filter(asked.by_model("registered_model", blind=False))
        return newest(mine, after=asked.after, size=asked.size + 1)


class DispositionList(ListView):
    filterset_class, queryset, shape = filters.DispositionFilter, DispositionRecord.objects.all(), DispositionPage
    build = listed.disposition_rows
    details = (*of_part("inspection"), "prediction__model_version__registered_model")

    @extend_schema(
        summary="What lines were told and report, newest first", parameters=[CURSOR, SIZE], responses=DispositionPage
    )
    def get(self, request: Request) -> Response:
        return self.answer(request)

    def read(self, asked: Asked) -> QuerySet[Any]:
        mine = asked.rows.filter(asked.sight.of_inspections(asked.models, path="inspection"), asked.at_station())
        return newest(mine, after=asked.after, size=asked.size + 1)


class Incidents(ListView):
    filterset_class, queryset, shape = filters.IncidentFilter, Outcome.objects.all(), IncidentPage
    build, details = listed.incident_rows, (*of_part("inspection"), "label")

    @extend_schema(
        summary="Parts that passed as good and turned out to be defect", parameters=[CURSOR, SIZE],
        responses=IncidentPage,
    )  # fmt: skip
    def get(self, request: Request, slug: str) -> Response:
        return self.answer(request, slug)

    def read(self, asked: Asked) -> QuerySet[Any]:
        assert asked.model is not None  # noqa: S101 - the address names it
        mine = asked.rows.filter(pk__in=incidents(asked.model, reach(asked.user, asked.model)).order_by().values("pk"))
        return newest(mine.filter(asked.at_station()), after=asked.after, size=asked.size + 1)


class Versions(ListView):
    filterset_class, queryset, shape = filters.VersionFilter, ModelVersion.objects.all(), VersionPage
    build, details = listed.version_rows, ("registered_model",)

    @extend_schema(summary="Versions, newest first", parameters=[CURSOR, SIZE], responses=VersionPage)
    def get(self, request: Request) -> Response:
        return self.answer(request)

    def read(self, asked: Asked) -> QuerySet[Any]:
        mine = asked.rows.filter(registered_model__in=asked.models or models_for(asked.user, "view"))
        return newest(mine, after=asked.after, size=asked.size + 1)
