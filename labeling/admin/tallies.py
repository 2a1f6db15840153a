"""Rollups, and what waits for the monitors: derived, so there is nothing to change."""

from __future__ import annotations

from django.contrib import admin

from labeling.models import Arrival, HourlyFacts, PendingDraw, RegionMatch, Tally
from models_registry.admin.base import HistoryAdmin


@admin.register(Tally)
class TallyAdmin(HistoryAdmin):
    list_display = ("model_version", "day", "dimension", "key", "outcome", "predicted", "true_label", "n_arrived", "n")
    list_select_related = ("model_version__registered_model", "predicted", "true_label")
    list_filter = ("dimension", "outcome", "is_certainty", "is_folded", "model_version__registered_model")
    date_hierarchy = "day"


@admin.register(Arrival)
class ArrivalAdmin(HistoryAdmin):
    list_display = ("model_version", "n", "draws")
    list_select_related = ("model_version__registered_model",)


@admin.register(PendingDraw)
class PendingDrawAdmin(HistoryAdmin):
    list_display = ("model_version", "prediction", "n_before", "pi")
    list_select_related = ("model_version__registered_model", "prediction__inspection", "prediction__label")


@admin.register(HourlyFacts)
class HourlyFactsAdmin(HistoryAdmin):
    list_display = (
        "registered_model",
        "drift_windows",
        "drift_of",
        "own_word_fall",
        "ece",
        "agreement",
        "n_overlap",
        "measured_at",
    )
    list_select_related = ("registered_model",)


@admin.register(RegionMatch)
class RegionMatchAdmin(HistoryAdmin):
    list_display = ("prediction", "model_version", "day", "label", "n_matched", "n_missed", "n_false")
    list_select_related = ("prediction__inspection", "prediction__label", "model_version__registered_model")
    list_filter = ("model_version__registered_model", "label")
    date_hierarchy = "day"
