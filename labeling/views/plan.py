"""The page that plans reviews: questions in a form, answers in words, a curve as a table."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from labeling.access import require
from labeling.planning import PlanForm, Question, plan
from reviewapp.errors import ReviewAppError


@require_safe
@login_required
def review_plan(request: HttpRequest, slug: str) -> HttpResponse:
    """What cannot be asked is said at its field, and the page answers without it."""
    found, now = require(request.user, "view", slug), timezone.now()
    form = PlanForm(request.GET)
    question = form.question() if form.is_valid() else Question()
    try:
        made = plan(found, question, now=now)
    except ReviewAppError as error:
        for name, words in error.fields.items():
            form.add_error(name, words)
        made = plan(found, Question(), now=now)
    context = {"model": found, "form": form, "plan": made, "by_name": {one.name: one for one in made.assumptions}}
    return render(request, "labeling/plan.html", context, status=400 if form.errors else 200)
