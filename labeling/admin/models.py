"""A registered model with everything that is set for it in one place: policies, members, and a run on request."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from labeling.admin.people import MembershipForm, MembershipFormSet
from labeling.dispositions import name_who_lets_pass
from labeling.feedback import request_retraining
from labeling.models import Membership, ReviewPolicy
from models_registry.admin import RegisteredModelAdmin
from models_registry.admin.base import ModelAdmin, ModelForm, ReasonForm, StackedInline, TabularInline, attempt, person
from models_registry.models import RegisteredModel
from models_registry.tasks import nudge_trainer
from models_registry.views.permissions import require_decide

WHO_LETS_PASS = ("default_pass_by", "default_pass_at")


class ReviewPolicyForm(ModelForm):
    def clean_metadata_shown(self) -> list[str]:
        names = self.cleaned_data["metadata_shown"] or []
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValidationError(_('Write a list of names, like ["alloy", "batch"].'))
        return names


class ReviewPolicyInline(StackedInline):
    model = ReviewPolicy
    form = ReviewPolicyForm
    can_delete = False
    readonly_fields = WHO_LETS_PASS


class MembershipInline(TabularInline):
    model = Membership
    form = MembershipForm
    formset = MembershipFormSet
    fields = ("user", "role")
    autocomplete_fields = ("user",)
    extra = 0


admin.site.unregister(RegisteredModel)


@admin.register(RegisteredModel)
class ReviewedModelAdmin(RegisteredModelAdmin):
    """The registry's page, with what only the labeling side knows."""

    inlines = (*RegisteredModelAdmin.inlines, ReviewPolicyInline, MembershipInline)
    action_form = ReasonForm
    actions = ("retrain_now",)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        if formset.model is ReviewPolicy:
            for one in formset.forms:
                name_who_lets_pass(one.instance, by=person(request), now=timezone.now())
        super().save_formset(request, form, formset, change)

    @admin.action(description=_("Retrain now"))
    def retrain_now(self, request: HttpRequest, queryset: QuerySet[RegisteredModel]) -> None:
        by, reason, now = person(request), request.POST.get("reason", ""), timezone.now()

        def deed(model: RegisteredModel) -> str:
            require_decide(by, model)
            run = request_retraining(registered_model=model, by=by, reason=reason, now=now)
            nudge_trainer(run.pk)
            return _("%(run)s is queued.") % {"run": run}

        attempt(self, request, queryset.select_related("label_set"), deed)


@admin.register(ReviewPolicy)
class ReviewPolicyAdmin(ModelAdmin):
    form = ReviewPolicyForm
    list_display = ("registered_model", "votes_needed", "blind_share", "lease_seconds", "blocking_default")
    list_select_related = ("registered_model",)
    search_fields = ("registered_model__name", "registered_model__slug")
    autocomplete_fields = ("registered_model",)
    readonly_fields = WHO_LETS_PASS

    def save_model(self, request: HttpRequest, obj: ReviewPolicy, form: Any, change: bool) -> None:
        name_who_lets_pass(obj, by=person(request), now=timezone.now())
        super().save_model(request, obj, form, change)
