"""What all pictures share: numbers with an interval, lines of a grid, words that keep apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models_registry.charts import px

LABEL_GAP = 32.0
REVIEWS_NEEDED = 30


@dataclass(frozen=True, slots=True)
class Share:
    """A share between 0 and 1 with its 95 % interval, from ``n`` reviews. None: it cannot be said."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    bound_only: bool = False

    @property
    def is_estimate(self) -> bool:
        return not self.bound_only and None not in (self.value, self.low, self.high)


@dataclass(frozen=True, slots=True)
class Spot:
    """A point of the picture, with the height of the words beside it."""

    x: str
    y: str
    text_y: str
    text_y2: str


def spot(x: float, y: float, text: float) -> Spot:
    return Spot(px(x), px(y), px(text + 4), px(text + 19))


def time_format(seconds: float) -> str:
    """How moments are written on an axis of so many seconds, as a Django date format: no two ticks look the same."""
    if seconds < 3600:
        return "H:i:s"
    return "j M, H:i" if seconds < 3 * 86_400 else "j M"


def spread(heights: Mapping[str, float | None], *, top: float, gap: float = LABEL_GAP) -> dict[str, float]:
    """Heights of the words at the right edge, moved apart where they would lie on each other."""
    placed: dict[str, float] = {}
    floor = top
    for name, height in sorted(((n, h) for n, h in heights.items() if h is not None), key=lambda pair: pair[1]):
        placed[name] = max(height, floor)
        floor = placed[name] + gap
    return placed


def lying(y: float, left: float, right: float, *, half: float = 4.0) -> str:
    """A whisker that lies: from left to right, with two feet."""
    top, foot = px(y - half), px(2 * half)
    return f"M{px(left)} {px(y)}H{px(right)}M{px(left)} {top}v{foot}M{px(right)} {top}v{foot}"
