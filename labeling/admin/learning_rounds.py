"""Rounds of active learning and what they picked: to look at, never to write."""

from __future__ import annotations

from django.contrib import admin

from labeling.models import LearningPick, LearningRound
from models_registry.admin.base import HistoryAdmin


@admin.register(LearningRound)
class LearningRoundAdmin(HistoryAdmin):
    list_display = ("__str__", "status", "method", "n_asked", "random_share", "n_pool", "requested_by", "requested_at")
    list_select_related = ("registered_model", "requested_by")
    list_filter = ("status", "method", "registered_model")
    search_fields = ("registered_model__name", "registered_model__slug")
    date_hierarchy = "requested_at"


@admin.register(LearningPick)
class LearningPickAdmin(HistoryAdmin):
    list_display = ("inspection", "round", "arm", "why", "pi", "margin", "predicted")
    list_select_related = ("inspection", "round__registered_model", "predicted")
    list_filter = ("arm", "why", "round__registered_model")
    search_fields = ("=inspection__inspection_id", "=inspection__serial")
