"""Forms of label sets. Once something refers to a set, its labels' names are history: a change is the next set."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.forms import PaginationInlineFormSet

from models_registry.admin.base import ModelForm
from models_registry.models import Label, LabelSet
from models_registry.services.label_sets import STATION_KEYS, is_in_use

if TYPE_CHECKING:
    BaseLabelFormSet = forms.BaseInlineFormSet[Label, LabelSet, Any]
else:
    BaseLabelFormSet = PaginationInlineFormSet

NEXT_SET = gettext_lazy("Make the next version of the set (an action of the list) and change it there.")


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
