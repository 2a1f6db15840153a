"""What a person may ask the planner, and what they may assume where nothing was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reviewapp.errors import ReviewAppError

DAYS = 28
HOURS = 8.0


@dataclass(frozen=True, slots=True)
class Question:
    """Shares between 0 and 1. None: not asked, or not assumed."""

    half_width: float | None = None
    confidence: float = 0.95
    window_days: int = DAYS
    falls_to: float | None = None
    within_hours: float = HOURS
    alarm_below: float | None = None
    per_day: float | None = None
    accuracy: float | None = None
    budget: float | None = None
    audit_share: float | None = None


class Number(forms.FloatField):
    """Not required. The ends keep what is computed from it away from 0 and 1, where there is nothing to plan."""

    def __init__(self, low: float, high: float, label: Any) -> None:
        super().__init__(required=False, min_value=low, max_value=high, label=label)


class PlanForm(forms.Form):
    """Percent and points where people think in them."""

    half_width = Number(0.0001, 50, gettext_lazy("Plus or minus, points"))
    confidence = Number(50, 99.99, gettext_lazy("Confidence, %"))
    window_days = forms.IntegerField(required=False, min_value=1, max_value=365, label=gettext_lazy("Within days"))
    falls_to = Number(0, 99.999, gettext_lazy("Accuracy falls to, %"))
    within_hours = Number(0.01, 8760, gettext_lazy("Noticed within hours"))
    alarm_below = Number(0.01, 99.999, gettext_lazy("Accepted accuracy, %"))
    per_day = Number(0.01, 1e9, gettext_lazy("Parts a day"))
    accuracy = Number(0, 100, gettext_lazy("Accuracy today, %"))
    budget = Number(0.0001, 100, gettext_lazy("Budget, % of parts"))
    audit_share = Number(50, 100, gettext_lazy("Audit share, %"))

    def question(self) -> Question:
        """After `is_valid`."""
        said = {name: value for name, value in self.cleaned_data.items() if value is not None}
        for name in ("half_width", "confidence", "falls_to", "alarm_below", "accuracy", "budget", "audit_share"):
            if name in said:
                said[name] /= 100
        return Question(**said)


def asked(query: QueryDict) -> Question:
    """The question of an address. :raises ReviewAppError: names each parameter that is not right."""
    wrong = {name: why for name, values in query.lists() if (why := _trouble(name, values))}
    form = PlanForm(query)
    wrong = {name: " ".join(str(error) for error in errors) for name, errors in form.errors.items()} | wrong
    if wrong:
        raise refusal(wrong)
    return form.question()


def refusal(wrong: Mapping[str, str]) -> ReviewAppError:
    words = "; ".join(f"{name}: {what}" for name, what in wrong.items())
    return ReviewAppError(f"{_('The plan was asked for wrongly.')} {words}", code="invalid", fields=wrong)


def _trouble(name: str, values: list[str]) -> str:
    if name not in PlanForm.base_fields:
        return _("There is no such parameter; there are %(known)s.") % {"known": ", ".join(PlanForm.base_fields)}
    if len(values) != 1:
        return _("Given more than once.")
    return "" if values[0].strip() else _("Is empty.")
