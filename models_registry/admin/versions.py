"""Versions: one trained elsewhere can be registered; approving and refusing go through the service, with a reason."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from models_registry.admin.base import ModelAdmin, ModelForm, ReasonForm, attempt, person
from models_registry.models import ModelVersion
from models_registry.services import promotion
from models_registry.services.versions import create_version
from models_registry.views.permissions import require_decide

REGISTERED = ("registered_model", "external_name", "score_kind")


class ExternalVersionForm(ModelForm):
    """A version that was trained elsewhere. It needs the name under which its predictions will arrive."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        model, name = cleaned.get("registered_model"), cleaned.get("external_name")
        if not name:
            self.add_error("external_name", _("Say what the sending system calls it."))
        elif model and ModelVersion.objects.filter(registered_model=model, external_name=name).exists():
            self.add_error("external_name", _("This model has a version of that name already."))
        return cleaned


@admin.register(ModelVersion)
class ModelVersionAdmin(ModelAdmin):
    form = ExternalVersionForm
    list_display = ("__str__", "external_name", "stage", "origin", "score_kind", "created_at")
    list_select_related = ("registered_model",)
    list_filter = ("stage", "origin", "score_kind", "registered_model")
    search_fields = ("registered_model__name", "registered_model__slug", "external_name")
    autocomplete_fields = ("registered_model",)
    date_hierarchy = "created_at"
    action_form = ReasonForm
    actions = ("approve", "refuse")

    def get_fields(self, request: HttpRequest, obj: ModelVersion | None = None) -> Any:
        return super().get_fields(request, obj) if obj else REGISTERED

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ModelVersion, form: Any, change: bool) -> None:
        fields = {name: form.cleaned_data[name] for name in REGISTERED}
        made = create_version(origin=ModelVersion.Origin.EXTERNAL, **fields)
        obj.pk, obj.number = made.pk, made.number

    @admin.action(description=_("Approve: make it the champion"))
    def approve(self, request: HttpRequest, queryset: QuerySet[ModelVersion]) -> None:
        by, reason, now = person(request), request.POST.get("reason", ""), timezone.now()

        def deed(version: ModelVersion) -> str:
            require_decide(by, version.registered_model)
            promotion.promote(version=version, by=by, reason=reason, now=now)
            return _("%(version)s is the champion now.") % {"version": version}

        attempt(self, request, queryset, deed)

    @admin.action(description=_("Refuse"))
    def refuse(self, request: HttpRequest, queryset: QuerySet[ModelVersion]) -> None:
        by, reason, now = person(request), request.POST.get("reason", ""), timezone.now()

        def deed(version: ModelVersion) -> str:
            require_decide(by, version.registered_model)
            promotion.refuse(version=version, by=by, reason=reason, now=now)
            return _("%(version)s was refused. The champion stays.") % {"version": version}

        attempt(self, request, queryset, deed)
