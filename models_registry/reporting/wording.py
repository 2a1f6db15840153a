"""Numbers as people read them, and what a number of reviews can and cannot show. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from models_registry.estimation.finite import FiniteShare
from models_registry.reporting.content import Figure

SMALLEST = 1e-5  # 10 ppm, the share that quality managers ask for


def percent(share: float, *, digits: int | None = None) -> str:
    """95.3 %, 0.43 %, 0.012 %: two significant digits below one percent; 0 % and 100 % only if exact."""
    value = 100 * share
    if value in (0, 100):
        return f"{value:.0f} %"
    if digits is None:
        digits = 1 if value >= 1 else min(1 - math.floor(math.log10(abs(value))), 6)
    text = f"{value:.{digits}f}"
    if float(text) == 100:
        return f"{math.floor(value * 1e4) / 1e4:.4f} %"
    return f"{text.rstrip('0') if value < 1 else text} %"


def number(value: float) -> str:
    """1,204 or 12.5: whole from 100 on."""
    return f"{value:,.0f}" if abs(value) >= 100 or float(value).is_integer() else f"{value:,.1f}"


def amount(value: float, figure: Figure) -> str:
    """A value of a figure in its unit."""
    if figure.unit == "share":
        return percent(value)
    if figure.unit == "money":
        return f"{value:,.2f} {figure.currency}".strip()
    return number(value)


def interval(figure: Figure) -> str:
    """`93.4 % to 96.7 %`; for an exact number the number alone."""
    if figure.low is None or figure.high is None:
        return "not measurable yet"
    if figure.low == figure.high:
        return "exact"
    return f"{amount(figure.low, figure)} to {amount(figure.high, figure)}"


def headline(figure: Figure) -> tuple[str, str]:
    """What stands in large type, and the word before it: ("", "95.3 %"), ("at least", "99.0 %"), ("", "-")."""
    if figure.value is None:
        return "", "-"
    if figure.bound_only and figure.bound is not None:
        return "at least" if figure.key == "accuracy" else "at most", amount(figure.bound, figure)
    return "", amount(figure.value, figure)


def errors_found(errors: FiniteShare, *, n: int, found: int, of: int, bound_only: bool) -> str:
    """The finding on a simple random sample, as one sentence."""
    if n == of:
        return f"All {of:,} parts were judged, so the number is exact for them: {found:,} are labelled wrongly."
    most = f"at most {percent(errors.upper)} of the {of:,} parts, that is {round(errors.upper * of):,}, are wrong"
    if found == 0:
        return f"No error in {n:,} judged parts: {most} (95 % confidence)."
    if bound_only:
        return f"{_count(found, 'error')} in {n:,} judged parts is too few for an estimate: {most} (95 % confidence)."
    low, high = math.floor(errors.low * of + 1e-6), math.ceil(errors.high * of - 1e-6)
    return (
        f"{_count(found, 'error')} in {n:,} judged parts: of the {of:,} parts between {low:,} and {high:,} are "
        "labelled wrongly (95 % confidence)."
    )


def rule_of_three(n: int) -> str:
    """What sampling cannot show, said aloud (STATISTICS, item 7 of the issue): 3/n is the bound without an error."""
    needed = 3 / SMALLEST
    return (
        f"10 ppm cannot be shown by sampling: {n:,} reviews without an error show at most {300 / n:.2g} %. "
        f"For 10 ppm {needed:,.0f} reviews without an error would be needed."
    )


def smallest_change(share: float, *, n: int, of: int) -> str:
    """How far a second audit of the same size has to differ to be told from chance."""
    spread = math.sqrt(2 * max(share, 1 / n) * (1 - share) / n * (1 if of <= 1 else (of - n) / (of - 1)))
    return (
        f"A second audit of this size tells a change from chance only from about {100 * 1.96 * spread:.1f} points on."
    )


def few_judged(counts: Sequence[tuple[str, int]], *, least: int = 30) -> str:
    """Labels of which too few parts were judged to say anything of them alone; empty when there is none."""
    few = [f"{name} ({n})" for name, n in counts if n < least]
    if not few:
        return ""
    more = f" and {len(few) - 6} more" if len(few) > 6 else ""
    return f"Of single labels with fewer than {least} judged parts nothing is said: {', '.join(few[:6])}{more}."


def complaints_fit(*, n_complaints: int, most_escapes: float | None, least_escapes: float | None, passed: int) -> str:
    """Whether what came back and what was measured can both be true.

    ``least_escapes`` and ``most_escapes``: the interval of escapes among the passed parts, as counts. A complaint is
    an escape that was found; one that nobody has complained about is one too, so fewer complaints contradict nothing.
    """
    came = f"{_count(n_complaints, 'returned or complained-about part')} of {passed:,} passed"
    if most_escapes is None or least_escapes is None:
        return f"{came}. How many escapes there were was not measured, so the two cannot be compared."
    if n_complaints > math.ceil(most_escapes):
        return (
            f"{came}; the measurement allows at most {math.ceil(most_escapes):,} escapes. Both cannot be true: what is "
            "a defect to the customer may not be one to the inspectors, or the interval is one of the 5 % that miss."
        )
    if n_complaints < math.floor(least_escapes):
        return (
            f"{came}; the measurement says {math.floor(least_escapes):,} to {math.ceil(most_escapes):,} escapes. Both "
            "can be true: complaints come late, and not every escape is noticed."
        )
    return (
        f"{came}; the measurement says {math.floor(least_escapes):,} to {math.ceil(most_escapes):,} escapes. "
        "Both can be true."
    )


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"
