"""Where imported parts are said to come from, and a model to import into when there is none yet."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils.text import slugify

from labeling.exchange.errors import SourceRefused
from labeling.models import Site, Station
from labeling.models import Source as Camera
from models_registry.models import LabelSet, RegisteredModel
from reviewapp.errors import ReviewAppError


@transaction.atomic
def import_camera(registered_model: RegisteredModel, slug: str = "") -> Camera:
    """The camera of this name; without a name the model's own for imports, at a site for imports, made when needed.

    :raises ReviewAppError: code ``unknown_source``.
    """
    if slug:
        found = Camera.objects.select_related("station__site").filter(slug=slug).first()
        if found is None:
            raise ReviewAppError(
                f"There is no source “{slug}” for you. Add it in the admin, or leave source out.",
                code="unknown_source", fields={"source": "Unknown."},
            )  # fmt: skip
        return found
    site, _ = Site.objects.get_or_create(slug="imports", defaults={"name": "Imports"})
    name = f"import-{registered_model.slug}"[:80]
    station, _ = Station.objects.get_or_create(
        slug=name, defaults={"site": site, "name": f"Imports, {registered_model}"[:120]}
    )
    camera, _ = Camera.objects.get_or_create(slug=name, defaults={"station": station, "name": station.name})
    return camera


@transaction.atomic
def new_model(*, slug: str, name: str) -> RegisteredModel:
    """A model with a label set that is still empty. :raises ReviewAppError: the name gives no slug, or is taken."""
    if slugify(slug) != slug or not slug:
        raise ReviewAppError(f"“{slug}” is no slug: small letters, digits and hyphens.", code="invalid")
    if LabelSet.objects.filter(slug=slug).exists():
        raise ReviewAppError(f"There is a label set “{slug}” already; make the model in the admin.", code="invalid")
    label_set = LabelSet.objects.create(slug=slug, name=name)
    return RegisteredModel.objects.create(slug=slug, name=name, label_set=label_set)


def allowed_path(said: str) -> Path:
    """A path on the server that a client may name. Links are followed before the check.

    :raises SourceRefused: code ``path_refused``.
    """
    try:
        real = Path(said).resolve()
        allowed = any(real.is_relative_to(root.resolve()) for root in settings.IMAGE_ROOTS) and real.exists()
    except (OSError, ValueError, RuntimeError):
        allowed = False
    if not allowed:
        raise SourceRefused(
            "The path is not in an allowed folder (REVIEWAPP_IMAGE_ROOTS), or there is nothing.", code="path_refused",
            fields={"path": "Not allowed."},
        )  # fmt: skip
    return real
