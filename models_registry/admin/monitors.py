"""Monitors and what they went through: evidence, to be looked at. The limits are set with the model."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from models_registry.admin.base import HistoryAdmin, ModelAdmin, ModelForm, TabularInline
from models_registry.models import EscapeLimit, Monitor, MonitorTransition
from models_registry.templatetags.figures import odds


class EscapeLimitForm(ModelForm):
    """A limit is for a defect class of the model's label set, or for all of them."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        model, label = cleaned.get("registered_model"), cleaned.get("label")
        label_set = getattr(model, "label_set", None)
        if label and label_set and not label_set.labels.filter(slug=label, is_defect=True).exists():
            self.add_error("label", _("“%(label)s” is no defect class of the label set.") % {"label": label})
        return cleaned


class EscapeLimitInline(TabularInline):
    model = EscapeLimit
    form = EscapeLimitForm
    fields = ("label", "max_rate")
    extra = 0


@admin.register(EscapeLimit)
class EscapeLimitAdmin(ModelAdmin):
    form = EscapeLimitForm
    list_display = ("registered_model", "label", "max_rate")
    list_select_related = ("registered_model",)
    list_filter = ("registered_model",)
    search_fields = ("label", "registered_model__name")
    autocomplete_fields = ("registered_model",)


@admin.register(Monitor)
class MonitorAdmin(HistoryAdmin):
    list_display = (
        "model_version", "guard", "state", "evidence_now", "evidence_at_most", "n_fed", "n_drawn", "n_errors",
        "last_fed_at", "ended_at",
    )  # fmt: skip
    list_select_related = ("model_version__registered_model",)
    list_filter = ("state", ("ended_at", admin.EmptyFieldListFilter), "model_version__registered_model")
    search_fields = ("guard", "model_version__registered_model__name")
    date_hierarchy = "started_at"
    exclude = ("capital", "history")

    @admin.display(description=_("evidence"), ordering="evidence")
    def evidence_now(self, monitor: Monitor) -> str:
        return odds(monitor.evidence)

    @admin.display(description=_("at most"), ordering="max_evidence")
    def evidence_at_most(self, monitor: Monitor) -> str:
        return odds(monitor.max_evidence)


@admin.register(MonitorTransition)
class MonitorTransitionAdmin(HistoryAdmin):
    list_display = ("monitor", "from_state", "to_state", "cause", "evidence_then", "n_fed", "at")
    list_select_related = ("monitor__model_version__registered_model",)
    list_filter = ("to_state", "cause")
    search_fields = ("monitor__guard", "monitor__model_version__registered_model__name")
    date_hierarchy = "at"

    @admin.display(description=_("evidence"), ordering="evidence")
    def evidence_then(self, transition: MonitorTransition) -> str:
        return odds(transition.evidence)
