"""What labels are worth, and the button that has the most useful parts picked."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from labeling.access import models_for, require
from labeling.learning_page import learning_curve
from labeling.learning_rounds import MOST_ASKED, arms_of, request_round
from labeling.models import LearningRound
from labeling.tasks import nudge_picker
from models_registry.views.permissions import person

RANDOM_SHARE = 0.2
SHOWN = 3


@require_safe
@login_required
def learning(request: HttpRequest, slug: str) -> HttpResponse:
    """A card that the model's page asks for once it stands; without JavaScript it is a page."""
    found = require(request.user, "view", slug)
    rounds = list(LearningRound.objects.filter(registered_model=found).select_related("model_version")[:SHOWN])
    arms = arms_of(rounds)
    context = {
        "model": found,
        "curve": learning_curve(found),
        "rounds": [(one, arms[one.pk]) for one in rounds],
        "is_queued": any(one.status == LearningRound.Status.QUEUED for one in rounds),
        "may_decide": models_for(request.user, "decide").filter(pk=found.pk).exists(),
        "most": MOST_ASKED,
        "stands": True,
    }
    is_part = getattr(request, "htmx", False) and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    return render(request, "labeling/_learning.html" if is_part else "labeling/learning.html", context)


@require_POST
@login_required
def start_round(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask for a round; the parts come into the queue when a worker has picked them."""
    found = require(request.user, "decide", slug)
    typed = request.POST.get("n", "50").strip()
    n = int(typed) if typed.isdecimal() and len(typed) < 6 else 0
    made = request_round(registered_model=found, n=n, random_share=RANDOM_SHARE, by=person(request), now=timezone.now())
    nudge_picker(made.pk)
    said = _("Round %(number)s is being picked. Its parts come next in the queue.") % {"number": made.number}
    messages.success(request, said)
    return redirect(found)
