"""Label sets with their labels in one form, and the mappings between sets."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from models_registry.admin.base import HistoryAdmin, ModelAdmin, TabularInline, attempt
from models_registry.admin.label_forms import LabelForm, LabelFormSet, LabelSetForm
from models_registry.models import Label, LabelMapping, LabelSet
from models_registry.services.label_sets import make_next_set


class LabelInline(TabularInline):
    model = Label
    form = LabelForm
    formset = LabelFormSet
    fields = ("position", "slug", "name", "hotkey", "is_defect", "severity", "disposition", "colour", "translations")
    extra = 0


@admin.register(LabelSet)
class LabelSetAdmin(ModelAdmin):
    form = LabelSetForm
    list_display = ("name", "slug", "version", "replaces", "created_at")
    list_select_related = ("replaces",)
    search_fields = ("name", "slug")
    autocomplete_fields = ("replaces",)
    inlines = (LabelInline,)
    actions = ("next_version",)

    @admin.action(description=_("Make the next version"), permissions=["add"])
    def next_version(self, request: HttpRequest, queryset: QuerySet[LabelSet]) -> None:
        def deed(label_set: LabelSet) -> str:
            return _("%(new)s was made. Change it, then choose it in the model.") % {"new": make_next_set(label_set)}

        attempt(self, request, queryset, deed)


@admin.register(Label)
class LabelAdmin(HistoryAdmin):
    """To find a label. It is changed in its set, where the others can be seen."""

    list_display = ("name", "slug", "label_set", "is_defect", "severity", "disposition", "hotkey", "position")
    list_select_related = ("label_set",)
    list_filter = ("is_defect", "severity", "disposition", "label_set")
    search_fields = ("name", "slug", "label_set__name")


@admin.register(LabelMapping)
class LabelMappingAdmin(ModelAdmin):
    list_display = ("old_label", "old_set", "new_label", "label_set")
    list_select_related = ("old_label__label_set", "new_label", "label_set")
    list_filter = ("label_set",)
    search_fields = ("old_label__name", "new_label__name", "label_set__name")
    autocomplete_fields = ("label_set", "old_label", "new_label")

    @admin.display(description=_("Of the set"))
    def old_set(self, mapping: LabelMapping) -> str:
        return str(mapping.old_label.label_set)
