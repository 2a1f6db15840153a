"""Decisions about versions: approve, refuse, roll back. Only by POST, only with a reason, only by who may decide."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from models_registry.models import ModelVersion
from models_registry.services import promotion
from models_registry.views.permissions import person, require_decide
from reviewapp.errors import Conflict, NotFound


@require_POST
@login_required
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    version = _version_to_decide(request, pk)
    promotion.promote(version=version, by=person(request), reason=_reason(request), now=timezone.now())
    messages.success(request, _("%(version)s is the champion now.") % {"version": version})
    return redirect(version.training_run or version.registered_model)


@require_POST
@login_required
def refuse(request: HttpRequest, pk: int) -> HttpResponse:
    version = _version_to_decide(request, pk)
    promotion.refuse(version=version, by=person(request), reason=_reason(request), now=timezone.now())
    messages.success(request, _("%(version)s was refused. The champion stays.") % {"version": version})
    return redirect(version.training_run or version.registered_model)


@require_POST
@login_required
def roll_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the champion ``pk`` back. It must still be the champion: a page that was left open decides nothing."""
    version = _version_to_decide(request, pk)
    if version.stage != ModelVersion.Stage.CHAMPION:
        raise Conflict(_("%(version)s is not the champion any more.") % {"version": version})
    made = promotion.roll_back(
        registered_model=version.registered_model, by=person(request), reason=_reason(request), now=timezone.now()
    )
    messages.success(request, _("%(version)s is the champion again.") % {"version": made.version})
    return redirect(version.registered_model)


def _version_to_decide(request: HttpRequest, pk: int) -> ModelVersion:
    version = ModelVersion.objects.select_related("registered_model", "training_run").filter(pk=pk).first()
    if version is None:
        raise NotFound(_("There is no such version for you."))
    require_decide(request.user, version.registered_model)
    return version


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "").strip()
