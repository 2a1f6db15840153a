"""Runs: the list, one run, and the part of it that moves."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRefresh

from models_registry.models import TrainingRun
from models_registry.run_list import in_state, states_of
from models_registry.run_page import run_page, run_progress_of
from models_registry.views.permissions import DECIDE, require_view, visible_models
from reviewapp.errors import NotFound

ROWS = 30


@require_safe
@login_required
def runs(request: HttpRequest) -> HttpResponse:
    """The runs of every model a person may see, newest first; ``?status=`` and ``?model=`` narrow it."""
    models = visible_models(request.user)
    status, slug = request.GET.get("status", ""), request.GET.get("model", "")
    chosen = [one for one in models if one.slug == slug]
    found = TrainingRun.objects.filter(registered_model__in=chosen if slug else models)
    rows = in_state(found, status).select_related(
        "registered_model", "requested_by", "version", "dataset", "recalibrates"
    )
    context = {
        "page": Paginator(rows, ROWS).get_page(request.GET.get("page")), "status": status, "states": states_of(found),
        "slug": slug, "models": models, "model": chosen[0] if chosen else None,
        "may_decide": bool(chosen) and request.user.has_perm(DECIDE, chosen[0]),
    }  # fmt: skip
    return render(request, "models_registry/runs.html", context)


@require_safe
@login_required
def run(request: HttpRequest, pk: int) -> HttpResponse:
    found = _run_to_see(request, pk)
    context = {
        "page": run_page(found, now=timezone.now()),
        "model": found.registered_model,
        "may_decide": request.user.has_perm(DECIDE, found.registered_model),
        "asked_by_me": found.requested_by_id == request.user.pk,
    }
    return render(request, "models_registry/run.html", context)


@require_safe
@login_required
def run_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The steps, for polling. 204 when nothing changed; once the run is over the whole page is loaded again."""
    found = _run_to_see(request, pk)
    if not found.is_active:
        return HttpResponseClientRefresh()
    progress = run_progress_of(found, now=timezone.now())
    if request.GET.get("seen") == progress.fingerprint:
        return HttpResponse(status=204)
    return render(request, "models_registry/_progress.html", {"progress": progress, "is_part": True})


def _run_to_see(request: HttpRequest, pk: int) -> TrainingRun:
    wanted = TrainingRun.objects.select_related(
        "registered_model", "dataset__label_set", "dataset__parent", "requested_by", "recalibrates"
    )
    found = wanted.filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such run for you."))
    require_view(request.user, found.registered_model)
    return found
