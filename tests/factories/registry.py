"""Label sets, registered models with their policies, versions, alerts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from labeling.models import ReviewPolicy, SamplingDesign
from models_registry.models import (
    Alert,
    Label,
    LabelSet,
    MlflowPush,
    ModelAlias,
    ModelVersion,
    NameChange,
    PromotionPolicy,
    RegisteredModel,
    RetrainingPolicy,
    VersionTag,
)
from tests.factories.base import NOW, next_number

LABELS = (("ok", "OK", "1"), ("scratch", "Scratch", "2"), ("dent", "Dent", "3"))


def make_label_set(
    *, slug: str | None = None, labels: Sequence[tuple[str, str, str]] = LABELS, **fields: Any
) -> LabelSet:
    """A label set; the first label is the good one, the others are defects."""
    slug = slug or f"surface-{next_number()}"
    label_set = LabelSet.objects.create(slug=slug, name=fields.pop("name", "Surface"), **fields)
    Label.objects.bulk_create(
        Label(
            label_set=label_set,
            slug=label,
            name=name,
            hotkey=hotkey,
            position=position,
            is_defect=position > 0,
            severity=min(position, 3),
            disposition="reject" if position else "pass",
        )
        for position, (label, name, hotkey) in enumerate(labels)
    )
    return label_set


def make_model(
    *,
    slug: str | None = None,
    label_set: LabelSet | None = None,
    review: dict[str, Any] | None = None,
    retraining: dict[str, Any] | None = None,
    promotion: dict[str, Any] | None = None,
    design: dict[str, Any] | None = None,
    **fields: Any,
) -> RegisteredModel:
    """A registered model with its three policies and an active sampling design."""
    slug = slug or f"model-{next_number()}"
    fields.setdefault("name", slug.replace("-", " ").capitalize())
    model = RegisteredModel.objects.create(slug=slug, label_set=label_set or make_label_set(), **fields)
    ReviewPolicy.objects.create(registered_model=model, **(review or {}))
    RetrainingPolicy.objects.create(registered_model=model, **(retraining or {}))
    PromotionPolicy.objects.create(registered_model=model, **(promotion or {}))
    SamplingDesign.objects.create(registered_model=model, **{"number": 1, **(design or {})})
    return model


def make_campaign(*, registered_model: RegisteredModel | None = None, **fields: Any) -> SamplingDesign:
    """An active campaign that looks at every second part, until it has drawn a hundred."""
    model = registered_model or make_model()
    fields.setdefault("number", model.designs.count() + 1)
    fields = {"kind": "campaign", "name": f"campaign {next_number()}", "budget": 0.5, "max_draws": 100, **fields}
    return SamplingDesign.objects.create(registered_model=model, audit_share=1, **fields)


def make_version(*, registered_model: RegisteredModel | None = None, **fields: Any) -> ModelVersion:
    """The next version of a model: the champion if there is none, else a candidate."""
    model = registered_model or make_model()
    last = model.versions.order_by("-number").first()
    has_champion = model.versions.filter(stage="champion").exists()
    fields.setdefault("number", last.number + 1 if last else 1)
    fields.setdefault("stage", "candidate" if has_champion else "champion")
    fields.setdefault("external_name", f"v{fields['number']}")
    fields.setdefault("origin", "external")
    return ModelVersion.objects.create(registered_model=model, **fields)


def label_of(model: RegisteredModel, label: Label | str) -> Label:
    return label if isinstance(label, Label) else model.label_set.labels.get(slug=label)


def make_alert(*, registered_model: RegisteredModel | None = None, **fields: Any) -> Alert:
    fields = {
        "kind": "unregistered_version",
        "message": "Line 3 sends predictions of “v9”, which nobody registered.",
        "opened_at": NOW,
        **fields,
    }
    return Alert.objects.create(registered_model=registered_model or make_model(), **fields)


def make_alias(*, version: ModelVersion, name: str = "pilot", **fields: Any) -> ModelAlias:
    fields.setdefault("moved_at", NOW)
    model = version.registered_model
    return ModelAlias.objects.create(registered_model=model, name=name, version=version, **fields)


def make_tag(*, version: ModelVersion, key: str = "validated_by", value: str = "lena") -> VersionTag:
    return VersionTag.objects.create(version=version, key=key, value=value)


def make_name_change(*, version: ModelVersion, **fields: Any) -> NameChange:
    """The alias `pilot` leads to the version for the first time."""
    fields = {"kind": "alias", "name": "pilot", "after": version.short_name, "changed_at": NOW, **fields}
    return NameChange.objects.create(version=version, **fields)


def make_push(*, version: ModelVersion, **fields: Any) -> MlflowPush:
    fields = {"state_sha256": "ab" * 32, "pushed_at": NOW, "mlflow_version": "1", **fields}
    return MlflowPush.objects.create(version=version, **fields)
