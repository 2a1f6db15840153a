"""Declared samples: a person puts their name to one. It can be withdrawn, not changed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from labeling.declared import declare_sample, why_no_sample, withdraw_sample
from labeling.models import DeclaredPart, DeclaredSample
from models_registry.admin.base import HistoryAdmin, ModelAdmin, ModelForm, attempt, person
from models_registry.views.permissions import require_decide

SAID = ("registered_model", "station", "lot", "population", "as_of", "note")
SHOWN = (*SAID, "n_sampled", "declared_by", "declared_at", "withdrawn_at")


class DeclaredSampleForm(ModelForm):
    def clean(self) -> dict[str, Any] | None:
        said = super().clean() or {}
        if self.errors:
            return said
        wrong = why_no_sample(
            said["registered_model"], said["station"], said["lot"], population=said["population"],
            as_of=said["as_of"], note=said["note"], now=timezone.now(),
        )  # fmt: skip
        if wrong:
            raise ValidationError(dict(wrong))
        return said


@admin.register(DeclaredSample)
class DeclaredSampleAdmin(ModelAdmin):
    form = DeclaredSampleForm
    list_display = (
        "registered_model", "n_sampled", "population", "as_of", "declared_by", "declared_at", "withdrawn_at",
    )  # fmt: skip
    list_select_related = ("registered_model", "declared_by")
    list_filter = (("withdrawn_at", admin.EmptyFieldListFilter), "registered_model")
    search_fields = ("lot", "note")
    autocomplete_fields = ("registered_model", "station")
    actions = ("withdraw",)

    def get_fields(self, request: HttpRequest, obj: DeclaredSample | None = None) -> Any:
        return SHOWN if obj else SAID

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_withdraw_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("labeling.change_declaredsample")

    def save_model(self, request: HttpRequest, obj: DeclaredSample, form: Any, change: bool) -> None:
        """The name that stands for it is that of who is signed in."""
        require_decide(person(request), obj.registered_model)
        sample = declare_sample(
            registered_model=obj.registered_model, station=obj.station, lot=obj.lot, population=obj.population,
            as_of=obj.as_of, note=obj.note, by=person(request), now=timezone.now(),
        )  # fmt: skip
        obj.pk, obj.n_sampled = sample.pk, sample.n_sampled

    @admin.action(description=_lazy("Withdraw"), permissions=["withdraw"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[DeclaredSample]) -> None:
        by, now = person(request), timezone.now()

        def deed(sample: DeclaredSample) -> str:
            require_decide(by, sample.registered_model)
            withdraw_sample(sample=sample, now=now)
            return _("%(sample)s was withdrawn: its numbers are shown no more.") % {"sample": sample}

        attempt(self, request, queryset.select_related("registered_model"), deed)


@admin.register(DeclaredPart)
class DeclaredPartAdmin(HistoryAdmin):
    list_display = ("inspection", "sample")
    list_select_related = ("inspection", "sample")
    search_fields = ("=inspection__inspection_id", "=inspection__serial")
