"""A condition of a decision, and the words that decisions are said in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition that must hold, and how it stands in one sentence."""

    name: str
    passed: bool
    detail: str


def points(share: float) -> str:
    """A difference of shares in percentage points, with a proper minus sign."""
    text = f"{100 * share:.1f}"
    return "0.0" if float(text) == 0 else text.replace("-", MINUS)


def count(n: int, one: str, many: str | None = None) -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def duration(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes / 60:.0f} h" if minutes < 48 * 60 else f"{minutes / (24 * 60):.0f} days"
