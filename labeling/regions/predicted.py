"""The regions that a version drew on a view, as people are shown them. Findings are free: what is no region is passed
over. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_SHOWN = 200
DECIMALS = 2  # a hundredth of a pixel
MOST_POINTS = 100

Point = tuple[float, float]
Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Region:
    """``index``: its place among the view's regions as they were sent. ``polygon`` is empty where only a box is known;
    the box is then its bounds.
    """

    index: int
    label: str
    box: tuple[float, float, float, float]
    polygon: tuple[Point, ...] = ()
    confidence: float | None = None

    def as_finding(self) -> dict[str, Any]:
        """Label and place, as they are stored."""
        said: dict[str, Any] = {"label": self.label, "box": list(self.box)}
        return said | {"polygon": [list(point) for point in self.polygon]} if self.polygon else said


def predicted_regions(findings: Sequence[Any], view: str, size: Size | None) -> list[Region]:
    """Those of a view that lie in its image (``size``: width and height, where known), cut off at its edge.

    Of more than 200 the surest, in the order in which they were sent. A region without a label has its view's.
    """
    found, index = [], 0
    for finding in findings:
        if not isinstance(finding, Mapping) or finding.get("view", "main") != view:
            continue
        regions = finding.get("regions", [finding])
        for raw in regions if isinstance(regions, list) else []:
            region = _region(raw, finding.get("label"), index, size)
            index += 1
            if region is not None:
                found.append(region)
    surest = sorted(found, key=lambda one: -1.0 if one.confidence is None else one.confidence, reverse=True)
    return sorted(surest[:MOST_SHOWN], key=lambda one: one.index)


def bounds(polygon: Sequence[Sequence[float]]) -> tuple[float, float, float, float]:
    """The box around a polygon."""
    xs, ys = [point[0] for point in polygon], [point[1] for point in polygon]
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


def rounded(numbers: Sequence[float]) -> tuple[float, ...]:
    return tuple(round(float(number), DECIMALS) for number in numbers)


def _region(raw: Any, label: Any, index: int, size: Size | None) -> Region | None:
    if not isinstance(raw, Mapping):
        return None
    name, polygon, box = raw.get("label") or label, _polygon(raw.get("polygon"), size), None
    if polygon:
        box = bounds(polygon)
    elif _are_numbers(raw.get("box"), 4):
        box = _cut(tuple(float(number) for number in raw["box"]), size)
    if not isinstance(name, str) or box is None or not (box[2] > 0 and box[3] > 0):
        return None
    confidence: Any = raw.get("confidence")
    sure = float(confidence) if _are_numbers([confidence], 1) else None
    x, y, width, height = rounded(box)
    return Region(index, name, (x, y, width, height), polygon, sure) if width > 0 and height > 0 else None


def _polygon(raw: Any, size: Size | None) -> tuple[Point, ...]:
    if not isinstance(raw, list) or not 3 <= len(raw) <= MOST_POINTS or not all(_are_numbers(one, 2) for one in raw):
        return ()
    width, height = size or (math.inf, math.inf)
    inside = [(min(max(float(x), 0.0), width), min(max(float(y), 0.0), height)) for x, y in raw]
    return tuple((round(x, DECIMALS), round(y, DECIMALS)) for x, y in inside)


def _cut(box: tuple[float, ...], size: Size | None) -> tuple[float, float, float, float]:
    x, y, width, height = box
    most_x, most_y = size or (math.inf, math.inf)
    left, top = min(max(x, 0.0), most_x), min(max(y, 0.0), most_y)
    right, bottom = min(max(x + width, 0.0), most_x), min(max(y + height, 0.0), most_y)
    return left, top, right - left, bottom - top


def _are_numbers(raw: Any, n: int) -> bool:
    return (
        isinstance(raw, list)
        and len(raw) == n
        and all(isinstance(one, int | float) and not isinstance(one, bool) and math.isfinite(one) for one in raw)
    )
