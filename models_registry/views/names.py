"""Aliases and tags, set and taken away from the pages of versions. Only by POST, only by who may decide."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from models_registry.models import ModelVersion, RegisteredModel
from models_registry.services.aliases import drop_alias, drop_tag, set_alias, set_tag
from models_registry.views.permissions import person, require_decide
from reviewapp.errors import NotFound, ReviewAppError

MOST_DIGITS = 9


@require_POST
@login_required
def alias(request: HttpRequest, slug: str) -> HttpResponse:
    """Let ``name`` lead to ``version`` (its number), or with ``drop`` nowhere."""
    model = RegisteredModel.objects.filter(slug=slug).first()
    if model is None:
        raise NotFound(_("There is nothing here for you."))
    require_decide(request.user, model)
    name, by, now = request.POST.get("name", "").strip(), person(request), timezone.now()
    if "drop" in request.POST:
        is_done = drop_alias(registered_model=model, name=name, by=by, now=now)
        messages.success(request, _("Removed") if is_done else _("Nothing has changed."))
    else:
        set_alias(registered_model=model, name=name, version=_version_of(request, model), by=by, now=now)
        messages.success(request, _("Saved"))
    return _back(request, model)


@require_POST
@login_required
def tag(request: HttpRequest, pk: int) -> HttpResponse:
    """Note ``value`` under ``key``, or with ``drop`` nothing any more."""
    version = ModelVersion.objects.select_related("registered_model").filter(pk=pk).first()
    if version is None:
        raise NotFound(_("There is no such version for you."))
    require_decide(request.user, version.registered_model)
    key, by, now = request.POST.get("key", "").strip(), person(request), timezone.now()
    if "drop" in request.POST:
        is_done = drop_tag(version=version, key=key, by=by, now=now)
        messages.success(request, _("Removed") if is_done else _("Nothing has changed."))
    else:
        set_tag(version=version, key=key, value=request.POST.get("value", "").strip(), by=by, now=now)
        messages.success(request, _("Saved"))
    return redirect("version", pk=version.pk)


def _version_of(request: HttpRequest, model: RegisteredModel) -> ModelVersion:
    """:raises ReviewAppError: no number of a version of the model."""
    said = request.POST.get("version", "").strip().removeprefix("v")
    is_number = said.isascii() and said.isdigit() and len(said) <= MOST_DIGITS
    found = model.versions.filter(number=int(said)).first() if is_number else None
    if found is None:
        what = _("There is no such version of this model.")
        raise ReviewAppError(what, code="invalid", fields={"version": what})
    return found


def _back(request: HttpRequest, model: RegisteredModel) -> HttpResponse:
    """To the page of the version from which it was asked, or to the list."""
    said = request.POST.get("from", "")
    is_key = said.isascii() and said.isdigit() and len(said) <= MOST_DIGITS
    from_one = is_key and model.versions.filter(pk=int(said)).exists()
    return redirect("version", pk=int(said)) if from_one else redirect("versions", slug=model.slug)
