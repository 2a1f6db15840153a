"""Plans in words. Accuracies never travel without what they rest on; what cannot be shown is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from models_registry.templatetags.figures import count, number, percent

if TYPE_CHECKING:
    from labeling.planning.answers import Plan
    from labeling.planning.outlook import BudgetOutlook


def of_outlook(outlook: BudgetOutlook) -> list[str]:
    if outlook.reviews_per_day is None or outlook.audits_per_day is None:
        return [_("Nothing arrived in the last %(days)s days, so nothing can be said.") % {"days": outlook.window_days}]
    said = [
        _("Today's design asks for about %(n)s reviews a day, %(audits)s of them picked by chance alone.")
        % {"n": about(outlook.reviews_per_day), "audits": about(outlook.audits_per_day)}
    ]
    if outlook.half_width is not None:
        text = _("In %(days)s days they show the accuracy to within ± %(points)s points.")
        said.append(text % {"days": outlook.window_days, "points": share(outlook.half_width)})
    if outlook.response_rate is not None and outlook.response_rate < 0.95:
        text = _("Only %(rate)s of what was drawn is settled: if that stays so, it takes more.")
        said.append(text % {"rate": percent(outlook.response_rate, 0)})
    said += [_of_fall(hours, lowest) for hours, lowest in outlook.falls]
    return said + _of_limits(outlook)


def _of_fall(hours: float, lowest: float | None) -> str:
    if lowest is None:
        return _("No fall is noticed within %(time)s: too few parts pass by.") % {"time": span(hours)}
    text = _("Within %(time)s a fall to %(accuracy)s is noticed, in four of five cases; a smaller one later or not.")
    return text % {"time": span(hours), "accuracy": percent(lowest)}


def _of_limits(outlook: BudgetOutlook) -> list[str]:
    audits = (outlook.audits_per_day or 0) * outlook.window_days
    said = []
    if outlook.bound_without_error is not None:
        text = _("If no error is found in %(days)s days, the error rate is at most %(bound)s; no less can be shown.")
        said.append(text % {"days": outlook.window_days, "bound": share_percent(outlook.bound_without_error)})
    text = _("10 ppm cannot be shown by sampling: %(n)s reviews without an error show at most %(bound)s.")
    said.append(text % {"n": about(audits), "bound": share_percent(min(1.0, 3 / audits) if audits > 0 else 1.0)})
    if outlook.days_to_show_10_ppm is not None:
        text = _("It would take 300,000 reviews picked by chance, all without an error: %(time)s at this rate.")
        said.append(text % {"time": span(24 * outlook.days_to_show_10_ppm)})
    return said


def of_plan(plan: Plan) -> list[str]:
    today = plan.outlook.reviews_per_day
    if today is None:
        return []
    return [*_of_precision(plan, today), *_of_asked_fall(plan, today)]


def _of_precision(plan: Plan, today: float) -> list[str]:
    asked = plan.question
    if asked.half_width is None:
        return []
    what = {
        "points": share(asked.half_width), "confidence": percent(asked.confidence, 0), "days": asked.window_days,
    }  # fmt: skip
    if plan.precision is None:
        text = _("± %(points)s points at %(confidence)s in %(days)s days is out of reach of drawing: check all parts.")
        return [text % what]
    text = _("± %(points)s points at %(confidence)s in %(days)s days take about %(n)s reviews a day.")
    return [
        text % {**what, "n": about(plan.precision.reviews_per_day)},
        _against(plan.precision.reviews_per_day, plan.precision.budget, today),
    ]


def _of_asked_fall(plan: Plan, today: float) -> list[str]:
    asked = plan.question
    if asked.falls_to is None or plan.fall_today is None:
        return []
    what = {"accuracy": percent(asked.falls_to), "time": span(asked.within_hours)}
    if plan.fall is None:
        text = _("A fall to %(accuracy)s is not noticed within %(time)s with any budget: too few parts pass by.")
        return [text % what, _as_of_today(plan)]
    text = _("Noticing a fall to %(accuracy)s within %(time)s, in four of five cases, takes about %(n)s reviews a day.")
    said = text % {**what, "n": about(plan.fall.reviews_per_day)}
    return [said, _against(plan.fall.reviews_per_day, plan.fall.budget, today), _as_of_today(plan)]


def _against(needed: float, budget: float, today: float) -> str:
    if needed <= today:
        return _("Today's %(n)s are enough.") % {"n": about(today)}
    text = _("Today's design asks for %(n)s; a budget of %(budget)s would do.")
    return text % {"n": about(today), "budget": share_percent(budget)}


def _as_of_today(plan: Plan) -> str:
    fall = plan.fall_today
    if fall is None or fall.sure_hours is None or fall.typical_hours is None:
        return _("With today's reviews it is hardly ever noticed.")
    text = _("With today's reviews it takes %(typical)s in half of the cases and %(sure)s in four of five.")
    return text % {"typical": span(fall.typical_hours), "sure": span(fall.sure_hours)}


def about(n: float) -> str:
    """A count that is an expectation: two digits below 10, whole above."""
    return f"{n:.1f}" if n < 10 else count(round(n))


def share(value: float) -> str:
    """Points, with as many digits as a small one needs."""
    return number(value, 1 if value >= 0.005 else 2 if value >= 0.0005 else 4)


def share_percent(value: float) -> str:
    return f"{share(value)}\u00a0%"


def span(hours: float) -> str:
    """A time as people say it, rounded."""
    if hours < 1:
        n = max(1, round(hours * 60))
        return ngettext("%(n)s minute", "%(n)s minutes", n) % {"n": n}
    if hours < 48:
        n = round(hours)
        return ngettext("%(n)s hour", "%(n)s hours", n) % {"n": n}
    if hours < 24 * 730:
        n = round(hours / 24)
        return ngettext("%(n)s day", "%(n)s days", n) % {"n": n}
    n = round(hours / 24 / 365)
    return ngettext("%(n)s year", "%(n)s years", n) % {"n": count(n)}
