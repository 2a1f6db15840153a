"""A candidate on a part of the line: started, watched and stopped from one page."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, F, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from labeling.access import models_for, require
from labeling.canaries import candidates_for, running_canary, start_canary, stations_named, stop_canary
from labeling.models import Canary, Station
from models_registry.models import Evaluation, ModelVersion, RegisteredModel
from models_registry.views.permissions import person
from reviewapp.errors import NotFound, ReviewAppError

MOST = 20


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def canary(request: HttpRequest, slug: str) -> HttpResponse:
    """What runs, what ran, and the form that starts one. What cannot be started is said above the form."""
    found = require(request.user, "view" if request.method != "POST" else "decide", slug)
    error = None
    if request.method == "POST":
        try:
            _start(request, found)
            return redirect("canary", slug)
        except ReviewAppError as refusal:
            error = refusal
    context = _shown(found) | {
        "model": found, "error": error, "said": request.POST, "ticked": request.POST.getlist("stations"),
        "may_decide": models_for(request.user, "decide").filter(pk=found.pk).exists(),
    }  # fmt: skip
    return render(request, "labeling/canary.html", context, status=error.http_status if error else 200)


@require_POST
@login_required
def canary_stop(request: HttpRequest, slug: str) -> HttpResponse:
    found = require(request.user, "decide", slug)
    running = running_canary(found)
    if running is None:
        raise NotFound(_("No canary of this model runs."))
    stop_canary(canary=running, by=person(request), reason=request.POST.get("reason", ""), now=timezone.now())
    messages.success(request, _("No lot begins with %(version)s any more.") % {"version": running.candidate.short_name})
    return redirect("canary", slug)


def _start(request: HttpRequest, found: RegisteredModel) -> None:
    said = request.POST
    version = found.versions.filter(pk=_number(said.get("candidate"))).first()
    if version is None:
        raise ReviewAppError(_("Choose a candidate."), code="invalid", fields={"candidate": _("Required.")})
    made = start_canary(
        candidate=version, stations=stations_named(said.getlist("stations")), by=person(request),
        lot_share=_share(said.get("lot_share", "")), reason=said.get("reason", "")[:2000],
        change_number=said.get("change_number", "")[:60], now=timezone.now(),
    )  # fmt: skip
    messages.success(request, _("%(version)s answers for its part now.") % {"version": made.candidate})


def _number(text: str | None) -> int:
    """0, which is no key, for what is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else 0


def _share(text: str) -> float | None:
    """From per cent. :raises ReviewAppError: no number."""
    if not text.strip():
        return None
    try:
        return float(text.replace(",", ".")) / 100
    except ValueError as error:
        said = _("A number of per cent.")
        raise ReviewAppError(said, code="invalid", fields={"lot_share": said}) from error


def _shown(found: RegisteredModel) -> dict[str, Any]:
    canaries = list(
        Canary.objects.filter(registered_model=found)
        .select_related("candidate", "champion", "started_by", "ended_by")
        .prefetch_related("stations")
        .annotate(n_lots=Count("lots"), n_own=Count("lots", filter=Q(lots__version=F("candidate"))))
        .order_by("-pk")[:MOST]
    )
    running = next((one for one in canaries if one.ended_at is None), None)
    sides = [running.champion, running.candidate] if running else []
    return {
        "running": running,
        "past": [one for one in canaries if one.ended_at is not None],
        "sides": [(one, _newest(one)) for one in sides],
        "candidates": candidates_for(found),
        "stations": list(Station.objects.filter(deployments__registered_model=found).distinct().order_by("name")),
    }


def _newest(version: ModelVersion) -> Evaluation | None:
    return Evaluation.objects.filter(model_version=version, slice="").order_by("-evaluated_at", "-pk").first()
