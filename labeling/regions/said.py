"""What a person says of regions, checked and written out in full, so that nobody has to look it up later. Pure.

A client sends what was done with each region: `kept` and `removed` name a predicted one, `moved` names one and says
where it really is, `added` is a new one. Each may have another label than was predicted. Of a view whose image cannot
be judged it says that alone.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from labeling.regions.predicted import DECIMALS, MOST_POINTS, Region, Size, bounds, rounded
from reviewapp.errors import ReviewAppError

MOST_REGIONS = 200  # of a verdict
LEAST_SIDE = 1.0  # pixel
SLACK = 10.0**-DECIMALS
Origin = Literal["kept", "moved", "added", "removed"]
STANDING = frozenset({"kept", "moved", "added"})


class SaidRegion(msgspec.Struct, forbid_unknown_fields=True):
    origin: Origin
    label: str | None = None
    box: list[float] | None = None
    polygon: list[list[float]] | None = None
    predicted: int | None = None


class SaidView(msgspec.Struct, forbid_unknown_fields=True):
    """An empty list of regions says that nothing is there; none at all belongs to a bad image."""

    view: str
    regions: list[SaidRegion] | None = None
    bad_image: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """A view as it was on screen. ``size`` is unknown of images that stayed at a station."""

    size: Size | None
    predicted: Sequence[Region] = ()


def checked(
    raw: Sequence[Any], *, views: Mapping[str, Shown], labels: Collection[str], version: str
) -> list[dict[str, Any]]:
    """The findings as they are stored: per view its regions with origin, label and place; of those that were predicted
    also the index, and of which version; of a bad image nothing else. Empty where nothing is said.

    :raises ReviewAppError: code ``invalid``, names the region and what is wrong with it.
    """
    try:
        said = msgspec.convert(list(raw), list[SaidView])
    except msgspec.ValidationError as error:
        what, _, where = str(error).rpartition(" - at ")
        raise _wrong(f"findings{where.strip('`').removeprefix('$')}", what or str(error)) from error
    if sum(len(one.regions or ()) for one in said) > MOST_REGIONS:
        raise _wrong("findings", f"hold more than {MOST_REGIONS} regions")
    seen: set[str] = set()
    for at, one in enumerate(said):
        if one.view not in views:
            raise _wrong(f"findings[{at}].view", f"“{one.view[:40]}” is no view of this part")
        if one.view in seen:
            raise _wrong(f"findings[{at}].view", "is there twice")
        seen.add(one.view)
    return [_view(one, views[one.view], labels, version, f"findings[{at}]") for at, one in enumerate(said)]


def _view(said: SaidView, shown: Shown, labels: Collection[str], version: str, where: str) -> dict[str, Any]:
    if said.bad_image and said.regions:
        raise _wrong(where, "is a bad image, which has no regions")
    if said.bad_image:
        return {"view": said.view, "bad_image": True}
    if said.regions is None:
        raise _wrong(where, "says neither regions nor bad_image")
    predicted, used, regions = {one.index: one for one in shown.predicted}, set(), []
    for at, one in enumerate(said.regions):
        here = f"{where}.regions[{at}]"
        if (one.predicted is None) != (one.origin == "added"):
            raise _wrong(f"{here}.predicted", "names the predicted region, unless the region is added")
        before = None if one.predicted is None else predicted.get(one.predicted)
        if one.predicted is not None and before is None:
            raise _wrong(f"{here}.predicted", "names no region that was shown")
        if one.predicted in used:
            raise _wrong(f"{here}.predicted", "names a region that another one names")
        if one.predicted is not None:
            used.add(one.predicted)
        regions.append(_region(one, before, shown.size, labels, here))
    stored: dict[str, Any] = {"view": said.view, "regions": regions}
    return stored | {"version": version} if version and shown.predicted else stored


def _region(
    said: SaidRegion, before: Region | None, size: Size | None, labels: Collection[str], where: str
) -> dict[str, Any]:
    label = said.label or (before.label if before else None)
    if label is None:
        raise _wrong(f"{where}.label", "is missing")
    if label not in labels and (before is None or label != before.label):
        raise _wrong(f"{where}.label", f"“{label[:120]}” is not in the label set")
    stored: dict[str, Any] = {"origin": said.origin, "label": label}
    if before is not None:
        stored |= {"predicted": before.index}
    if before is not None and said.origin != "moved":
        if said.box is not None or said.polygon is not None:
            raise _wrong(where, f"{said.origin} stays where it was predicted: leave box and polygon out")
        return before.as_finding() | stored
    return stored | _place(said, size, where)


def _place(said: SaidRegion, size: Size | None, where: str) -> dict[str, Any]:
    if (said.box is None) == (said.polygon is None):
        raise _wrong(where, "has a box or a polygon: one of them")
    if said.box is not None:
        return {"box": list(_box(said.box, size, f"{where}.box"))}
    polygon = said.polygon or []
    here = f"{where}.polygon"
    if not 3 <= len(polygon) <= MOST_POINTS or any(len(point) != 2 for point in polygon):
        raise _wrong(here, f"is a list of 3 to {MOST_POINTS} points [x, y]")
    if not all(math.isfinite(number) for point in polygon for number in point):
        raise _wrong(here, "holds a number that is not finite")
    return {"box": list(_box(bounds(polygon), size, here)), "polygon": [list(rounded(point)) for point in polygon]}


def _box(box: Sequence[float], size: Size | None, where: str) -> tuple[float, ...]:
    if len(box) != 4 or not all(math.isfinite(number) for number in box):
        raise _wrong(where, "is four finite numbers: x, y, width, height")
    x, y, width, height = box
    if width < LEAST_SIDE or height < LEAST_SIDE:
        raise _wrong(where, "is smaller than a pixel")
    most_x, most_y = size or (math.inf, math.inf)
    if min(x, y) < -SLACK or x + width > most_x + SLACK or y + height > most_y + SLACK:
        of = f" of {size[0]} by {size[1]} pixels" if size else ""
        raise _wrong(where, f"does not lie inside the image{of}")
    return rounded(box)


def _wrong(where: str, what: str) -> ReviewAppError:
    return ReviewAppError(
        f"The verdict is not right: {where} {what}.", code="invalid", fields={"findings": f"{where} {what}"}
    )
