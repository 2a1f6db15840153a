"""The promotion policy of a model, as the deciding function reads it."""

from __future__ import annotations

from models_registry.models import PromotionPolicy, RegisteredModel
from models_registry.policy import PromotionRules


def policy_of(registered_model: RegisteredModel) -> PromotionPolicy:
    return PromotionPolicy.objects.get_or_create(registered_model=registered_model)[0]


def rules_of(policy: PromotionPolicy) -> PromotionRules:
    return PromotionRules(
        automatic=policy.automatic,
        margin=policy.margin,
        require_superiority=policy.require_superiority,
        class_margin=policy.class_margin,
        min_items=policy.min_items,
        min_first_accuracy=policy.min_first_accuracy,
        source_margin=policy.source_margin if policy.guard_sources else None,
        min_live_items=policy.min_live_items,
        max_latency_ms=policy.max_latency_ms,
        max_size_mb=policy.max_size_mb,
    )


def guarded_classes(policy: PromotionPolicy) -> list[str]:
    """The classes that may not get worse."""
    if not policy.guard_defects:
        return []
    return list(policy.registered_model.label_set.labels.filter(is_defect=True).values_list("slug", flat=True))
