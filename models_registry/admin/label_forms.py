"""Forms of label sets. Once something refers to a set, its labels' names are history: a change is the next set."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.forms import PaginationInlineFormSet

from models_registry.admin.base import ModelForm
from models_registry.models import Label, LabelMapping, LabelSet

if TYPE_CHECKING:
    BaseLabelFormSet = forms.BaseInlineFormSet[Label, LabelSet, Any]
else:
    BaseLabelFormSet = PaginationInlineFormSet

STATION_KEYS = frozenset("ubzh?+-0")  # the review station's own; a test compares them with the station's list
NEXT_SET = gettext_lazy("Make the next version of the set (an action of the list) and change it there.")


def is_in_use(label_set: LabelSet) -> bool:
    """True once a dataset, or anything that was said with a label of the set, refers to it.

    Asked of whichever tables point at labels, so that the registry needs not know which they are.
    """
    if label_set.datasets.exists():
        return True
    own: tuple[type[Model], ...] = (Label, LabelMapping)
    said = [relation for relation in Label._meta.related_objects if relation.related_model not in own]
    return any(
        relation.related_model._base_manager.filter(**{f"{relation.field.name}__label_set": label_set}).exists()
        for relation in said
    )


@transaction.atomic
def make_next_set(label_set: LabelSet) -> LabelSet:
    """A copy of a set under the next version, with the mapping through which old verdicts are read."""
    held = list(LabelSet.objects.select_for_update().filter(slug=label_set.slug).order_by("pk"))
    number = 1 + max(one.version for one in LabelSet.objects.filter(slug=held[0].slug))
    newer = LabelSet.objects.create(slug=label_set.slug, version=number, name=label_set.name, replaces=label_set)
    old_labels = list(label_set.labels.all())
    copies = {old.pk: _copy_of(old, newer) for old in old_labels}
    for old in old_labels:
        if old.parent_id in copies:
            Label.objects.filter(pk=copies[old.pk].pk).update(parent=copies[old.parent_id])
        LabelMapping.objects.create(label_set=newer, old_label=old, new_label=copies[old.pk])
    return newer


def _copy_of(label: Label, label_set: LabelSet) -> Label:
    kept = {name: getattr(label, name) for name in (
        "slug", "name", "is_defect", "severity", "disposition", "hotkey", "colour", "position", "translations"
    )}  # fmt: skip
    return Label.objects.create(label_set=label_set, **kept)


class LabelForm(ModelForm):
    """One label of a set."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["translations"].widget.attrs["rows"] = 2  # a row of a table, not a page

    def clean_hotkey(self) -> str:
        hotkey = str(self.cleaned_data["hotkey"])
        if hotkey.lower() in STATION_KEYS:
            raise ValidationError(_("The review station uses this key itself."))
        return hotkey

    def clean_translations(self) -> dict[str, str]:
        names = self.cleaned_data["translations"] or {}
        if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
            raise ValidationError(_('Write names by language, like {"de": "Kratzer"}.'))
        return names

    def clean_slug(self) -> str:
        slug = str(self.cleaned_data["slug"])
        if self.instance.pk and "slug" in self.changed_data and is_in_use(self.instance.label_set):
            was = self.initial["slug"]
            text = _("“%(slug)s” is in use: predictions or verdicts say it.") % {"slug": was}
            raise ValidationError(f"{text} {NEXT_SET}")
        return slug


class LabelFormSet(BaseLabelFormSet):
    """The labels of one set, checked together."""

    def clean(self) -> None:
        kept = [form for form in self.forms if form.cleaned_data and not form.cleaned_data.get("DELETE")]
        for field, text in (("slug", _("Two labels are called “%s”.")), ("hotkey", _("Two labels have the key “%s”."))):
            counts = Counter(form.cleaned_data.get(field) for form in kept)
            if twice := [value for value, n in counts.items() if value and n > 1]:
                raise ValidationError(text % twice[0])
        if any(form.instance.pk for form in self.deleted_forms) and is_in_use(self.instance):
            raise ValidationError(f"{_('The set is in use, so no label can be taken out.')} {NEXT_SET}")
        super().clean()


class LabelSetForm(ModelForm):
    """A set's slug and version name it for good once it is in use."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        renamed = [name for name in ("slug", "version") if name in self.changed_data]
        if self.instance.pk and renamed and is_in_use(self.instance):
            self.add_error(renamed[0], f"{_('The set is in use and keeps its slug and version.')} {NEXT_SET}")
        return cleaned
