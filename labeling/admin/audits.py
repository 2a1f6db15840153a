"""Audits: opened by `manage.py audit`, looked at here."""

from __future__ import annotations

from django.contrib import admin

from labeling.models import Audit
from models_registry.admin.base import HistoryAdmin


@admin.register(Audit)
class AuditAdmin(HistoryAdmin):
    list_display = ("file_name", "registered_model", "n_drawn", "n_population", "report", "created_at")
    list_select_related = ("registered_model", "report__registered_model")
    list_filter = ("registered_model",)
    search_fields = ("file_name", "registered_model__name", "fingerprint")
