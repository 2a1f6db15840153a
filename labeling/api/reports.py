"""Reports: the list, one as it was issued with its addenda, its page and its table; and issuing one."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from labeling.access import models_for, require, require_report
from labeling.api import filters
from labeling.api.authentication import person
from labeling.api.lists import CURSOR, SIZE, Asked, ListView, Page
from labeling.api.reviews import ReviewView
from labeling.catalog import ModelCatalog
from labeling.incoming import why_unstorable
from labeling.paging import newest
from labeling.reports.issuing import issue_report
from labeling.windows import Window
from models_registry.models import ModelVersion, RegisteredModel, Report
from models_registry.reporting.content import Content, read_content
from models_registry.reporting.table import report_csv
from models_registry.services.reports import pdf_of
from reviewapp.errors import NotFound, ReviewAppError


class ReportRow(msgspec.Struct):
    """``version`` and the days are empty where a report has none: an audit of labels, of a file."""

    id: int
    model: str
    number: int
    kind: str
    version: str | None
    first_day: date | None
    last_day: date | None
    sha256: str
    signed_by: str | None
    signed_at: datetime
    n_addenda: int


class AddendumRow(msgspec.Struct):
    number: int
    message: str
    noted_at: datetime


class ReportAnswer(ReportRow):
    content: Content
    addenda: list[AddendumRow]


class ReportPage(Page):
    results: list[ReportRow]


class IssueBody(msgspec.Struct, forbid_unknown_fields=True):
    """Production days of the sites, both included. Without a version it speaks of the champion."""

    first_day: date
    last_day: date
    version: Annotated[str, msgspec.Meta(min_length=1, max_length=120)] | None = None


def _row(report: Report) -> dict[str, Any]:
    version = report.model_version
    return {
        "id": report.pk, "model": report.registered_model.slug, "number": report.number, "kind": report.kind,
        "version": version.short_name if version else None, "first_day": report.first_day,
        "last_day": report.last_day, "sha256": report.sha256,
        "signed_by": report.signed_by.get_username() if report.signed_by else None, "signed_at": report.signed_at,
        "n_addenda": len(report.addenda.all()),
    }  # fmt: skip


def report_rows(rows: list[Report]) -> list[ReportRow]:
    return [ReportRow(**_row(row)) for row in rows]


def report_answer(report: Report) -> ReportAnswer:
    addenda = [AddendumRow(one.number, one.message, one.noted_at) for one in report.addenda.order_by("number")]
    return ReportAnswer(**_row(report), content=read_content(report.content), addenda=addenda)


class ReportList(ListView):
    filterset_class, queryset, shape = filters.ReportFilter, Report.objects.all(), ReportPage
    build, details = report_rows, ("registered_model", "model_version", "signed_by")

    @extend_schema(summary="Reports, newest first", parameters=[CURSOR, SIZE], responses=ReportPage)
    def get(self, request: Request) -> Response:
        return self.answer(request)

    def read(self, asked: Asked) -> QuerySet[Any]:
        mine = asked.rows.filter(registered_model__in=asked.models or models_for(asked.user, "view"))
        return newest(mine, after=asked.after, size=asked.size + 1).prefetch_related("addenda")


class IssueReport(ReviewView):
    @extend_schema(
        summary="Issue a report on production days, under your name", request=IssueBody, responses={201: ReportAnswer}
    )
    def post(self, request: Request, slug: str) -> Response:
        by, registered_model = person(request), require(person(request), "decide", slug)
        body: IssueBody = self.body(request, IssueBody)
        report = issue_report(
            registered_model=registered_model, version=_version(registered_model, body.version),
            window=Window(body.first_day, body.last_day), by=by, now=timezone.now(),
        )  # fmt: skip
        return Response(report_answer(report), status=201)


def _version(registered_model: RegisteredModel, name: str | None) -> ModelVersion | None:
    if name is None:
        return None
    if what := why_unstorable(name):
        raise ReviewAppError(f"version {what}.", code="invalid", fields={"version": what})
    found = ModelCatalog(registered_model).versions.get(name)
    if found is None:
        raise NotFound(f"{registered_model} has no version “{name}”.", fields={"version": "Unknown."})
    return found


class ReportDetail(APIView):
    @extend_schema(summary="A report as it was issued, with what was noted since", responses=ReportAnswer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(report_answer(require_report(person(request), "view", pk)))


class _Document(APIView):
    """The address says which document it is, whatever the client accepts."""

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[Any, str]:
        return JSONRenderer(), JSONRenderer.media_type


class ReportPdf(_Document):
    @extend_schema(summary="The page of a report", responses={(200, "application/pdf"): OpenApiTypes.BINARY})
    def get(self, request: Request, pk: int) -> HttpResponse:
        return pdf_answer(require_report(person(request), "view", pk))


class ReportCsv(_Document):
    @extend_schema(summary="The figures and counts of a report", responses={(200, "text/csv"): OpenApiTypes.BINARY})
    def get(self, request: Request, pk: int) -> HttpResponse:
        return csv_answer(require_report(person(request), "view", pk))


def pdf_answer(report: Report) -> HttpResponse:
    return _download(report, pdf_of(report), "application/pdf", "pdf")


def csv_answer(report: Report) -> HttpResponse:
    text = report_csv(read_content(report.content))
    return _download(report, text.encode(), "text/csv; charset=utf-8", "csv")


def _download(report: Report, data: bytes, content_type: str, extension: str) -> HttpResponse:
    answer = HttpResponse(data, content_type=content_type)
    name = f"{report.registered_model.slug}-report-{report.number}.{extension}"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "private, no-cache"
    return answer
