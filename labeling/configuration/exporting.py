"""The present state as documents that, applied, change nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from labeling.configuration.documents import ALL_DEFECTS, OF_A_DESIGN, PromotionOf, RetrainingOf, ReviewOf
from labeling.models import Membership, ReviewPolicy, SamplingDesign, Site
from models_registry.models import (
    Label,
    LabelSet,
    ModelVersion,
    PromotionPolicy,
    RegisteredModel,
    RetrainingPolicy,
    Webhook,
)

LABEL_FIELDS = ("slug", "name", "is_defect", "severity", "disposition", "hotkey", "colour", "translations")
POLICIES: dict[str, tuple[Any, Any]] = {
    "review": (ReviewPolicy, ReviewOf), "retraining": (RetrainingPolicy, RetrainingOf),
    "promotion": (PromotionPolicy, PromotionOf),
}  # fmt: skip


def present_state() -> dict[str, list[dict[str, Any]]]:
    """Documents by file name. Secrets are not among them."""
    sets = LabelSet.objects.order_by("slug", "-version").distinct("slug")
    return {
        "label_sets.yaml": [_label_set(one) for one in sets],
        "sites.yaml": [_site(one) for one in Site.objects.order_by("slug")],
        "models.yaml": [_model(one) for one in RegisteredModel.objects.select_related("label_set").order_by("slug")],
        "webhooks.yaml": [_webhook(one) for one in Webhook.objects.order_by("name", "pk")],
    }


def _label_set(label_set: LabelSet) -> dict[str, Any]:
    labels = [_label(one) for one in label_set.labels.select_related("parent").order_by("position", "pk")]
    return {"kind": "label_set", "slug": label_set.slug, "name": label_set.name, "labels": labels}


def _label(label: Label) -> dict[str, Any]:
    parent = {"parent": label.parent.slug} if label.parent else {}
    return {name: getattr(label, name) for name in LABEL_FIELDS} | parent


def _site(site: Site) -> dict[str, Any]:
    stations = [
        {
            "slug": station.slug,
            "name": station.name,
            "image_address": station.image_address,
            "sources": [{"slug": one.slug, "name": one.name} for one in station.sources.order_by("slug")],
        }
        for station in site.stations.order_by("slug")
    ]
    return {
        "kind": "site", "slug": site.slug, "name": site.name, "time_zone": site.time_zone, "shifts": site.shifts,
        "stations": stations, "members": _members(site.memberships.all()),
    }  # fmt: skip


def _members(memberships: Iterable[Membership]) -> dict[str, list[str]]:
    roles = defaultdict(list)
    for one in memberships:
        roles[one.user.get_username()].append(one.role)
    return {username: sorted(roles[username]) for username in sorted(roles)}


def _model(model: RegisteredModel) -> dict[str, Any]:
    document: dict[str, Any] = {"kind": "model", "slug": model.slug, "name": model.name, "type": model.kind}
    document |= {"label_set": model.label_set.slug, "description": model.description}
    document |= {"trainer": model.trainer, "target_accuracy": model.target_accuracy, "is_active": model.is_active}
    for section, (policy, part) in POLICIES.items():
        row = policy.objects.filter(registered_model=model).first() or policy()
        document[section] = {name: getattr(row, name) for name in part.__struct_fields__}
    main = SamplingDesign.objects.filter(registered_model=model, is_active=True, kind=SamplingDesign.Kind.MAIN)
    design = main.first() or SamplingDesign()
    document["sampling"] = {name: getattr(design, name) for name in OF_A_DESIGN} | design.rules
    external = model.versions.filter(origin=ModelVersion.Origin.EXTERNAL).exclude(external_name="").order_by("number")
    document["versions"] = [{"external_name": one.external_name, "score_kind": one.score_kind} for one in external]
    document["escape_limits"] = {one.label or ALL_DEFECTS: one.max_rate for one in model.escape_limits.all()}
    return document | {"members": _members(model.memberships.all())}


def _webhook(webhook: Webhook) -> dict[str, Any]:
    return {
        "kind": "webhook", "name": webhook.name, "url": webhook.url, "events": list(webhook.events),
        "model": webhook.registered_model.slug if webhook.registered_model else None, "is_active": webhook.is_active,
    }  # fmt: skip
