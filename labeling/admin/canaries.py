"""Canaries and their lots: history. They are started and stopped on the model's canary page."""

from __future__ import annotations

from django.contrib import admin

from labeling.models import Canary, CanaryLot
from models_registry.admin.base import HistoryAdmin


@admin.register(Canary)
class CanaryAdmin(HistoryAdmin):
    list_display = ("__str__", "lot_share", "started_by", "started_at", "ended_at", "outcome")
    list_select_related = ("candidate__registered_model", "champion", "started_by")
    list_filter = ("outcome", "registered_model")
    search_fields = ("registered_model__name", "reason", "change_number")
    date_hierarchy = "started_at"


@admin.register(CanaryLot)
class CanaryLotAdmin(HistoryAdmin):
    list_display = ("lot", "version", "canary", "decided_at")
    list_select_related = ("version__registered_model", "canary__candidate__registered_model", "canary__champion")
    list_filter = ("canary__registered_model",)
    search_fields = ("lot",)
    date_hierarchy = "decided_at"
