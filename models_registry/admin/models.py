"""Registered models with the policies that the registry knows. `labeling.admin` adds what people do with them."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.options import InlineModelAdmin
from django.http import HttpRequest
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget

from models_registry.admin.base import ModelAdmin, ModelForm, StackedInline, person
from models_registry.admin.monitors import EscapeLimitInline
from models_registry.admin.policies import save_policy
from models_registry.models import PolicyChange, PromotionPolicy, RegisteredModel, RetrainingPolicy
from models_registry.services.policies import note_trainer, offered_trainers
from models_registry.training.declared import BUILTIN


class RetrainingPolicyInline(StackedInline):
    model = RetrainingPolicy
    can_delete = False


class PromotionPolicyInline(StackedInline):
    model = PromotionPolicy
    can_delete = False


class RegisteredModelForm(ModelForm):
    """The trainer is one of those that the operator declared."""

    trainer = forms.ChoiceField(widget=UnfoldAdminSelectWidget, initial=BUILTIN)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if (trainer := self.fields.get("trainer")) is not None:  # not there for those who may only look
            trainer.choices = [(name, name) for name in offered_trainers(self.instance)]  # type: ignore[attr-defined]


@admin.register(RegisteredModel)
class RegisteredModelAdmin(ModelAdmin):
    form = RegisteredModelForm
    list_display = ("name", "slug", "kind", "label_set", "target_accuracy", "is_active")
    list_select_related = ("label_set",)
    list_filter = ("is_active", "kind")
    search_fields = ("name", "slug")
    autocomplete_fields = ("label_set",)
    prepopulated_fields = {"slug": ("name",)}
    inlines: ClassVar[tuple[type[InlineModelAdmin[Any, Any]], ...]] = (
        RetrainingPolicyInline,
        PromotionPolicyInline,
        EscapeLimitInline,
    )

    def save_model(self, request: HttpRequest, obj: RegisteredModel, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and "trainer" in form.changed_data:
            note_trainer(
                registered_model=obj, before=form.initial["trainer"], by=person(request), now=timezone.now(),
                via=PolicyChange.Via.ADMIN,
            )  # fmt: skip

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        if formset.model not in (RetrainingPolicy, PromotionPolicy):
            super().save_formset(request, form, formset, change)
            return
        for policy in formset.save(commit=False):
            save_policy(request, policy)
