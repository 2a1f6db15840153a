"""A comparison, image by image: what the candidate fixed, what it broke, what both got wrong."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from models_registry.comparison.told import chosen, confusions, counts
from models_registry.models import Comparison, RegisteredModel
from models_registry.services.comparison_pairs import pairs_of
from models_registry.views.permissions import require_view
from reviewapp.errors import NotFound, ReviewAppError

TILES = 48
KEYS = {"broken": "B", "fixed": "F", "both_wrong": "W", "both_right": "R"}  # compare.js has them too
KIND_NAMES = {
    "broken": gettext_lazy("Broken"),
    "fixed": gettext_lazy("Fixed"),
    "both_wrong": gettext_lazy("Both wrong"),
    "both_right": gettext_lazy("Both right"),
}


@require_safe
@login_required
def comparison(request: HttpRequest, pk: int) -> HttpResponse:
    """``?kind=`` (broken, fixed, both_wrong, both_right) and ``?label=`` (true or said) narrow the images."""
    found = _comparison_to_see(request, pk)
    model = found.candidate.registered_model
    names = names_of(model)
    trouble, pairs = "", []
    try:
        pairs = pairs_of(found)
    except ReviewAppError as error:
        trouble = error.message
    kind, label = request.GET.get("kind", ""), request.GET.get("label", "")
    shown = chosen(pairs, kind=kind, label=label)
    context = {
        "comparison": found, "model": model, "trouble": trouble, "kept": bool(pairs), "kind": kind, "label": label,
        "page": Paginator(shown, TILES).get_page(request.GET.get("page")), "names": names,
        "kinds": [(one, KIND_NAMES[one], KEYS[one], n) for one, n in counts(pairs).items()], "n_shown": len(shown),
        "labels": [(slug, name) for slug, name in names.items()],
        "confusions": confusions(pairs, list(names)),
    }  # fmt: skip
    return render(request, "models_registry/comparison.html", context)


def names_of(model: RegisteredModel) -> dict[str, str]:
    return {label.slug: label.display_name for label in model.label_set.labels.all()}


def _comparison_to_see(request: HttpRequest, pk: int) -> Comparison:
    """:raises NotFound: there is none, or not for this person."""
    wanted = Comparison.objects.select_related(
        "candidate__registered_model__label_set", "champion", "dataset", "training_run"
    )
    found = wanted.filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such comparison for you."))
    require_view(request.user, found.candidate.registered_model)
    return found
