"""A model's versions with their lineage, and a version's card: to read, to write on, to take along."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from models_registry.card_page import card_of
from models_registry.mlflow_page import mlflow_state
from models_registry.models import ModelVersion, RegisteredModel
from models_registry.reporting.card import card_markdown, card_pdf
from models_registry.services.cards import write_card_text
from models_registry.versions_page import versions_page
from models_registry.views.permissions import DECIDE, person, require_decide, require_view
from reviewapp.errors import NotFound


@require_safe
@login_required
def versions(request: HttpRequest, slug: str) -> HttpResponse:
    model = RegisteredModel.objects.filter(slug=slug).first()
    if model is None:
        raise NotFound(_("There is nothing here for you."))
    require_view(request.user, model)
    context = {
        "model": model, "found": versions_page(model, number=request.GET.get("page")),
        "aliases": model.aliases.select_related("version").order_by("name"),
        "may_decide": request.user.has_perm(DECIDE, model),
    }  # fmt: skip
    return render(request, "models_registry/versions.html", context)


@require_safe
@login_required
def version(request: HttpRequest, pk: int) -> HttpResponse:
    """The card. What people wrote before stands below each part."""
    found = _version_to_see(request, pk)
    history = found.card_texts.select_related("written_by").order_by("-pk")[:100]
    context = {
        "version": found, "model": found.registered_model, "card": card_of(found, now=timezone.now()),
        "history": history, "may_write": request.user.has_perm(DECIDE, found.registered_model),
        "aliases": found.aliases.order_by("name"), "tags": found.tags.order_by("key"),
        "name_changes": found.name_changes.select_related("changed_by")[:20], "mlflow": mlflow_state(found),
    }  # fmt: skip
    return render(request, "models_registry/version.html", context)


@require_POST
@login_required
def card_text(request: HttpRequest, pk: int) -> HttpResponse:
    found = _version_to_see(request, pk)
    require_decide(request.user, found.registered_model)
    said = {name: request.POST.get(name, "") for name in ("part", "text")}
    row = write_card_text(version=found, by=person(request), now=timezone.now(), **said)
    messages.success(request, _("Saved") if row else _("Nothing has changed."))
    return redirect("version", pk=found.pk)


@require_safe
@login_required
def card_file(request: HttpRequest, pk: int, extension: str) -> HttpResponse:
    """The card as a file: ``md``, ``html`` or ``pdf``."""
    found = _version_to_see(request, pk)
    card = card_of(found, now=timezone.now())
    if extension == "pdf":
        answer = HttpResponse(card_pdf(card), content_type="application/pdf")
    elif extension == "html":
        answer = render(request, "models_registry/card_file.html", {"card": card})
    else:
        answer = HttpResponse(card_markdown(card), content_type="text/markdown; charset=utf-8")
    name = f"{found.registered_model.slug}-{found.short_name}-card.{extension}"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "private, no-cache"
    return answer


def _version_to_see(request: HttpRequest, pk: int) -> ModelVersion:
    """:raises NotFound: there is none, or not for this person."""
    wanted = ModelVersion.objects.select_related("registered_model__label_set", "training_run__dataset__label_set")
    found = wanted.filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such version for you."))
    require_view(request.user, found.registered_model)
    return found
