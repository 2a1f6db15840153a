"""Boxes in findings. A finding is `{"view": "main", "regions": [{"label": "scratch", "box": [x, y, width, height]}]}`;
a region that lies in the list itself belongs to the view `main`. Pixels of the original image, from its upper left.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

DECIMALS = 2  # a hundredth of a pixel: what survives every format's rounding


@dataclass(frozen=True, slots=True)
class Region:
    """A box with its label. ``relative``: x, y, width and height are shares of the image's width and height."""

    label: str
    x: float
    y: float
    width: float
    height: float
    confidence: float | None = None
    relative: bool = False

    def in_pixels(self, width: int, height: int) -> Region:
        """The same box in pixels of an image of this size, rounded, cut off at the image's edge."""
        by_x, by_y = (width, height) if self.relative else (1, 1)
        left, top = _between(self.x * by_x, width), _between(self.y * by_y, height)
        right = _between((self.x + self.width) * by_x, width)
        bottom = _between((self.y + self.height) * by_y, height)
        return replace(
            self, x=_rounded(left), y=_rounded(top), width=_rounded(right - left), height=_rounded(bottom - top),
            relative=False,
        )  # fmt: skip

    def as_finding(self) -> dict[str, Any]:
        """How it is stored. Pixels only."""
        said = {"label": self.label, "box": [self.x, self.y, self.width, self.height]}
        return said if self.confidence is None else said | {"confidence": self.confidence}

    @property
    def is_box(self) -> bool:
        """Finite, and with an area."""
        numbers = (self.x, self.y, self.width, self.height)
        return all(math.isfinite(number) for number in numbers) and self.width > 0 and self.height > 0


def _between(value: float, end: int) -> float:
    return min(max(value, 0.0), float(end))


def _rounded(value: float) -> float:
    return round(value, DECIMALS)


def regions_of_view(findings: Sequence[Any], view: str, label: str | None) -> list[Region]:
    """The boxes that findings hold for a view. What is no box (a heat map, a note) is passed over: findings are free.

    A region without a label of its own has the part's.
    """
    found: list[Region] = []
    for finding in findings:
        if not isinstance(finding, Mapping) or finding.get("view", "main") != view:
            continue
        regions = finding.get("regions", [finding])
        found += [one for raw in (regions if isinstance(regions, list) else []) if (one := _region(raw, label))]
    return found


def _region(raw: Any, label: str | None) -> Region | None:
    box = raw.get("box") if isinstance(raw, Mapping) else None
    if not isinstance(box, list) or len(box) != 4 or not all(_is_number(number) for number in box):
        return None
    name, confidence = raw.get("label") or label, raw.get("confidence")
    if not isinstance(name, str):
        return None
    x, y, width, height = (float(number) for number in box)
    region = Region(name, x, y, width, height, float(confidence) if _is_number(confidence) else None)
    return region if region.is_box else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def findings_of(regions: Iterable[Region], *, view: str = "main") -> list[dict[str, Any]]:
    """The findings that hold these boxes; empty without a box."""
    found = [region.as_finding() for region in regions]
    return [{"view": view, "regions": found}] if found else []
