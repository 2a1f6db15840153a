"""How figures are written on every page: percent, points, counts, durations, and an accuracy with its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from models_registry.charts import Range, Scale, accuracy_range, accuracy_scale
from models_registry.costs import POINTS
from models_registry.models import Report
from models_registry.reporting.content import read_content
from models_registry.reporting.wording import headline, interval

register = template.Library()
NBSP = "\u00a0"
MINUS = "\u2212"
REVIEWS_NEEDED = 30
BEYOND_WORDS = 1_000_000  # to 1: larger odds say no more
SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩"}
OPTIONS = {"balanced": gettext_lazy("Balanced"), "search_seconds": gettext_lazy("Search seconds")}


class Accuracy(Protocol):
    """What is printed of an accuracy: a stored evaluation, an estimate, or a slice's."""

    @property
    def value(self) -> float | None: ...
    @property
    def ci_low(self) -> float | None: ...
    @property
    def ci_high(self) -> float | None: ...
    @property
    def lower_bound(self) -> float | None: ...
    @property
    def bound_only(self) -> bool: ...
    @property
    def n(self) -> int: ...


@register.filter
def number(value: float | None, digits: int = 1) -> str:
    """A share as a number of percent without its sign: 0.934 is 93.4."""
    return "" if value is None else number_format(round(value * 100, digits), decimal_pos=digits)


@register.filter
def percent(value: float | None, digits: int = 1) -> str:
    """0.934 is 93.4 %."""
    return "" if value is None else f"{number(value, digits)}{NBSP}%"


@register.filter
def points(value: float | None) -> str:
    """A change of a share in points, with its sign: 0.016 is +1.6."""
    if value is None:
        return ""
    sign = MINUS if round(value * 100, 1) < 0 else "+"
    return sign + number_format(round(abs(value) * 100, 1), decimal_pos=1)


@register.filter
def count(value: int | None) -> str:
    return "" if value is None else str(intcomma(value))


