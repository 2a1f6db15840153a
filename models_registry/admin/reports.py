"""Reports: what was issued, and what was noted since. Nothing here can be changed, by the database's own word."""

from __future__ import annotations

from django.contrib import admin

from models_registry.admin.base import HistoryAdmin
from models_registry.models import Report, ReportAddendum


@admin.register(Report)
class ReportAdmin(HistoryAdmin):
    list_display = ("__str__", "kind", "model_version", "first_day", "last_day", "signed_by", "signed_at")
    list_select_related = ("registered_model", "model_version__registered_model", "signed_by")
    list_filter = ("kind", "registered_model")
    search_fields = ("registered_model__name", "sha256")
    date_hierarchy = "signed_at"


@admin.register(ReportAddendum)
class ReportAddendumAdmin(HistoryAdmin):
    list_display = ("__str__", "message", "noted_at")
    list_select_related = ("report__registered_model",)
    search_fields = ("report__registered_model__name", "message")
