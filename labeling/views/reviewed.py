"""The reviews behind a figure of a model's page."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from labeling.access import models_for, require
from labeling.accuracy.asked import WINDOWS, Asked
from labeling.paging import patiently
from labeling.reviewed import ReviewFilter, reviewed
from models_registry.models import RegisteredModel
from models_registry.views.permissions import person


@require_safe
@login_required
def model_reviews(request: HttpRequest, slug: str) -> HttpResponse:
    """What was drawn and settled, newest first, narrowed as the figure was that led here."""
    model = require(request.user, "view", slug)
    asked = Asked.from_query(model, request.GET, now=timezone.now())
    chosen = ReviewFilter.from_query(request.GET)
    with patiently():
        page = reviewed(asked, chosen, user=person(request), after=request.GET.get("after", ""))
    context = {
        "may_decide": models_for(request.user, "decide").filter(pk=model.pk).exists(),
        "may_challenge": models_for(request.user, "review").filter(pk=model.pk).exists(),
        "model": model,
        "asked": asked,
        "windows": WINDOWS,
        "chosen": [(words, _without(request, name)) for name, words in _in_words(chosen, model)],
        "keep": list(chosen.chosen.items()),
        "page": page,
        "is_first": "after" not in request.GET,
    }
    return render(request, "labeling/reviews.html", context)


def _without(request: HttpRequest, name: str) -> str:
    """The address of this list with one thing less that narrows it."""
    query = request.GET.copy()
    for gone in (name, "after"):
        query.pop(gone, None)
    return f"?{query.urlencode()}"


def _in_words(chosen: ReviewFilter, model: RegisteredModel) -> list[tuple[str, str]]:
    """What narrows the list, by the parameter's name."""
    names = {label.slug: label.display_name for label in model.label_set.labels.all()}
    words = {
        "true": _("True label: %(value)s"),
        "said": _("Model said: %(value)s"),
        "day": _("Day: %(value)s"),
        "station": _("Line: %(value)s"),
        "shift": _("Shift: %(value)s"),
        "lot": _("Lot: %(value)s"),
        "recipe": _("Recipe: %(value)s"),
        "attempt": _("Attempt: %(value)s"),
        "flag": _("Image quality: %(value)s"),
    }
    fixed = {
        ("kind", "wrong"): _("Model was wrong"),
        ("kind", "right"): _("Model was right"),
        ("kind", "escape"): _("Defects passed as good"),
        ("kind", "overkill"): _("Good parts called defect"),
        ("shown", "blind"): _("Judged before the prediction was shown"),
        ("shown", "shown"): _("Judged with the prediction shown"),
        ("shown", "grid"): _("Judged in a grid"),
    }
    said = []
    for name, value in chosen.chosen.items():
        if name == "confidence":
            tenth = int(value)
            span = {"low": 10 * tenth, "high": 10 * tenth + 10}
            said.append((name, _("Confidence %(low)d to %(high)d %%") % span))
        else:
            shown = names.get(value, value) if name in ("true", "said") else value
            said.append((name, fixed.get((name, value)) or words[name] % {"value": shown}))
    return said
