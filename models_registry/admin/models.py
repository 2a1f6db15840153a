"""Registered models with the policies that the registry knows. `labeling.admin` adds what people do with them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.options import InlineModelAdmin

from models_registry.admin.base import ModelAdmin, StackedInline
from models_registry.admin.monitors import EscapeLimitInline
from models_registry.models import PromotionPolicy, RegisteredModel, RetrainingPolicy


class RetrainingPolicyInline(StackedInline):
    model = RetrainingPolicy
    can_delete = False


class PromotionPolicyInline(StackedInline):
    model = PromotionPolicy
    can_delete = False


@admin.register(RegisteredModel)
class RegisteredModelAdmin(ModelAdmin):
    list_display = ("name", "slug", "kind", "label_set", "target_accuracy", "is_active")
    list_select_related = ("label_set",)
    list_filter = ("is_active", "kind")
    search_fields = ("name", "slug")
    autocomplete_fields = ("label_set",)
    prepopulated_fields = {"slug": ("name",)}
    inlines: ClassVar[tuple[type[InlineModelAdmin[Any, Any]], ...]] = (
        RetrainingPolicyInline,
        PromotionPolicyInline,
        EscapeLimitInline,
    )
