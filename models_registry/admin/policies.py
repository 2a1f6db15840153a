"""Policies as pages of their own; on a model's page they are inlines."""

from __future__ import annotations

from django.contrib import admin

from models_registry.admin.base import ModelAdmin
from models_registry.models import PromotionPolicy, RetrainingPolicy


@admin.register(RetrainingPolicy)
class RetrainingPolicyAdmin(ModelAdmin):
    list_display = ("registered_model", "enabled", "min_new_labels", "cooldown_minutes", "monthly_budget", "updated_at")
    list_select_related = ("registered_model",)
    list_filter = ("enabled",)
    search_fields = ("registered_model__name", "registered_model__slug")
    autocomplete_fields = ("registered_model",)


@admin.register(PromotionPolicy)
class PromotionPolicyAdmin(ModelAdmin):
    list_display = ("registered_model", "automatic", "margin", "class_margin", "min_items", "updated_at")
    list_select_related = ("registered_model",)
    list_filter = ("automatic", "require_superiority")
    search_fields = ("registered_model__name", "registered_model__slug")
    autocomplete_fields = ("registered_model",)