@register.filter
def duration(span: timedelta | None) -> str:
    """How long, in at most two units: 8 s, 5 min 57 s, 3 h 05 min, 6 h, 2 days."""
    if span is None:
        return ""
    seconds = max(0, int(span.total_seconds()))
    if seconds < 60:
        return f"{seconds}{NBSP}s"
    if seconds < 600 and seconds % 60:
        return f"{seconds // 60}{NBSP}min {seconds % 60:02d}{NBSP}s"
    if seconds < 3600:
        return f"{seconds // 60}{NBSP}min"
    if seconds < 48 * 3600 and seconds % 3600 < 60:
        return f"{seconds // 3600}{NBSP}h"
    if seconds < 48 * 3600:
        return f"{seconds // 3600}{NBSP}h {seconds % 3600 // 60:02d}{NBSP}min"
    return _("%(days)s days") % {"days": seconds // 86_400}


@register.filter
def until(start: datetime | None, end: datetime | None) -> timedelta | None:
    return end - start if start and end else None


@register.filter
def since(moment: datetime | None) -> str:
    """How long ago, from the present."""
    if moment is None:
        return ""
    age = timezone.now() - moment
    return duration(age - timedelta(seconds=age.seconds % 60) if age >= timedelta(minutes=1) else age)


@register.filter
def words(name: str) -> str:
    """A guard's name as a person reads it: total_labels is Total labels."""
    return capfirst(name.replace("_", " "))


@register.filter
def option_name(name: str) -> str:
    """What our own trainer may be told, in the reader's language; another's option by its own name."""
    return str(OPTIONS.get(name, words(name)))


@register.filter
def option(value: object) -> str:
    """What a trainer was told: true is yes, a number as one reads it."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return f"{value:g}" if isinstance(value, float) else str(value)


@register.filter
def places(value: float | None, digits: int) -> str:
    """A number of no unit with so many decimals, or as a power of ten where that would be long: 0.25, 1.0e-06."""
    if value is None:
        return ""
    if digits > 4 or abs(value) >= 1e6:
        return f"{value:.1e}" if value else "0"
    return number_format(round(value, digits), decimal_pos=digits, force_grouping=True)


@register.filter
def measured(value: float | None) -> str:
    """A number of no unit to three digits: 0.0312, 1.25, 214."""
    if not value:
        return "" if value is None else "0"
    return places(value, max(0, 2 - math.floor(math.log10(abs(value)))))


@register.filter
def odds(evidence: float | None) -> str:
    """Evidence as a person bets: 118.2 is 118 to 1, 0.17 is 1 to 6."""
    if evidence is None:
        return ""
    if evidence >= BEYOND_WORDS:
        return _("over %(n)s to 1") % {"n": count(BEYOND_WORDS)}
    if evidence >= 1:
        return _("%(n)s to 1") % {"n": count(round(evidence))}
    if evidence * BEYOND_WORDS < 1:
        return _("1 to over %(n)s") % {"n": count(BEYOND_WORDS)}
    return _("1 to %(n)s") % {"n": count(round(1 / evidence))}


@register.filter
def amount(value: float | None) -> str:
    """A sum or a count that is an estimate, to about three digits: 1083.4 is 1,080; 8.63 is 8.6; 0.042 is 0.042."""
    if value is None:
        return ""
    digits = 2 - math.floor(math.log10(abs(value))) if value else 0
    rounded = round(value, digits)
    if digits <= 0:
        return count(round(rounded))
    return number_format(rounded, decimal_pos=min(digits, 1 if abs(value) >= 1 else 3), force_grouping=True)


@register.filter
def money(value: float | None, currency: str) -> str:
    """An estimated sum: € 1,080. Without a currency it is counted in points."""
    if value is None:
        return ""
    if currency == POINTS:
        return _("%(sum)s points") % {"sum": amount(value)}
    return f"{SIGNS.get(currency, currency)}{NBSP}{amount(value)}"


@register.filter
def width(share: float | None) -> int:
    """A share as the width of a meter that is 100 wide."""
    return round(100 * min(max(share or 0.0, 0.0), 1.0))


@register.inclusion_tag("_accuracy.html")
def accuracy(
    evaluation: Accuracy | None,
    target: float | None = None,
    scale: Scale | None = None,
    *,
    big: bool = False,
    bare: bool = False,
    href: str = "",
) -> dict[str, object]:
    """The only way to print an accuracy: value, interval and n; a bound; or what is missing.

    ``bare``: n stands in a column of its own. ``href``: the reviews behind the number.
    """
    state = accuracy_state(evaluation)
    scale = scale or accuracy_scale([shown_low(evaluation), target])
    return {
        "evaluation": evaluation,
        "state": state,
        "needed": REVIEWS_NEEDED,
        "big": big,
        "bare": bare,
        "href": href,
        "range": _range_of(evaluation, state, scale, target),
    }


@register.filter
def accuracy_state(evaluation: Accuracy | None) -> str:
    """``estimate``, ``bound`` (too little for an estimate) or ``none`` (nothing can be said)."""
    if evaluation is None or evaluation.value is None:
        return "none"
    if not evaluation.bound_only:
        return "estimate"
    return "none" if evaluation.lower_bound is None else "bound"


def shown_low(evaluation: Accuracy | None) -> float | None:
    """The lowest number that is drawn for an evaluation."""
    if evaluation is None:
        return None
    return {"estimate": evaluation.ci_low, "bound": evaluation.lower_bound}.get(accuracy_state(evaluation))


def _range_of(evaluation: Accuracy | None, state: str, scale: Scale, target: float | None) -> Range:
    if evaluation is None or state == "none":
        return accuracy_range(scale, value=None, low=None, high=None, target=target)
    if state == "bound":
        return accuracy_range(scale, value=None, low=None, high=None, bound=evaluation.lower_bound, target=target)
    return accuracy_range(scale, value=evaluation.value, low=evaluation.ci_low, high=evaluation.ci_high, target=target)


@register.simple_tag
def report_figure(report: Report) -> str:
    """The first figure of a report with its interval, as it was issued."""
    content = read_content(report.content)
    if not content.figures:
        return ""
    first = content.figures[0]
    before, value = headline(first)
    name = "" if first.key == "accuracy" else f"{first.name}: "
    return f"{name}{before} {value}".strip() + f" ({interval(first)})"


@register.filter
def named(names: Mapping[str, str], slug: str) -> str:
    """A label's name for people; one that the set does not know keeps its slug."""
    return names.get(slug, slug)
