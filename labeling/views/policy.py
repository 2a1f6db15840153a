"""A model's policies as a page: thresholds in plain words, what they would have done, and who changed them when."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from labeling.access import require
from labeling.charts.timeline import timeline
from labeling.policy_forms import PolicyForms
from labeling.policy_history import DAYS, would_have
from labeling.promotion_history import would_have_promoted
from models_registry.errors import PoliciesChanged
from models_registry.models import PolicyChange, RegisteredModel
from models_registry.services.policies import change_policies, choose_trainer, newest_change
from models_registry.views.permissions import person

MOST_CHANGES = 50


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def policy(request: HttpRequest, slug: str) -> HttpResponse:
    """What is not right is said at its field, and nothing is saved; nor where somebody else was faster."""
    found = require(request.user, "decide", slug)
    asked, seen = PolicyForms.of(found, request.POST or None), _number(request.POST.get("seen"))
    status = 200 if request.method != "POST" else 400
    if request.method == "POST" and asked.is_valid():
        try:
            changes = _save(found, asked, by=person(request), now=timezone.now(), seen=seen)
        except PoliciesChanged:
            status = PoliciesChanged.http_status
        else:
            messages.success(request, _("Saved.") if changes else _("Nothing was different."))
            return redirect("policy", slug)
    changed = list(found.policy_changes.select_related("changed_by")[:MOST_CHANGES])
    stored = PolicyForms.of(found)
    context = _preview(found, asked if status == 409 else stored) | {
        "forms": asked, "changes": changed, "may_decide": True, "seen": newest_change(found),
        "overtaken_by": changed[0] if status == 409 else None,
        "groups": asked.rows(stored if status == 409 else None),
    }  # fmt: skip
    return render(request, "labeling/policy.html", context, status=status)


@transaction.atomic
def _save(registered_model: RegisteredModel, asked: PolicyForms, *, by: User, now: datetime, seen: int | None) -> bool:
    """False: nothing was different. :raises PoliciesChanged:"""
    changes = change_policies(registered_model=registered_model, wanted=asked.wanted, by=by, now=now, seen=seen)
    chosen = choose_trainer(
        registered_model=registered_model, name=asked.trainer, by=by, via=PolicyChange.Via.PAGE, now=now
    )
    return bool(changes or chosen)


def _number(said: str | None) -> int | None:
    """None where it is none: then the newest change is not asked about."""
    return int(said) if said and said.isascii() and said.isdecimal() and len(said) < 19 else None


@require_safe
@login_required
def policy_preview(request: HttpRequest, slug: str) -> HttpResponse:
    """What the form's thresholds would have done, before they are saved."""
    found = require(request.user, "decide", slug)
    asked = PolicyForms.of(found, request.GET if request.GET else None)
    return render(request, "labeling/_policy_preview.html", _preview(found, asked))


def _preview(registered_model: RegisteredModel, asked: PolicyForms) -> dict[str, object]:
    now = timezone.now()
    context: dict[str, object] = {"model": registered_model, "days": DAYS, "is_wrong": False}
    if any(one.is_bound and not one.is_valid() for one in (asked.retraining, asked.promotion)):
        return context | {"is_wrong": True}
    past, played = would_have(registered_model, asked.retraining.instance, now=now)
    promoted = would_have_promoted(registered_model, asked.promotion.instance, days=DAYS, now=now)
    chart = timeline(past, played, now=now, days=DAYS)
    return context | {"played": played, "past": past, "chart": chart, "promoted": promoted}
