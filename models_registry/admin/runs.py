"""Datasets, training runs and their steps: written by the pipeline. An active run can be cancelled."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from models_registry.admin.base import HistoryAdmin, ReadOnly, ReasonForm, TabularInline, attempt, person
from models_registry.models import Dataset, RemoteTraining, TrainingRun, TrainingStep
from models_registry.services import training
from models_registry.views.permissions import require_decide
from reviewapp.errors import Conflict


class TrainingStepInline(ReadOnly, TabularInline):
    model = TrainingStep
    fields = ("name", "status", "progress", "detail", "started_at", "finished_at")
    extra = 0


@admin.register(TrainingRun)
class TrainingRunAdmin(HistoryAdmin):
    list_display = ("__str__", "status", "trigger", "requested_by", "outcome", "queued_at", "finished_at")
    list_select_related = ("registered_model", "requested_by")
    list_filter = ("status", "trigger", "registered_model")
    search_fields = ("registered_model__name", "reason", "outcome")
    date_hierarchy = "queued_at"
    inlines = (TrainingStepInline,)
    action_form = ReasonForm
    actions = ("cancel",)

    @admin.action(description=_("Cancel"))
    def cancel(self, request: HttpRequest, queryset: QuerySet[TrainingRun]) -> None:
        by = person(request)
        reason = request.POST.get("reason", "").strip() or _("No reason was given.")

        def deed(run: TrainingRun) -> str:
            require_decide(by, run.registered_model)
            outcome = _("Cancelled by %(person)s: %(reason)s") % {"person": by.get_username(), "reason": reason}
            if not training.cancel(run, reason=outcome, now=timezone.now()):
                raise Conflict(_("The run is over already."))
            return _("%(run)s was cancelled.") % {"run": run}

        attempt(self, request, queryset, deed)


@admin.register(TrainingStep)
class TrainingStepAdmin(HistoryAdmin):
    list_display = ("run", "name", "status", "progress", "started_at", "finished_at")
    list_select_related = ("run__registered_model",)
    list_filter = ("status", "name")
    search_fields = ("run__registered_model__name", "detail")


@admin.register(RemoteTraining)
class RemoteTrainingAdmin(HistoryAdmin):
    """What was asked of trainers elsewhere."""

    list_display = ("run", "trainer", "status", "n_attempts", "reason", "deadline_at", "heard_at", "finished_at")
    list_select_related = ("run__registered_model",)
    list_filter = ("status", "trainer")
    search_fields = ("run__registered_model__name", "reason")


@admin.register(Dataset)
class DatasetAdmin(HistoryAdmin):
    list_display = ("__str__", "registered_model", "label_set", "n_train", "n_holdout", "cutoff", "created_at")
    list_select_related = ("registered_model", "label_set")
    list_filter = ("registered_model",)
    search_fields = ("registered_model__name", "sha256")
    date_hierarchy = "created_at"
