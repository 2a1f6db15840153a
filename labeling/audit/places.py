"""What an audit needs to exist: a site, a station and a camera of its own, labels, a model, a version, a design."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Max
from django.utils.text import slugify

from labeling.audit.drawing import CODE_VERSION
from labeling.exchange.labels import is_good
from labeling.exchange.vocabulary import new_label
from labeling.models import ReviewPolicy, SamplingDesign, Site, Source, Station
from labeling.models.sampling import new_secret
from models_registry.models import LabelSet, ModelVersion, RegisteredModel, RetrainingPolicy
from models_registry.services.versions import create_version
from reviewapp.errors import ReviewAppError

SCORES = ModelVersion.ScoreKind.INDEPENDENT


def audit_source(slug: str, mark: str, file: str, zone: str) -> Source:
    """A camera at a station of this audit alone: ids of two files never meet. The site has the file's time zone."""
    site_slug = "audits" if zone == "UTC" else f"audits-{slugify(zone.replace('/', '-'))}"[:80]
    site, _ = Site.objects.get_or_create(slug=site_slug, defaults={"name": f"Audits, {zone}", "time_zone": zone})
    name = f"audit-{mark[:12]}-{slug}"[:80]
    station = Station.objects.create(slug=name, site=site, name=f"Audit of {file}"[:120])
    return Source.objects.create(slug=name, station=station, name=station.name)


def audit_model(slug: str, name: str, labels: Sequence[str], ok_label: str) -> RegisteredModel:
    """The model of this name, made with these labels when there is none. Nothing is trained on an audit by itself.

    :raises ReviewAppError: a known model lacks labels, a new one would have none, or the name is no slug.
    """
    known = RegisteredModel.objects.filter(slug=slug).select_related("label_set").first()
    if known is not None:
        _refuse_unknown(known, labels)
        return known
    names = [*dict.fromkeys([*([ok_label] if ok_label else []), *labels])]
    if len(names) < 2:
        raise ReviewAppError(
            "An audit needs at least two labels to choose from. Name the others: --label NAME, once for each.",
            code="labels_missing", fields={"label": "Required."},
        )  # fmt: skip
    if slugify(slug) != slug or not 0 < len(slug) <= 80:
        raise ReviewAppError(f"“{slug}” is no slug: small letters, digits and hyphens.", code="invalid")
    label_set = LabelSet.objects.create(slug=slug, version=_next_version(slug), name=name[:120])
    good = {ok_label} if ok_label else {one for one in names if is_good(one)}
    for position, one in enumerate(sorted(names, key=lambda one: (one not in good, one))):
        label = new_label(one, position=position)
        if (one in good) == label.is_defect:
            label.is_defect, label.severity = one not in good, 0 if one in good else 1
            label.disposition = "pass" if one in good else "reject"
        label.label_set, label.hotkey = label_set, str(position + 1) if position < 9 else ""
        label.save()
    registered_model = RegisteredModel.objects.create(slug=slug, name=name[:120], label_set=label_set)
    RetrainingPolicy.objects.create(registered_model=registered_model, enabled=False)
    ReviewPolicy.objects.create(registered_model=registered_model)
    return registered_model


def _next_version(slug: str) -> int:
    newest = LabelSet.objects.filter(slug=slug).aggregate(Max("version"))["version__max"]
    return int(newest or 0) + 1


def _refuse_unknown(registered_model: RegisteredModel, labels: Sequence[str]) -> None:
    known = set(registered_model.label_set.labels.values_list("slug", flat=True))
    if missing := sorted(set(labels) - known):
        raise ReviewAppError(
            f"{registered_model} has no label {', '.join(f'“{one}”' for one in missing[:20])}. It has "
            f"{', '.join(sorted(known))}. Rename them in the file, or audit under another name (--model).",
            code="unknown_labels", fields=dict.fromkeys(missing[:20], "Not in the label set."),
        )  # fmt: skip


def audit_version(registered_model: RegisteredModel, name: str) -> ModelVersion:
    """The version of this name; one that nobody registered was trained elsewhere and decides nothing here."""
    name = name[:120]
    known = ModelVersion.objects.filter(registered_model=registered_model, external_name=name).first()
    return known or create_version(
        registered_model=registered_model, origin=ModelVersion.Origin.EXTERNAL, external_name=name,
        stage=ModelVersion.Stage.OBSERVED, score_kind=SCORES,
    )  # fmt: skip


def finite_design(registered_model: RegisteredModel, *, share: float, secret: str | None) -> SamplingDesign:
    """A design of which nothing more is ever drawn: its population is the file. What a line sends keeps its own."""
    RegisteredModel.objects.select_for_update(no_key=True).get(pk=registered_model.pk)
    newest = SamplingDesign.objects.filter(registered_model=registered_model).aggregate(Max("number"))["number__max"]
    return SamplingDesign.objects.create(
        registered_model=registered_model, number=int(newest or 0) + 1, budget=share, audit_share=1.0, is_active=False,
        code_version=CODE_VERSION, secret=secret or new_secret(),
    )  # fmt: skip
