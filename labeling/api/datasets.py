"""Datasets: the list, one with what is in it and its checks, what changed between two, and its files."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from labeling.access import models_for, reach, require_verb
from labeling.api import filters
from labeling.api.authentication import person
from labeling.api.lists import CURSOR, SIZE, Asked, ListView, Page
from labeling.exchange.truth import in_blocks
from labeling.exchange.zipped import zipped
from labeling.paging import newest
from models_registry.dataset_page import diff_to
from models_registry.datasets.diff import Change, DatasetDiff
from models_registry.datasets.report import DatasetReport, report
from models_registry.datasets.split import split_checks
from models_registry.manifest import Check, Exclusion, Query, check
from models_registry.models import Dataset
from models_registry.services.dataset_files import members, open_dataset
from reviewapp.errors import NotAllowed, NotFound, ReviewAppError

MOST_IMAGES = 20_000  # in one download; the command has no such limit
MOST_CHANGES = 1_000  # in one answer


class DatasetRow(msgspec.Struct):
    """``versions``: numbers of what was trained on it."""

    id: int
    model: str
    sha256: str
    cutoff: datetime
    created_at: datetime
    parent: int | None
    n_train: int
    n_holdout: int
    n_excluded: int
    label_counts: dict[str, int]
    versions: list[int]


class DatasetDetail(DatasetRow):
    classes: list[str]
    code_version: str
    query: Query | None
    alike_within: int | None
    excluded: list[Exclusion]
    report: DatasetReport
    checks: list[Check]


class DatasetPage(Page):
    results: list[DatasetRow]


class DatasetChanges(msgspec.Struct):
    """From ``before`` to ``after``; at most a thousand changes of those from ``start`` on, ``next_start`` goes on."""

    before: int
    after: int
    counts: dict[str, int]
    n_same: int
    start: int
    next_start: int | None
    changes: list[Change]


def _row(dataset: Dataset) -> dict[str, Any]:
    versions = [run.version.number for run in dataset.runs.all() if hasattr(run, "version")]
    return {
        "id": dataset.pk, "model": dataset.registered_model.slug, "sha256": dataset.sha256, "cutoff": dataset.cutoff,
        "created_at": dataset.created_at, "parent": dataset.parent_id, "n_train": dataset.n_train,
        "n_holdout": dataset.n_holdout, "n_excluded": dataset.n_excluded, "label_counts": dataset.label_counts,
        "versions": sorted(versions),
    }  # fmt: skip


def dataset_rows(rows: list[Dataset]) -> list[DatasetRow]:
    return [DatasetRow(**_row(row)) for row in rows]


class DatasetList(ListView):
    filterset_class, queryset, shape = filters.DatasetFilter, Dataset.objects.all(), DatasetPage
    build, details = dataset_rows, ("registered_model",)

    @extend_schema(summary="Frozen datasets, newest first", parameters=[CURSOR, SIZE], responses=DatasetPage)
    def get(self, request: Request) -> Response:
        return self.answer(request)

    def read(self, asked: Asked) -> QuerySet[Any]:
        mine = asked.rows.filter(registered_model__in=asked.models or models_for(asked.user, "view"))
        return newest(mine, after=asked.after, size=asked.size + 1).prefetch_related("runs__version")


class DatasetOne(APIView):
    @extend_schema(
        summary="A dataset: what was eligible, what is in it, how it is split, what was left out",
        responses=DatasetDetail,
    )
    def get(self, request: Request, pk: int) -> Response:
        dataset = require_dataset(person(request), pk)
        header, rows = open_dataset(dataset)
        answer = DatasetDetail(
            **_row(dataset), classes=list(header.classes), code_version=header.code_version, query=header.query,
            alike_within=header.alike_within, excluded=list(header.excluded), report=report(header, rows),
            checks=[*check(header, rows), *split_checks(header, rows)],
        )  # fmt: skip
        return Response(answer)


NUMBER = {"type": "integer", "minimum": 1, "maximum": 2**62}


class DatasetDiffView(APIView):
    @extend_schema(
        summary="What changed in a dataset: added, removed, relabelled, moved, another image",
        parameters=[
            OpenApiParameter("against", NUMBER, description="Another dataset of the model; unless said, its parent."),
            OpenApiParameter("start", {**NUMBER, "minimum": 0}, description="`next_start` of the answer before."),
        ],
        responses=DatasetChanges,
    )
    def get(self, request: Request, pk: int) -> Response:
        after = require_dataset(person(request), pk)
        before = self._before(request, after)
        start = _number(request, "start") or 0
        return Response(_changes(before, after, diff_to(after, before), start))

    def _before(self, request: Request, after: Dataset) -> Dataset:
        against = _number(request, "against")
        if against is None and after.parent is None:
            raise NotFound("This is the first dataset of the model: there is nothing to compare it with.")
        before = require_dataset(person(request), against) if against else after.parent
        if before is None or before.registered_model_id != after.registered_model_id:
            raise NotFound("There is no such dataset of this model.", fields={"against": "Unknown."})
        return before


def _changes(before: Dataset, after: Dataset, found: DatasetDiff, start: int) -> DatasetChanges:
    end = start + MOST_CHANGES
    counts = {str(kind): n for kind, n in found.counts.items()}
    return DatasetChanges(
        before.pk, after.pk, counts, found.n_same, start, end if end < len(found.changes) else None,
        found.changes[start:end],
    )  # fmt: skip


def _number(request: Request, name: str) -> int | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    if text.isascii() and text.isdecimal() and len(text) < 19:
        return int(text)
    raise ReviewAppError(f"{name} is a whole number.", code="invalid", fields={name: "Not a whole number."})


class _Download(APIView):
    """The address says which document it is, whatever the client accepts."""

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[Any, str]:
        return JSONRenderer(), JSONRenderer.media_type


class DatasetManifest(_Download):
    @extend_schema(
        summary="The manifest as it was frozen: its sha256 is the dataset's",
        responses={(200, "application/x-ndjson"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        dataset = require_dataset(person(request), pk)
        (_name, blocks), *_rest = members(dataset, images=False)
        return _download(dataset, blocks, "application/x-ndjson", "jsonl")


class DatasetArchive(_Download):
    @extend_schema(
        summary="The manifest and its images as a zip archive",
        description="Streamed. Every image is checked against the hash that the dataset was frozen with; one that has "
        f"changed meanwhile cuts the connection. At most {MOST_IMAGES:,} images.",
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        by = person(request)
        dataset = require_dataset(by, pk)
        if "view" not in reach(by, dataset.registered_model).everywhere:
            raise NotAllowed("A dataset holds images of all sites; your role reaches some of them.")
        blocks = in_blocks(zipped(members(dataset, images=True, most=MOST_IMAGES)))
        return _download(dataset, blocks, "application/zip", "zip")


def _download(dataset: Dataset, blocks: Any, content_type: str, extension: str) -> HttpResponseBase:
    answer = StreamingHttpResponse(blocks, content_type=content_type)
    name = f"{dataset.registered_model.slug}-dataset-{dataset.short_name}.{extension}"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "private, no-cache"
    return answer


def require_dataset(user: User, pk: int) -> Dataset:
    """:raises NotFound: there is none, or not for this person."""
    require_verb(user, "view")
    found = Dataset.objects.select_related("registered_model", "parent__registered_model").filter(pk=pk).first()
    if found is None or not models_for(user, "view").filter(pk=found.registered_model_id).exists():
        raise NotFound("There is no such dataset for you.")
    return found
