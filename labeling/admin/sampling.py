"""Designs of the draw. One that was drawn with is never changed: saving a change makes the next design."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _

from labeling.designs import save_design
from labeling.models import RoutingState, SamplingDesign, Selection
from models_registry.admin.base import HistoryAdmin, ModelAdmin, ModelForm

LABEL_RULES = ("certainty_labels", "blocking_labels")
RULES = (*LABEL_RULES, "certainty_below")


class SamplingDesignForm(ModelForm):
    def clean_budget(self) -> float:
        return self._share("budget", low=0, above=True)

    def clean_audit_share(self) -> float:
        return self._share("audit_share", low=0.5)

    def _share(self, name: str, *, low: float, above: bool = False) -> float:
        share = float(self.cleaned_data[name])
        if share > 1 or share < low or (above and share == low):
            text = _("Above %(low)s, at most 1.") if above else _("From %(low)s to 1.")
            raise ValidationError(text % {"low": low})
        return share

    def clean_rules(self) -> dict[str, Any]:
        rules = self.cleaned_data["rules"] or {}
        if not isinstance(rules, dict) or set(rules) - set(RULES):
            raise ValidationError(_("Rules are %(names)s and nothing else.") % {"names": ", ".join(RULES)})
        below = rules.get("certainty_below")
        if below is not None and (isinstance(below, bool) or not isinstance(below, int | float) or not 0 <= below <= 1):
            raise ValidationError(_("certainty_below is null or a number from 0 to 1."))
        if not all(_is_list_of_names(rules.get(name, [])) for name in LABEL_RULES):
            raise ValidationError(_("%(names)s are lists of labels.") % {"names": ", ".join(LABEL_RULES)})
        return rules

    def clean(self) -> dict[str, Any]:
        """Labels that the rules name must be labels of the model."""
        cleaned = super().clean() or {}
        model = cleaned.get("registered_model") or getattr(self.instance, "registered_model", None)
        named = {label for name in LABEL_RULES for label in (cleaned.get("rules") or {}).get(name, [])}
        if model is not None and named:
            unknown = named - set(model.label_set.labels.values_list("slug", flat=True))
            if unknown:
                self.add_error("rules", _("Not in the label set: %(names)s.") % {"names": ", ".join(sorted(unknown))})
        return cleaned


def _is_list_of_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


@admin.register(SamplingDesign)
class SamplingDesignAdmin(ModelAdmin):
    form = SamplingDesignForm
    fields = ("registered_model", "budget", "audit_share", "rules")
    list_display = ("__str__", "budget", "audit_share", "is_active", "created_at")
    list_select_related = ("registered_model",)
    list_filter = ("is_active", "registered_model")
    search_fields = ("registered_model__name", "registered_model__slug")
    autocomplete_fields = ("registered_model",)

    def get_readonly_fields(self, request: HttpRequest, obj: SamplingDesign | None = None) -> Any:
        return ("registered_model", "number", "is_active", "created_at") if obj else ()

    def get_fields(self, request: HttpRequest, obj: SamplingDesign | None = None) -> Any:
        return (*self.fields, "number", "is_active", "created_at") if obj else self.fields

    def save_model(self, request: HttpRequest, obj: SamplingDesign, form: Any, change: bool) -> None:
        if change and not form.changed_data:
            return
        before = obj.number
        save_design(obj)
        if change and obj.number != before:
            notice = _("Inspections were drawn with design %(old)s, so it stays. Design %(new)s holds from now on.")
            self.message_user(request, notice % {"old": before, "new": obj.number}, messages.WARNING)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Selection)
class SelectionAdmin(HistoryAdmin):
    list_display = ("inspection", "registered_model", "stratum", "pi", "u", "drawn", "created_at")
    list_select_related = ("inspection", "registered_model")
    list_filter = ("drawn", "stratum", "registered_model")
    search_fields = ("=inspection__inspection_id", "=inspection__serial")


@admin.register(RoutingState)
class RoutingStateAdmin(HistoryAdmin):
    list_display = ("model_version", "mean_uncertainty", "n", "updated_at")
    list_select_related = ("model_version__registered_model",)
    search_fields = ("model_version__registered_model__name",)
