"""Comparisons and promotions: the evidence and the decisions, both append-only."""

from __future__ import annotations

from django.contrib import admin

from models_registry.admin.base import HistoryAdmin
from models_registry.models import Comparison, Promotion


@admin.register(Comparison)
class ComparisonAdmin(HistoryAdmin):
    list_display = ("candidate", "champion", "verdict", "gain", "ci_low", "ci_high", "n", "compared_at")
    list_select_related = ("candidate__registered_model", "champion__registered_model")
    list_filter = ("verdict", "method", "candidate__registered_model")
    search_fields = ("candidate__registered_model__name", "reason")
    date_hierarchy = "compared_at"


@admin.register(Promotion)
class PromotionAdmin(HistoryAdmin):
    list_display = ("version", "action", "replaced", "automatic", "decided_by", "reason", "decided_at")
    list_select_related = ("version__registered_model", "replaced__registered_model", "decided_by")
    list_filter = ("action", "automatic", "registered_model")
    search_fields = ("registered_model__name", "reason", "change_number", "decided_by__username")
    date_hierarchy = "decided_at"
