"""Imports: what was read, what came of it, what was wrong. History."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from labeling.models import Import
from models_registry.admin.base import HistoryAdmin


@admin.register(Import)
class ImportAdmin(HistoryAdmin):
    list_display = (
        "file_name", "registered_model", "format", "status", "mode", "n_done", "n_total", "n_new", "n_known",
        "n_conflicts", "n_refused", "queued_at",
    )  # fmt: skip
    list_select_related = ("registered_model",)
    list_filter = ("status", "format", "dry_run", "registered_model")
    search_fields = ("file_name",)

    @admin.display(description=_lazy("What for"))
    def mode(self, job: Import) -> str:
        """A cross beside "dry run" would look like something that went wrong."""
        return _("Dry run") if job.dry_run else _("Import")
