"""Datasets: the list, one with its checks, and what changed from one to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from models_registry.dataset_page import dataset_page, diff_to, label_names
from models_registry.datasets.diff import KINDS, Change
from models_registry.models import Dataset
from models_registry.views.permissions import DECIDE, require_view, visible_models
from reviewapp.errors import NotFound

ROWS = 30
TILES = 60
KIND_NAMES = {
    "relabelled": gettext_lazy("Relabelled"),
    "moved": gettext_lazy("Moved between training and hold-out"),
    "image_changed": gettext_lazy("Another image"),
    "removed": gettext_lazy("Removed"),
    "added": gettext_lazy("Added"),
}
PARTITION_NAMES = {"train": gettext_lazy("training"), "holdout": gettext_lazy("hold-out")}


@require_safe
@login_required
def datasets(request: HttpRequest) -> HttpResponse:
    """The datasets of every model a person may see, newest first; ``?model=`` narrows it."""
    models, slug = visible_models(request.user), request.GET.get("model", "")
    chosen = [one for one in models if one.slug == slug]
    found = Dataset.objects.filter(registered_model__in=chosen if slug else models)
    rows = found.select_related("registered_model").prefetch_related("runs__version")
    context = {
        "page": Paginator(rows, ROWS).get_page(request.GET.get("page")), "slug": slug, "models": models,
        "model": chosen[0] if chosen else None,
        "may_decide": bool(chosen) and request.user.has_perm(DECIDE, chosen[0]),
    }  # fmt: skip
    return render(request, "models_registry/datasets.html", context)


@require_safe
@login_required
def dataset(request: HttpRequest, pk: int) -> HttpResponse:
    found = dataset_to_see(request, pk)
    page = dataset_page(found)
    counts = page.changes.counts.items() if page.changes else ()
    context = {
        "page": page, "model": found.registered_model, "kinds": [(kind, KIND_NAMES[kind], n) for kind, n in counts],
    }  # fmt: skip
    return render(request, "models_registry/dataset.html", context)


@require_safe
@login_required
def dataset_changes(request: HttpRequest, pk: int) -> HttpResponse:
    """What changed from ``?against=`` (the parent, unless said) to this dataset; ``?kind=`` narrows it."""
    after = dataset_to_see(request, pk)
    before = _before(request, after)
    changes = diff_to(after, before)
    kind = request.GET.get("kind", "")
    kind = kind if kind in KINDS else ""
    names = {**{key: str(name) for key, name in PARTITION_NAMES.items()}, **label_names(after)}
    shown = [_in_words(one, names) for one in changes.changes if kind in ("", one.kind)]
    context = {
        "page": Paginator(shown, TILES).get_page(request.GET.get("page")), "after": after, "before": before,
        "model": after.registered_model, "kind": kind,
        "kinds": [(one, KIND_NAMES[one], n) for one, n in changes.counts.items()], "n_same": changes.n_same,
        "n_changes": len(changes.changes),
    }  # fmt: skip
    return render(request, "models_registry/dataset_changes.html", context)


def _in_words(change: Change, names: Mapping[str, str]) -> Change:
    before, after = (name and names.get(name, name) for name in (change.before, change.after))
    return replace(change, before=before, after=after)


def dataset_to_see(request: HttpRequest, pk: int) -> Dataset:
    """:raises NotFound: there is none, or not for this person."""
    found = Dataset.objects.select_related("registered_model", "label_set", "parent").filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such dataset for you."))
    require_view(request.user, found.registered_model)
    return found


def _before(request: HttpRequest, after: Dataset) -> Dataset:
    """:raises NotFound: the other is not of this model, or there is nothing to compare with."""
    asked = request.GET.get("against", "")
    if not asked and after.parent:
        return after.parent
    known = Dataset.objects.filter(registered_model=after.registered_model_id)
    found = known.filter(pk=int(asked)).first() if asked.isascii() and asked.isdecimal() and len(asked) < 19 else None
    if found is None:
        raise NotFound(_("There is no such dataset of this model to compare with."))
    return found
