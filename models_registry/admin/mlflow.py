"""What MLflow was told of: history."""

from __future__ import annotations

from django.contrib import admin

from models_registry.admin.base import HistoryAdmin
from models_registry.models import MlflowPush


@admin.register(MlflowPush)
class MlflowPushAdmin(HistoryAdmin):
    list_display = ("version", "mlflow_version", "pushed_at", "n_failed", "next_attempt_at", "problem")
    list_select_related = ("version__registered_model",)
    list_filter = ("version__registered_model",)
    date_hierarchy = "pushed_at"
