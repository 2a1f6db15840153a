"""CVAT for images 1.1: an XML file with `<image>`s that hold `<box>`, `<polygon>` and `<tag>`. Read as it streams by.

defusedxml refuses document types, entities and what they load from elsewhere: a bomb is never unpacked.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, cast
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from labeling.exchange.errors import SourceRefused
from labeling.exchange.labels import partition_of
from labeling.exchange.parts import ImportedPart, short_id
from labeling.exchange.problems import Problems
from labeling.exchange.regions import Region
from labeling.exchange.sources import BROKEN, Source

SHAPES = {"box", "polygon", "polyline", "points", "mask", "ellipse", "cuboid", "skeleton"}


def read(source: Source, problems: Problems) -> Iterator[ImportedPart]:
    """The images of every XML file. :raises SourceRefused: there is none; ``xml_refused``: it holds what may harm."""
    names = [name for name in source.names if name.lower().endswith(".xml")]
    found = False
    for name in names:
        for row, image in enumerate(_images(source, name)):
            found = True
            yield _part(row, image, name, problems)
    if not found:
        raise SourceRefused("There is no CVAT file (XML with annotations of images).", code="nothing_found")


def _images(source: Source, name: str) -> Iterator[Element]:
    """Each image, forgotten after its turn, so that the memory does not grow with the file."""
    with source.open(name) as file:
        try:
            root: Element | None = None
            for event, element in iterparse(file, events=("start", "end"), forbid_dtd=True):
                if root is None:
                    root = cast(Element, element)
                    if root.tag != "annotations":
                        raise SourceRefused(f"{name} is not a CVAT file: it starts with <{root.tag}>.")
                elif event == "end" and element.tag == "image":
                    yield element
                    root.clear()
        except DefusedXmlException as error:
            what = f"{name} holds a document type or entities, which a CVAT file never has. Nothing was imported."
            raise SourceRefused(what, code="xml_refused", fields={"file": type(error).__name__}) from error
        except BROKEN as error:
            raise SourceRefused(f"{name} cannot be unpacked: {error}.", code="archive_refused") from error
        except (ParseError, ValueError) as error:
            raise SourceRefused(f"{name} is not XML: {error}.", fields={"file": str(error)}) from error


def _part(row: int, image: Element, name: str, problems: Problems) -> ImportedPart:
    said = list(image)
    labels = tuple(str(one.get("label")) for one in said if one.tag == "tag" and one.get("label"))
    regions = []
    for one in said:
        if one.tag not in SHAPES:
            continue
        region = _region(one)
        if region is not None:
            regions.append(region)
        elif one.tag in {"box", "polygon"}:
            problems.refuse(name, row, one.tag, "has no label or no area")
        else:
            problems.note(name, row, one.tag, "is a shape that is not taken", code="kind_not_taken")
    file_name = image.get("name") or ""
    return ImportedPart(
        row=row, file=name, inspection_id=short_id(file_name or f"{name}-{image.get('id', row)}"), labels=labels,
        regions=tuple(regions), image=file_name, is_judged=bool(labels or regions) or not said,
        partition=partition_of(image.get("subset") or "") or partition_of(file_name),
    )  # fmt: skip


def _region(one: Element) -> Region | None:
    """A box, or the box around a polygon. A turned box (about its centre) becomes the box around it."""
    attributes: dict[str, Any] = dict(one.attrib)
    try:
        if one.tag == "box":
            x1, y1, x2, y2 = (float(attributes[key]) for key in ("xtl", "ytl", "xbr", "ybr"))
            corners = _turned(x1, y1, x2, y2, float(attributes.get("rotation") or 0))
        elif one.tag == "polygon":
            points = [point.split(",") for point in str(attributes["points"]).split(";")]
            corners = [(float(x), float(y)) for x, y in points]
        else:
            return None
        label = str(attributes["label"])
    except (KeyError, ValueError):
        return None
    left, top = min(x for x, _ in corners), min(y for _, y in corners)
    region = Region(label, left, top, max(x for x, _ in corners) - left, max(y for _, y in corners) - top)
    return region if region.is_box else None


def _turned(x1: float, y1: float, x2: float, y2: float, degrees: float) -> list[tuple[float, float]]:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    cx, cy, corners = (x1 + x2) / 2, (y1 + y2) / 2, [(x1, y1), (x2, y1), (x2, y2), (x1, y2)]
    return [(cx + (x - cx) * cos - (y - cy) * sin, cy + (x - cx) * sin + (y - cy) * cos) for x, y in corners]
