"""Aliases and tags of versions: changed through the services, so that each change is kept; and those changes."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from models_registry.admin.base import HistoryAdmin, ModelAdmin, ModelForm, person
from models_registry.models import ModelAlias, NameChange, VersionTag
from models_registry.services.aliases import drop_alias, drop_tag, set_alias, set_tag


class AliasForm(ModelForm):
    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        version, model = cleaned.get("version"), cleaned.get("registered_model") or self.instance.registered_model
        if version and model and version.registered_model_id != model.pk:
            self.add_error("version", _("There is no such version of this model."))
        return cleaned


class NamedAdmin(ModelAdmin):
    """What names a row stays; another name is another row."""

    named: tuple[str, ...] = ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.named if obj else ()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for obj in queryset:
            self.delete_model(request, obj)


@admin.register(ModelAlias)
class ModelAliasAdmin(NamedAdmin):
    form = AliasForm
    named = ("registered_model", "name")
    fields = ("registered_model", "name", "version")
    list_display = ("__str__", "version", "moved_at")
    list_select_related = ("registered_model", "version__registered_model")
    list_filter = ("registered_model",)
    search_fields = ("name", "registered_model__name", "registered_model__slug")
    autocomplete_fields = ("registered_model", "version")

    def save_model(self, request: HttpRequest, obj: ModelAlias, form: Any, change: bool) -> None:
        obj.pk = set_alias(
            registered_model=obj.registered_model, name=obj.name, version=obj.version, by=person(request),
            now=timezone.now(),
        ).pk  # fmt: skip

    def delete_model(self, request: HttpRequest, obj: ModelAlias) -> None:
        drop_alias(registered_model=obj.registered_model, name=obj.name, by=person(request), now=timezone.now())


@admin.register(VersionTag)
class VersionTagAdmin(NamedAdmin):
    named = ("version", "key")
    list_display = ("version", "key", "value")
    list_select_related = ("version__registered_model",)
    list_filter = ("version__registered_model",)
    search_fields = ("key", "value", "version__registered_model__name")
    autocomplete_fields = ("version",)

    def save_model(self, request: HttpRequest, obj: VersionTag, form: Any, change: bool) -> None:
        obj.pk = set_tag(version=obj.version, key=obj.key, value=obj.value, by=person(request), now=timezone.now()).pk

    def delete_model(self, request: HttpRequest, obj: VersionTag) -> None:
        drop_tag(version=obj.version, key=obj.key, by=person(request), now=timezone.now())


@admin.register(NameChange)
class NameChangeAdmin(HistoryAdmin):
    list_display = ("version", "kind", "name", "before", "after", "changed_by", "changed_at")
    list_select_related = ("version__registered_model", "changed_by")
    list_filter = ("kind", "version__registered_model")
    search_fields = ("name", "version__registered_model__name")
    date_hierarchy = "changed_at"
