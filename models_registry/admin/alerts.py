"""Alerts: opened and closed by services; a person may close one that needs nothing more."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from models_registry.admin.base import HistoryAdmin
from models_registry.models import Alert


@admin.register(Alert)
class AlertAdmin(HistoryAdmin):
    list_display = ("message", "registered_model", "kind", "slice", "opened_at", "resolved_at")
    list_select_related = ("registered_model",)
    list_filter = (("resolved_at", admin.EmptyFieldListFilter), "kind", "registered_model")
    search_fields = ("message", "slice", "registered_model__name")
    date_hierarchy = "opened_at"
    actions = ("resolve",)

    @admin.action(description=_("Resolve"), permissions=["resolve"])
    def resolve(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        n_resolved = queryset.filter(resolved_at=None).update(resolved_at=timezone.now())
        if not n_resolved:
            self.message_user(request, _("Nothing to do: what you chose was resolved already."), messages.WARNING)
            return
        text = ngettext("%(n)s alert resolved.", "%(n)s alerts resolved.", n_resolved)
        self.message_user(request, text % {"n": n_resolved}, messages.SUCCESS)

    def has_resolve_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("models_registry.change_alert")
