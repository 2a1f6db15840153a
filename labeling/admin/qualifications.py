"""Who has learnt to judge what: given here, under the name of whoever gives it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from labeling.models import Qualification
from models_registry.admin.base import ModelAdmin, ModelForm, person


class QualificationForm(ModelForm):
    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        label, model = cleaned.get("label"), cleaned.get("registered_model")
        if label is not None and model is not None and label.label_set_id != model.label_set_id:
            self.add_error("label", _("This label is not in the model's label set."))
        same = {name: cleaned.get(name) for name in ("user", "registered_model", "source", "label")}
        others = Qualification.objects.exclude(pk=self.instance.pk)
        if others.filter(**{name if value else f"{name}__isnull": value or True for name, value in same.items()}):
            raise ValidationError(_("The person has this qualification already: change its last day."))
        return cleaned


@admin.register(Qualification)
class QualificationAdmin(ModelAdmin):
    """Asked for where a model's review policy says so; ended by its last day."""

    form = QualificationForm
    list_display = ("user", "registered_model", "source", "label", "valid_until", "granted_by", "granted_at")
    list_select_related = ("user", "registered_model", "source", "label", "granted_by")
    list_filter = ("registered_model", "valid_until")
    search_fields = ("user__username", "registered_model__name", "proof")
    autocomplete_fields = ("user", "registered_model", "source", "label")
    readonly_fields = ("granted_by", "granted_at")

    def save_model(self, request: HttpRequest, obj: Qualification, form: Any, change: bool) -> None:
        obj.granted_by, obj.granted_at = person(request), timezone.now()
        super().save_model(request, obj, form, change)
