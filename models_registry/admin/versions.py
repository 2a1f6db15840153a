"""Versions: one trained elsewhere can be registered; approving and refusing go through the service, with a reason."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from models_registry.admin.base import ModelAdmin, ModelForm, ReasonForm, attempt, person
from models_registry.models import ModelVersion, RegisteredModel
from models_registry.services import promotion
from models_registry.services.registering import MOST_BYTES, register_file
from models_registry.services.versions import create_version
from models_registry.views.permissions import require_decide
from reviewapp.errors import ReviewAppError

REGISTERED = ("registered_model", "external_name", "score_kind")
FILE = "file"


class ExternalVersionForm(ModelForm):
    """A version that was trained elsewhere: the name under which its predictions will arrive, or its ONNX file."""

    file = forms.FileField(required=False, help_text=gettext_lazy("ONNX; with it the version can be served from here"))

    by: ClassVar[User | None] = None
    made: ModelVersion | None = None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        model, name = cleaned.get("registered_model"), cleaned.get("external_name")
        if not name and not cleaned.get(FILE):
            self.add_error("external_name", _("Say what the sending system calls it."))
        elif name and model and ModelVersion.objects.filter(registered_model=model, external_name=name).exists():
            self.add_error("external_name", _("This model has a version of that name already."))
        elif model and cleaned.get(FILE):
            self._register(model, name or "", cleaned[FILE])
        return cleaned

    def _register(self, model: RegisteredModel, name: str, file: Any) -> None:
        """Here and not when the form is saved: only now can what is wrong with the file be said at its field."""
        try:
            self.made, _is_new = register_file(
                registered_model=model, content=file.read(MOST_BYTES + 1), name=name, by=self.by
            )
        except ReviewAppError as error:
            self.add_error(FILE, error.message)


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
        if obj is None:
            return (*REGISTERED, FILE)
        return [name for name in super().get_fields(request, obj) if name != FILE]

    def get_form(self, request: HttpRequest, obj: ModelVersion | None = None, change: bool = False, **kw: Any) -> Any:
        form: Any = super().get_form(request, obj, change, **kw)
        form.by = person(request)
        return form

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ModelVersion, form: Any, change: bool) -> None:
        fields = {name: form.cleaned_data[name] for name in REGISTERED}
        made = form.made or create_version(origin=ModelVersion.Origin.EXTERNAL, **fields)
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
