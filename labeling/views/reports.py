"""Reports: the list with the form that issues one, one report, its page as a PDF, its table."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, Min, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labeling.access import models_for, require, require_report
from labeling.api.reports import csv_answer, pdf_answer
from labeling.models import Tally
from labeling.reports.addenda import amend
from labeling.reports.issuing import issue_report
from labeling.windows import Window
from models_registry.models import ModelVersion, RegisteredModel, Report
from models_registry.reporting.content import Figure, read_content
from models_registry.reporting.wording import headline, interval
from models_registry.views.permissions import person
from reviewapp.errors import NotAllowed, NotFound, ReviewAppError

ROWS = 30


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def reports(request: HttpRequest) -> HttpResponse:
    """The reports of every model a person may see, newest first; leads issue the next one here."""
    if request.method == "POST":
        return _issue(request)
    return _list(request, {})


def _list(request: HttpRequest, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    mine = models_for(request.user, "view")
    found = Report.objects.filter(registered_model__in=mine).annotate(n_addenda=Count("addenda"))
    if slug := request.GET.get("model", ""):
        found = found.filter(registered_model__slug=slug)
    rows = found.select_related("registered_model", "model_version", "signed_by").order_by("-pk")
    decides = models_for(request.user, "decide").filter(
        pk__in=ModelVersion.objects.filter(stage="champion").values("registered_model")
    )
    last = _last_day(decides.filter(slug=slug) if slug else decides)
    context = {
        "page": Paginator(rows, ROWS).get_page(request.GET.get("page")), "slug": slug, "models": decides,
        "said": {"model": slug, "first_day": str(last - timedelta(days=27)), "last_day": str(last)},
        **context,
    }  # fmt: skip
    return render(request, "labeling/reports.html", context, status=status)


def _last_day(models: QuerySet[RegisteredModel]) -> date:
    """Yesterday, which is whole; today where nothing is older."""
    today = timezone.now().date()
    first = Tally.objects.filter(model_version__registered_model__in=models).aggregate(Min("day"))["day__min"]
    return today - timedelta(days=first is None or first < today)


def _issue(request: HttpRequest) -> HttpResponse:
    """A refusal stands beside the field, and nothing that was chosen is lost."""
    said = {name: request.POST.get(name, "") for name in ("model", "first_day", "last_day")}
    try:
        model = _model(request, said["model"])
        report = issue_report(
            registered_model=model, version=None, window=_window(said), by=person(request), now=timezone.now()
        )
    except (NotFound, NotAllowed):
        raise
    except ReviewAppError as error:
        return _list(request, {"said": said, "error": error}, status=error.http_status)
    messages.success(request, _("Report %(number)s is issued under your name.") % {"number": report.number})
    return redirect(report)


def _model(request: HttpRequest, slug: str) -> RegisteredModel:
    return require(request.user, "decide", slug)


def _window(said: dict[str, str]) -> Window:
    wrong, days = {}, {}
    for name in ("first_day", "last_day"):
        try:
            days[name] = date.fromisoformat(said[name])
        except ValueError:
            wrong[name] = _("A day, for example 2026-11-24.")
    if wrong:
        raise ReviewAppError(" ".join(wrong.values()), code="invalid", fields=wrong)
    return Window(days["first_day"], days["last_day"])


@require_safe
@login_required
def report(request: HttpRequest, pk: int) -> HttpResponse:
    found = require_report(request.user, "view", pk)
    content = read_content(found.content)
    figures = [_shown(one) for one in content.figures]
    context = {
        "report": found, "model": found.registered_model, "content": content, "first": figures[:1],
        "figures": figures[1:], "addenda": found.addenda.order_by("-number"),
        "mistakes": sorted((row for row in content.truth if row[0] and row[1] and row[0] != row[1]),
                           key=lambda row: -row[2])[:50],
        "may_decide": models_for(request.user, "decide").filter(pk=found.registered_model_id).exists(),
    }  # fmt: skip
    return render(request, "labeling/report.html", context)


def _shown(one: Figure) -> dict[str, Any]:
    before, value = headline(one)
    return {"one": one, "before": before, "value": value, "interval": interval(one)}


@require_safe
@login_required
def report_file(request: HttpRequest, pk: int) -> HttpResponse:
    return pdf_answer(require_report(request.user, "view", pk))


@require_safe
@login_required
def report_csv(request: HttpRequest, pk: int) -> HttpResponse:
    return csv_answer(require_report(request.user, "view", pk))


@require_POST
@login_required
def report_amend(request: HttpRequest, pk: int) -> HttpResponse:
    """Look now for what has changed, rather than at the end of the day."""
    found = require_report(request.user, "decide", pk)
    addendum = amend(found, now=timezone.now())
    messages.success(request, addendum.message if addendum else _("Nothing has changed since."))
    return redirect(found)
