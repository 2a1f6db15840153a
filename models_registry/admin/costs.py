"""Prices of errors. A row is never changed: saving makes the next one, under the name of who saved."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from models_registry.admin.base import ModelAdmin, ModelForm, person
from models_registry.costs import CURRENCIES
from models_registry.models import CostMatrix
from models_registry.services.costs import set_costs, why_no_overrides

PRICES = ("currency", "escape", "overkill", "confusion", "overrides")


class CostMatrixForm(ModelForm):
    def clean_currency(self) -> str:
        currency = str(self.cleaned_data["currency"]).upper()
        if currency not in CURRENCIES:
            raise ValidationError(_("Not a currency's code of ISO 4217, such as EUR."))
        return currency

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        model = cleaned.get("registered_model") or getattr(self.instance, "registered_model", None)
        cleaned["overrides"] = cleaned.get("overrides") or []
        if model is not None and (words := why_no_overrides(cleaned["overrides"], model)):
            self.add_error("overrides", words)
        for name in ("escape", "overkill", "confusion"):
            if name in cleaned and not 0 <= cleaned[name] <= 1e9:
                self.add_error(name, _("From 0 to 1,000,000,000."))
        return cleaned


@admin.register(CostMatrix)
class CostMatrixAdmin(ModelAdmin):
    form = CostMatrixForm
    list_display = ("__str__", "currency", "escape", "overkill", "confusion", "is_active", "set_by", "created_at")
    list_select_related = ("registered_model", "set_by")
    list_filter = ("is_active", "registered_model")
    search_fields = ("registered_model__name", "registered_model__slug")
    autocomplete_fields = ("registered_model",)

    def get_fields(self, request: HttpRequest, obj: CostMatrix | None = None) -> Any:
        return ("registered_model", *PRICES, *(("number", "is_active", "set_by", "created_at") if obj else ()))

    def get_readonly_fields(self, request: HttpRequest, obj: CostMatrix | None = None) -> Any:
        return ("registered_model", "number", "is_active", "set_by", "created_at") if obj else ()

    def save_model(self, request: HttpRequest, obj: CostMatrix, form: Any, change: bool) -> None:
        """A stored row stays; ``obj`` becomes the row that holds now, so that the panel's history names it."""
        if change and not form.changed_data:
            return
        made = set_costs(
            registered_model=obj.registered_model,
            by=person(request),
            now=timezone.now(),
            **{name: getattr(obj, name) for name in PRICES},
        )
        if change:
            notice = _("Costs %(old)s stay as they were. Costs %(new)s hold from now on.")
            self.message_user(request, notice % {"old": obj.number, "new": made.number}, messages.WARNING)
        obj.pk, obj.number = made.pk, made.number

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
