"""Draws that compare candidates with champions: history."""

from __future__ import annotations

from django.contrib import admin

from labeling.models import ShadowDesign, ShadowDraw
from models_registry.admin.base import HistoryAdmin


@admin.register(ShadowDesign)
class ShadowDesignAdmin(HistoryAdmin):
    list_display = ("candidate", "champion", "budget", "n_seen", "n_disagree", "started_at", "ended_at")
    list_select_related = ("candidate__registered_model", "champion__registered_model")
    list_filter = ("candidate__registered_model",)
    date_hierarchy = "started_at"


@admin.register(ShadowDraw)
class ShadowDrawAdmin(HistoryAdmin):
    list_display = ("inspection", "design", "disagrees", "pi", "u", "drawn", "created_at")
    list_select_related = ("inspection__station", "design__candidate__registered_model", "design__champion")
    list_filter = ("drawn", "disagrees")
    date_hierarchy = "created_at"
