"""A model's page, and the button that retrains it."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from labeling.access import models_for, require
from labeling.feedback import explain_retraining, request_retraining
from labeling.model_page import model_page
from models_registry.tasks import nudge_trainer
from models_registry.views.permissions import person


@require_safe
@login_required
def model(request: HttpRequest, slug: str) -> HttpResponse:
    """Accuracy over time, confusions, versions, runs, decisions, and what the next run waits for."""
    found, now = require(request.user, "view", slug), timezone.now()
    context = {
        "page": model_page(found, now=now),
        "model": found,
        "decision": explain_retraining(found, now=now),
        "may_decide": models_for(request.user, "decide").filter(pk=found.pk).exists(),
        "may_review": models_for(request.user, "review").filter(pk=found.pk).exists(),
    }
    return render(request, "labeling/model.html", context)


@require_POST
@login_required
def retrain_now(request: HttpRequest, slug: str) -> HttpResponse:
    """A person starts a run, with a reason, whatever the policy waits for."""
    found = require(request.user, "decide", slug)
    run = request_retraining(
        registered_model=found, by=person(request), reason=request.POST.get("reason", "").strip(), now=timezone.now()
    )
    nudge_trainer(run.pk)
    messages.success(request, _("Run %(number)s is queued.") % {"number": run.number})
    return redirect(run)
