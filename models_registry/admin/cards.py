"""What people wrote on versions' cards: append-only, written on the card's page."""

from __future__ import annotations

from django.contrib import admin

from models_registry.admin.base import HistoryAdmin
from models_registry.models import CardText


@admin.register(CardText)
class CardTextAdmin(HistoryAdmin):
    list_display = ("version", "part", "written_by", "written_at")
    list_select_related = ("version__registered_model", "written_by")
    list_filter = ("part", "version__registered_model")
    search_fields = ("text", "version__registered_model__name")
    date_hierarchy = "written_at"
