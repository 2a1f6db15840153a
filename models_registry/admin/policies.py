"""Policies as pages of their own; on a model's page they are inlines. A change is kept with who made it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from models_registry.admin.base import HistoryAdmin, ModelAdmin, person
from models_registry.models import (
    PolicyChange,
    PromotionPolicy,
    RetrainingDecision,
    RetrainingPolicy,
    RetrainingRequest,
    RetrainingStanding,
)
from models_registry.services.policies import Policy, prepare, record_change, thresholds


def save_policy(request: HttpRequest, policy: Policy) -> None:
    """Save what a form has set, and keep what changed."""
    now, kind = timezone.now(), type(policy)
    before = thresholds(kind._default_manager.filter(pk=policy.pk).first() or kind())
    prepare(policy, before=before, now=now)
    policy.save()
    record_change(policy, before=before, by=person(request), via=PolicyChange.Via.ADMIN, now=now)


class PolicyAdmin(ModelAdmin):
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        save_policy(request, obj)


@admin.register(RetrainingPolicy)
class RetrainingPolicyAdmin(PolicyAdmin):
    list_display = ("registered_model", "enabled", "min_new_labels", "schedule", "cooldown_minutes", "updated_at")
    list_select_related = ("registered_model",)
    list_filter = ("enabled",)
    search_fields = ("registered_model__name", "registered_model__slug")
    autocomplete_fields = ("registered_model",)


@admin.register(PromotionPolicy)
class PromotionPolicyAdmin(PolicyAdmin):
    list_display = ("registered_model", "automatic", "margin", "class_margin", "min_items", "updated_at")
    list_select_related = ("registered_model",)
    list_filter = ("automatic", "require_superiority")
    search_fields = ("registered_model__name", "registered_model__slug")
    autocomplete_fields = ("registered_model",)


@admin.register(PolicyChange)
class PolicyChangeAdmin(HistoryAdmin):
    list_display = ("registered_model", "policy", "fields", "via", "changed_by", "changed_at")
    list_select_related = ("registered_model", "changed_by")
    list_filter = ("policy", "via", "registered_model")
    date_hierarchy = "changed_at"


@admin.register(RetrainingDecision)
class RetrainingDecisionAdmin(HistoryAdmin):
    list_display = ("registered_model", "retrain", "cause", "reason", "n_new_labels", "n_repeats", "run", "decided_at")
    list_select_related = ("registered_model", "run__registered_model")
    list_filter = ("retrain", "cause", "registered_model")
    date_hierarchy = "decided_at"


@admin.register(RetrainingRequest)
class RetrainingRequestAdmin(HistoryAdmin):
    list_display = ("registered_model", "reason", "requested_by", "requested_at", "expires_at", "run")
    list_select_related = ("registered_model", "requested_by", "run__registered_model")
    list_filter = ("registered_model",)
    date_hierarchy = "requested_at"


@admin.register(RetrainingStanding)
class RetrainingStandingAdmin(HistoryAdmin):
    list_display = ("registered_model", "gist", "n_repeats", "written_at", "evaluated_at")
    list_select_related = ("registered_model",)
