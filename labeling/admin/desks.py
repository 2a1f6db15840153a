"""What makes a station one's own."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext as _

from labeling.models import GoldenSample, KeyMap
from models_registry.admin.base import HistoryAdmin, ModelAdmin, ModelForm


class GoldenSampleForm(ModelForm):
    """An image that is there, and a label of the model's own set."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        model, label, item = (cleaned.get(name) for name in ("registered_model", "label", "item"))
        if model and label and label.label_set_id != model.label_set_id:
            self.add_error("label", _("This label is not in the model's label set."))
        if item and not item.image:
            self.add_error("item", _("This image is not stored here."))
        return cleaned


@admin.register(GoldenSample)
class GoldenSampleAdmin(ModelAdmin):
    form = GoldenSampleForm
    list_display = ("label", "registered_model", "item", "caption", "created_at")
    list_select_related = ("label", "registered_model", "item__inspection")
    list_filter = ("registered_model",)
    search_fields = ("label__name", "registered_model__name", "=item__inspection__inspection_id")
    autocomplete_fields = ("registered_model", "label")
    raw_id_fields = ("item",)


@admin.register(KeyMap)
class KeyMapAdmin(HistoryAdmin):
    list_display = ("user", "updated_at")
    list_select_related = ("user",)
    search_fields = ("user__username",)
