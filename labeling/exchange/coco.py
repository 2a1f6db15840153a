"""COCO object detection: images, categories, annotations with `bbox` [x, y, width, height] in pixels.

An annotation without `bbox` is a label of the whole image. COCO has no words for the part behind the image; our files
carry them under a key `reviewapp` of each image, which other tools pass over.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from tempfile import SpooledTemporaryFile
from typing import Any

import msgspec

from labeling.exchange.errors import SourceRefused
from labeling.exchange.labels import partition_of
from labeling.exchange.parts import ImportedPart, short_id
from labeling.exchange.problems import Problems
from labeling.exchange.regions import Region
from labeling.exchange.rows import BAD_IMAGE, Labels, TruthImage, TruthRow
from labeling.exchange.sources import Source, read_whole

OF_THE_PART = ("inspection_id", "station", "serial", "lot", "recipe", "group", "partition", "label", "outcome")
SPOOLED = 8 * 2**20


def write(rows: Iterable[TruthRow], labels: Labels, *, now: dt.datetime) -> Iterator[bytes]:
    """One document, written as the rows come: annotations wait in a file until all images are out."""
    numbers = {slug: number for number, slug in enumerate(labels, start=1)}
    yield b'{"info": ' + _json({"description": "reviewapp ground truth", "date_created": now.isoformat()})
    yield b', "licenses": [], "categories": ' + _json(
        [{"id": number, "name": slug, "supercategory": ""} for slug, number in numbers.items()]
    )
    yield b', "images": ['
    with SpooledTemporaryFile(SPOOLED) as waiting:
        n_images = n_annotations = 0
        for row in rows:
            for image, regions in row.views():
                n_images += 1
                yield (b",\n" if n_images > 1 else b"\n") + _json(_image(n_images, row, image))
                for said in _annotations(row, regions, numbers):
                    n_annotations += 1
                    waiting.write(b",\n" if n_annotations > 1 else b"\n")
                    waiting.write(_json({"id": n_annotations, "image_id": n_images, **said}))
        yield b'], "annotations": ['
        waiting.seek(0)
        while block := waiting.read(65_536):
            yield block
    yield b"]}\n"


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _image(number: int, row: TruthRow, image: TruthImage) -> dict[str, Any]:
    ours = {"view": image.view} | {name: getattr(row, name) for name in OF_THE_PART}
    return {
        "id": number, "file_name": image.key, "width": image.width, "height": image.height,
        "date_captured": row.captured_at.isoformat(), "reviewapp": ours,
    }  # fmt: skip


def _annotations(row: TruthRow, regions: list[Region], numbers: dict[str, int]) -> Iterator[dict[str, Any]]:
    """The boxes; and the label of the whole image where no box says it."""
    for region in regions:
        if region.label in numbers:
            box = [region.x, region.y, region.width, region.height]
            area = region.width * region.height
            yield {"category_id": numbers[region.label], "bbox": box, "area": area, "iscrowd": 0, "segmentation": []}
    if row.label in numbers and all(region.label != row.label for region in regions):
        yield {"category_id": numbers[row.label], "iscrowd": 0}


class Ours(msgspec.Struct, frozen=True):
    """What our own files say of the part."""

    inspection_id: str = ""
    view: str = "main"
    serial: str = ""
    lot: str = ""
    recipe: str = ""
    group: str = ""
    partition: str = ""
    label: str | None = None
    outcome: str = ""


class CocoImage(msgspec.Struct, frozen=True):
    id: int | str
    file_name: str
    date_captured: Any = None
    reviewapp: Ours = Ours()


class CocoCategory(msgspec.Struct, frozen=True):
    id: int | str
    name: str


class CocoAnnotation(msgspec.Struct, frozen=True):
    image_id: int | str
    category_id: int | str
    bbox: list[float] | None = None
    iscrowd: int | bool = 0


class CocoDocument(msgspec.Struct, frozen=True):
    images: list[CocoImage]
    categories: list[CocoCategory] = []
    annotations: list[CocoAnnotation] = []


def read(source: Source, problems: Problems) -> Iterator[ImportedPart]:
    """The images of every JSON file that is a COCO document. :raises SourceRefused: there is none."""
    names = [name for name in source.names if name.lower().endswith(".json")]
    n_documents = 0
    for name in names:
        document = _decode(source, name, is_only=len(names) == 1, problems=problems)
        if document is not None:
            n_documents += 1
            yield from _parts(document, name, problems)
    if not n_documents:
        raise SourceRefused(
            "There is no COCO file (JSON with images, categories and annotations).", code="nothing_found"
        )


def _decode(source: Source, name: str, *, is_only: bool, problems: Problems) -> CocoDocument | None:
    try:
        return msgspec.json.decode(read_whole(source, name), type=CocoDocument, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if is_only:
            raise SourceRefused(f"{name} is not a COCO file: {error}.", fields={"file": str(error)}) from error
        problems.note(name, None, "file", f"is not a COCO file and was passed over: {error}", code="not_coco")
        return None


def _parts(document: CocoDocument, name: str, problems: Problems) -> Iterator[ImportedPart]:
    categories = {one.id: one.name for one in document.categories}
    said: dict[int | str, list[tuple[int, CocoAnnotation]]] = defaultdict(list)
    known = {image.id for image in document.images}
    for row, one in enumerate(document.annotations):
        if one.image_id in known:
            said[one.image_id].append((row, one))
        else:
            problems.refuse(name, row, "image_id", f"names image {one.image_id}, which the file does not list")
    for row, image in enumerate(document.images):
        yield _part(row, image, name, said.get(image.id, []), categories, problems)


def _part(
    row: int, image: CocoImage, name: str, said: list[tuple[int, CocoAnnotation]],
    categories: dict[int | str, str], problems: Problems,
) -> ImportedPart:  # fmt: skip
    """Whatever had to be left out, the image does not become a good one by it."""
    found = [_said(one, name, at, categories, problems) for at, one in said]
    labels = tuple(one for one in found if isinstance(one, str))
    regions = tuple(one for one in found if isinstance(one, Region))
    ours = image.reviewapp
    return ImportedPart(
        row=row, file=name, inspection_id=ours.inspection_id or short_id(image.file_name),
        labels=(ours.label,) if ours.label else labels, regions=regions, image=image.file_name,
        is_judged=bool(labels or regions) or not said, is_bad_image=ours.outcome == BAD_IMAGE, view=ours.view,
        serial=ours.serial, lot=ours.lot, recipe=ours.recipe, group=ours.group,
        captured_at=_moment(image.date_captured),
        partition=ours.partition or partition_of(name) or partition_of(image.file_name),
    )  # fmt: skip


def _said(
    one: CocoAnnotation, name: str, at: int, categories: dict[int | str, str], problems: Problems
) -> str | Region | None:
    label = categories.get(one.category_id)
    if label is None:
        problems.refuse(name, at, "category_id", f"names category {one.category_id}, which the file does not list")
    elif not one.bbox:
        return label
    elif one.iscrowd:
        problems.note(name, at, "iscrowd", "marks a crowd: no single box, so it was left out", code="crowd")
    elif len(one.bbox) != 4 or one.bbox[2] <= 0 or one.bbox[3] <= 0:
        problems.refuse(name, at, "bbox", "is no box [x, y, width, height] with an area")
    else:
        x, y, width, height = one.bbox
        return Region(label, x, y, width, height)
    return None


def _moment(said: Any) -> dt.datetime | None:
    """COCO's own files have moments without a time zone, which nobody can place: they are passed over."""
    try:
        moment = dt.datetime.fromisoformat(str(said))
    except ValueError:
        return None
    return moment if moment.tzinfo else None
