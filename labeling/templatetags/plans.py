"""How the planner's numbers stand in its form: plain, as a browser's number field takes them."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext_lazy as _

from labeling.planning.words import about

register = template.Library()
WORDS = {
    "measured": _("as measured"),
    "policy": _("as the model's settings say"),
    "given": _("as you say"),
    "assumed": _("assumed"),
    "missing": _("not known: please say"),
}


@register.filter
def origin_words(origin: str) -> str:
    return str(WORDS.get(origin, ""))


@register.filter
def plain(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}" if value < 1000 else f"{value:.0f}"


@register.filter
def in_percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.4g}"


@register.filter
def about_count(value: float | None) -> str:
    return "" if value is None else about(value)
