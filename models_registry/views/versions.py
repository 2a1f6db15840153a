"""Decisions about versions: approve, refuse, roll back. Only by POST, only with a reason, only by who may decide."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from models_registry.errors import ChampionChanged
from models_registry.models import ModelVersion, RegisteredModel
from models_registry.services import promotion
from models_registry.services.registering import MOST_BYTES, register_file
from models_registry.tasks import nudge_recompare
from models_registry.views.permissions import person, require_decide
from reviewapp.errors import NotFound, ReviewAppError

MOST = {"reason": 2000, "change_number": 60, "effective_from": 120}


@require_POST
@login_required
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    version = _version_to_decide(request, pk)
    try:
        promotion.promote(version=version, by=person(request), now=timezone.now(), **_said(request))
    except ChampionChanged:
        nudge_recompare(version.pk)
        raise
    messages.success(request, _("%(version)s is the champion now.") % {"version": version})
    return redirect(version.training_run or version.registered_model)


@require_POST
@login_required
def refuse(request: HttpRequest, pk: int) -> HttpResponse:
    version = _version_to_decide(request, pk)
    said = _said(request)
    promotion.refuse(
        version=version, by=person(request), now=timezone.now(), reason=said["reason"],
        change_number=said["change_number"],
    )  # fmt: skip
    messages.success(request, _("%(version)s was refused. The champion stays.") % {"version": version})
    return redirect(version.training_run or version.registered_model)


@require_POST
@login_required
def roll_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the champion ``pk`` back. It must still be the champion: a page that was left open decides nothing."""
    version = _version_to_decide(request, pk)
    made = promotion.roll_back(
        registered_model=version.registered_model, by=person(request), now=timezone.now(), expected=version,
        **_said(request),
    )  # fmt: skip
    messages.success(request, _("%(version)s is the champion again.") % {"version": made.version})
    return redirect(version.registered_model)


@require_POST
@login_required
def register_version(request: HttpRequest, slug: str) -> HttpResponse:
    """A candidate from an ONNX file. What is wrong with the file is said on the page that it was chosen on."""
    model = RegisteredModel.objects.filter(slug=slug).first()
    if model is None:
        raise NotFound(_("There is nothing here for you."))
    require_decide(request.user, model)
    file = request.FILES.get("file")
    content = file.read(MOST_BYTES + 1) if file is not None else b""
    try:
        version, is_new = register_file(
            registered_model=model, content=content, name=request.POST.get("name", ""), by=person(request)
        )
    except ReviewAppError as error:
        messages.error(request, _("Nothing was registered. %(why)s") % {"why": error.message})
        return redirect("versions", slug)
    if is_new:
        nudge_recompare(version.pk)
        messages.success(request, _("%(version)s is a candidate now.") % {"version": version})
    else:
        messages.info(request, _("This very file is %(version)s already.") % {"version": version})
    return redirect("version", version.pk)


def _version_to_decide(request: HttpRequest, pk: int) -> ModelVersion:
    version = ModelVersion.objects.select_related("registered_model", "training_run").filter(pk=pk).first()
    if version is None:
        raise NotFound(_("There is no such version for you."))
    require_decide(request.user, version.registered_model)
    return version


def _said(request: HttpRequest) -> dict[str, Any]:
    """The reason, the number in the plant's change control and the first lot. :raises ReviewAppError: too long."""
    said = {name: request.POST.get(name, "").strip() for name in MOST}
    for name, text in said.items():
        if len(text) > MOST[name] or "\x00" in text:
            what = _("At most %(n)s characters.") % {"n": MOST[name]}
            raise ReviewAppError(what, code="invalid", fields={name: what})
    return said
