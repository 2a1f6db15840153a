"""Evaluations: append-only. A number is shown with its interval and its n, or not at all."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext as _

from models_registry.admin.base import HistoryAdmin
from models_registry.models import Evaluation


@admin.register(Evaluation)
class EvaluationAdmin(HistoryAdmin):
    list_display = ("model_version", "accuracy", "n", "n_found", "n_arrived", "method", "provisional", "evaluated_at")
    list_select_related = ("model_version__registered_model",)
    list_filter = ("model_version__registered_model", "method", "provisional", "bound_only")
    search_fields = ("model_version__registered_model__name", "slice", "inputs_hash")
    date_hierarchy = "evaluated_at"

    @admin.display(description=_("Accuracy and its interval (95 %)"))
    def accuracy(self, evaluation: Evaluation) -> str:
        if evaluation.value is None or evaluation.ci_low is None or evaluation.ci_high is None:
            return _("Not measurable yet")
        return f"{evaluation.value:.1%} ({evaluation.ci_low:.1%} to {evaluation.ci_high:.1%})"
