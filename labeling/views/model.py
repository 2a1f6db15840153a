"""A model's page, and the button that retrains it."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from labeling.access import models_for, require
from labeling.accuracy.asked import WINDOWS, Asked
from labeling.accuracy.material import material
from labeling.accuracy.slices import ROWS as SLICES_SHOWN
from labeling.accuracy.slices import slice_scale
from labeling.accuracy.slices import slices as slice_rows
from labeling.accuracy.steps import steps
from labeling.accuracy.tables import TABLES
from labeling.csv_lines import csv_line
from labeling.feedback import explain_retraining, request_recalibration, request_retraining
from labeling.model_page import model_page
from labeling.planning import budget_outlook
from models_registry.tasks import nudge_trainer
from models_registry.views.permissions import person
from reviewapp.errors import NotFound


@require_safe
@login_required
def model(request: HttpRequest, slug: str) -> HttpResponse:
    """Accuracy over time, confusions, versions, runs, decisions, and what the next run waits for."""
    found, now = require(request.user, "view", slug), timezone.now()
    asked = Asked.from_query(found, request.GET, now=now)
    context = {
        "page": model_page(asked, now=now),
        "asked": asked,
        "windows": WINDOWS,
        "reviews_address": _address("model-reviews", asked),
        "how_address": _address("model-how", asked),
        "model": found,
        "decision": explain_retraining(found, now=now),
        "may_decide": models_for(request.user, "decide").filter(pk=found.pk).exists(),
        "may_review": models_for(request.user, "review").filter(pk=found.pk).exists(),
    }
    return render(request, "labeling/model.html", context)


def _address(name: str, asked: Asked) -> str:
    """Of a page that speaks of the same version, window and camera."""
    return f"{reverse(name, args=[asked.registered_model.slug])}?{asked.query}"


@require_POST
@login_required
def retrain_now(request: HttpRequest, slug: str) -> HttpResponse:
    """A person starts a run, with a reason, whatever the policy waits for; or one that keeps the champion's model."""
    found = require(request.user, "decide", slug)
    ask = request_recalibration if request.POST.get("keep") == "model" else request_retraining
    run = ask(
        registered_model=found, by=person(request), reason=request.POST.get("reason", "").strip(), now=timezone.now()
    )
    nudge_trainer(run.pk)
    messages.success(request, _("Run %(number)s is queued.") % {"number": run.number})
    return redirect(run)


@require_safe
@login_required
def how(request: HttpRequest, slug: str) -> HttpResponse:
    """The way from reviews to figures, in the model's own numbers."""
    found, now = require(request.user, "view", slug), timezone.now()
    asked = Asked.from_query(found, request.GET, now=now)
    made = material(asked)
    context = {
        "model": found,
        "asked": asked,
        "windows": WINDOWS,
        "steps": steps(made) if made else None,
        "reviews_address": _address("model-reviews", asked),
    }
    return render(request, "labeling/how.html", context)


@require_safe
@login_required
def slices(request: HttpRequest, slug: str) -> HttpResponse:
    """Where it is worse: the model's page asks for this card once it stands; without JavaScript it is a page."""
    found, now = require(request.user, "view", slug), timezone.now()
    asked = Asked.from_query(found, request.GET, now=now)
    made = material(asked)
    rows = slice_rows(made) if made else []
    shown, target = rows[:SLICES_SHOWN], found.target_accuracy
    context = {
        "model": found,
        "asked": asked,
        "windows": WINDOWS,
        "slices": shown,
        "n_more": len(rows) - len(shown),
        "target": target,
        "scale": slice_scale(shown, target),
        "reviews_address": _address("model-reviews", asked),
        "how_address": _address("model-how", asked),
    }
    is_part = getattr(request, "htmx", False) and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    return render(request, "labeling/_slices.html" if is_part else "labeling/slices.html", context)


@require_safe
@login_required
def outlook(request: HttpRequest, slug: str) -> HttpResponse:
    """A card that the model's page asks for once it stands: it takes a while to reckon."""
    found = require(request.user, "view", slug)
    context = {"model": found, "outlook": budget_outlook(found, timezone.now())}
    return render(request, "labeling/_outlook.html", context)


@require_safe
@login_required
def table(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """One of the page's tables as CSV. An empty one where no version was asked about."""
    found, now = require(request.user, "view", slug), timezone.now()
    if name not in TABLES:
        raise NotFound(_("There is no such table."))
    made = material(Asked.from_query(found, request.GET, now=now))
    lines = "".join(csv_line(row) for row in TABLES[name](made)) if made else ""
    answer = HttpResponse(lines, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{slug}-{name}.csv"'
    answer["Cache-Control"] = "no-store"
    return answer
