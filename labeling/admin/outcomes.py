"""What turned out elsewhere: history, and what still waits for its part."""

from __future__ import annotations

from django.contrib import admin

from labeling.models import Outcome
from models_registry.admin.base import HistoryAdmin


@admin.register(Outcome)
class OutcomeAdmin(HistoryAdmin):
    list_display = ("__str__", "registered_model", "station", "reference", "observed_at", "received_at", "inspection")
    list_select_related = ("registered_model", "station", "label", "inspection")
    list_filter = ("origin", ("inspection", admin.EmptyFieldListFilter), "registered_model")
    search_fields = ("=named_id", "=serial", "=reference")
    date_hierarchy = "received_at"
