"""Designs of the draw. One that was drawn with is never changed: saving a change makes the next design."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from labeling.designs import active_campaigns_beside, end_campaign, save_design
from labeling.models import DesignState, RoutingState, SamplingDesign, Selection
from labeling.proposals import Proposal, audit_share_from_numbers, problems_of
from models_registry.admin.base import HistoryAdmin, ModelAdmin, ModelForm
from models_registry.models import RegisteredModel

KINDS_KEY = ("registered_model", "kind", "name")  # what a design is a version of: never changed
SAID = ("budget", "audit_share", "budget_feedback", "until", "max_draws", "rules")


class SamplingDesignForm(ModelForm):
    """Checks what the API checks (`labeling.proposals`), and says what the model's own numbers advise."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if self.instance.pk and "audit_share" in self.fields:
            share, why = audit_share_from_numbers(self.instance.registered_model)
            advice = _("Advised now: %(share)s, since %(why)s (0.5 from 20 on).") % {"share": share, "why": why}
            self.fields["audit_share"].help_text = f"{self.fields['audit_share'].help_text}. {advice}"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        model: RegisteredModel | None = cleaned.get("registered_model") or getattr(
            self.instance, "registered_model", None
        )
        if model is None or {"budget", "audit_share"} - cleaned.keys():
            return cleaned  # the field itself says what is wrong
        cleaned["rules"] = cleaned.get("rules") or {}
        key = {name: cleaned.get(name, getattr(self.instance, name)) for name in ("kind", "name")}
        proposal = Proposal(**key, **{name: cleaned.get(name) for name in SAID})  # type: ignore[arg-type]
        for name, problem in problems_of(proposal, registered_model=model, now=timezone.now()).items():
            self.add_error(name if name in self.fields else None, problem)
        if proposal.is_campaign and (why := active_campaigns_beside(model, proposal.name)):
            self.add_error(None, why)
        return cleaned


@admin.register(SamplingDesign)
class SamplingDesignAdmin(ModelAdmin):
    form = SamplingDesignForm
    fields = (*KINDS_KEY, *SAID)
    list_display = ("__str__", "kind", "budget", "audit_share", "is_active", "created_at")
    list_select_related = ("registered_model",)
    list_filter = ("is_active", "kind", "registered_model")
    search_fields = ("registered_model__name", "registered_model__slug", "name")
    autocomplete_fields = ("registered_model",)
    actions = ("end_campaigns",)

    def get_readonly_fields(self, request: HttpRequest, obj: SamplingDesign | None = None) -> Any:
        return (*KINDS_KEY, "number", "is_active", "created_at") if obj else ()

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

    @admin.action(description=gettext_lazy("End campaigns"), permissions=["change"])
    def end_campaigns(self, request: HttpRequest, queryset: QuerySet[SamplingDesign]) -> None:
        n = sum(end_campaign(one) for one in queryset)
        self.message_user(request, _("%(n)s campaigns ended. What they drew is still reviewed.") % {"n": n})

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(DesignState)
class DesignStateAdmin(HistoryAdmin):
    list_display = ("design", "n_sampled", "n_drawn", "thinning", "updated_at")
    list_select_related = ("design__registered_model",)
    search_fields = ("design__registered_model__name", "design__registered_model__slug")


@admin.register(Selection)
class SelectionAdmin(HistoryAdmin):
    list_display = ("inspection", "registered_model", "stratum", "pi", "u", "drawn", "design", "created_at")
    list_select_related = ("inspection", "registered_model", "design__registered_model")
    list_filter = ("drawn", "stratum", "registered_model")
    search_fields = ("=inspection__inspection_id", "=inspection__serial")


@admin.register(RoutingState)
class RoutingStateAdmin(HistoryAdmin):
    list_display = ("model_version", "mean_uncertainty", "n", "updated_at")
    list_select_related = ("model_version__registered_model",)
    search_fields = ("model_version__registered_model__name",)
