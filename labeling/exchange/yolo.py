"""YOLO detection: `images/` beside `labels/`, a text file per image with `class cx cy width height` as shares.

YOLO knows boxes and nothing else. A defect that nobody boxed is written as a box around the whole image and read back
as one; a good part is an empty file. The name of the file is all that is left of the part.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any

import yaml

from labeling.exchange.errors import SourceRefused
from labeling.exchange.labels import partition_of
from labeling.exchange.parts import ImportedPart, short_id
from labeling.exchange.problems import Problems
from labeling.exchange.regions import Region
from labeling.exchange.rows import BAD_IMAGE, Labels, TruthImage, TruthRow
from labeling.exchange.sources import Source, is_image, read_text

Member = tuple[str, Iterable[bytes]]
SPLITS = {"train": "train", "holdout": "val"}
WHOLE = (0.5, 0.5, 1.0, 1.0)
SAFE = re.compile(r"[^A-Za-z0-9._-]+")


def write(rows: Iterable[TruthRow], labels: Labels, read_image: Callable[[str], bytes] | None) -> Iterator[Member]:
    """The files of the data set. ``read_image``: the images travel too."""
    numbers = {slug: number for number, slug in enumerate(labels)}
    yield "data.yaml", [_about(labels)]
    for row in rows:
        if row.outcome == BAD_IMAGE or row.label not in numbers:
            continue
        for image, regions in row.views():
            split, name = SPLITS[row.partition], _file_name(row, image)
            text = "".join(_line(one, numbers, image) for one in _boxes(row, regions, labels) if one.label in numbers)
            yield f"labels/{split}/{name}.txt", [text.encode()]
            if read_image is not None:
                yield f"images/{split}/{name}{PurePosixPath(image.key).suffix}", [read_image(image.key)]


def _about(labels: Labels) -> bytes:
    about = {"path": ".", "train": "images/train", "val": "images/val", "names": dict(enumerate(labels))}
    return yaml.safe_dump(about, sort_keys=False, allow_unicode=True).encode()


def _file_name(row: TruthRow, image: TruthImage) -> str:
    """Readable, and different for every view of every part."""
    whole = f"{row.station}/{row.inspection_id}/{image.view}"
    return f"{SAFE.sub('_', row.inspection_id)[:80]}-{hashlib.sha256(whole.encode()).hexdigest()[:10]}"


def _boxes(row: TruthRow, regions: list[Region], labels: Labels) -> list[Region]:
    if row.label is not None and not labels[row.label].is_defect:
        return []
    if any(region.label == row.label for region in regions) or row.label is None:
        return regions
    return [*regions, Region(row.label, 0, 0, 1, 1, relative=True)]


def _line(region: Region, numbers: dict[str, int], image: TruthImage) -> str:
    width, height = (1, 1) if region.relative else (image.width or 1, image.height or 1)
    shares = (
        (region.x + region.width / 2) / width, (region.y + region.height / 2) / height,
        region.width / width, region.height / height,
    )  # fmt: skip
    return f"{numbers[region.label]} {' '.join(f'{share:.8g}' for share in shares)}\n"


def read(source: Source, problems: Problems) -> Iterator[ImportedPart]:
    """Every image that has a text file. :raises SourceRefused: no names of the classes, or no image."""
    names, known = _class_names(source), set(source.names)
    images = [name for name in source.names if is_image(name)]
    if not images:
        raise SourceRefused("There is no image beside the labels.", code="nothing_found")
    for row, image in enumerate(images):
        text = next((name for name in _texts_of(image) if name in known), None)
        if text is None:
            problems.refuse(
                image, None, "labels", "has no text file, so nobody has said what it shows", code="no_labels"
            )
            continue
        yield _part(row, image, text, read_text(source, text), names, problems)


def _class_names(source: Source) -> list[str] | dict[int, str]:
    """From `data.yaml` (a list or a mapping), or a file with one name a line."""
    for name in source.names:
        if PurePosixPath(name).suffix in {".yaml", ".yml"}:
            try:
                about: Any = yaml.safe_load(read_text(source, name))
            except yaml.YAMLError as error:
                raise SourceRefused(f"{name} is not YAML: {str(error)[:200]}.", fields={"file": "Not YAML."}) from error
            names = about.get("names") if isinstance(about, dict) else None
            if isinstance(names, list):
                return [str(one) for one in names]
            if isinstance(names, dict) and all(str(key).isdigit() for key in names):
                return {int(key): str(one) for key, one in names.items()}
    for name in source.names:
        if PurePosixPath(name).name in {"obj.names", "classes.txt"}:
            return [line.strip() for line in read_text(source, name).splitlines() if line.strip()]
    raise SourceRefused(
        "There is no data.yaml with names (or obj.names, classes.txt) that says what the numbers mean.",
        code="nothing_found",
    )


def _texts_of(image: str) -> Iterator[str]:
    """Where the text of an image may lie: in the last `images` folder's twin, or beside it."""
    path = PurePosixPath(image)
    parts = list(path.with_suffix(".txt").parts)
    for at in range(len(parts) - 2, -1, -1):
        if parts[at] == "images":
            yield "/".join([*parts[:at], "labels", *parts[at + 1 :]])
            break
    yield path.with_suffix(".txt").as_posix()


def _part(
    row: int, image: str, file: str, text: str, names: list[str] | dict[int, str], problems: Problems
) -> ImportedPart:
    found: list[Region] = []
    whole: list[str] = []
    lines = [line for line in text.splitlines() if line.strip()]
    for at, line in enumerate(lines):
        region = _region(line, file, at, names, problems)
        if region is None:
            continue
        if (region.x, region.y, region.width, region.height) == (0, 0, 1, 1):
            whole.append(region.label)
        else:
            found.append(region)
    path = PurePosixPath(image)
    shown = "/".join(part for part in path.with_suffix("").parts if part != "images")
    return ImportedPart(
        row=row, file=file, inspection_id=short_id(shown), labels=tuple(whole), regions=tuple(found), image=image,
        is_judged=bool(found or whole) or not lines, partition=partition_of(path.parent.as_posix()),
    )  # fmt: skip


def _region(line: str, file: str, at: int, names: list[str] | dict[int, str], problems: Problems) -> Region | None:
    """A box (5 numbers, 6 with a confidence) or the box around a polygon (a class and at least three points)."""
    try:
        number, *numbers = (float(word) for word in line.split())
        label = names[int(number)] if number == int(number) >= 0 else None
    except (ValueError, OverflowError):
        problems.refuse(file, at, "line", f"is not a class and numbers: {line[:60]!r}")
        return None
    except (IndexError, KeyError):
        label = None
    if label is None:
        problems.refuse(file, at, "class", f"is number {line.split()[0]}, which has no name")
        return None
    box = _box(numbers)
    if box is None or not all(math.isfinite(one) for one in box) or box[2] <= 0 or box[3] <= 0:
        problems.refuse(file, at, "box", f"is no box with an area: {line[:60]!r}")
        return None
    return Region(label, *box, relative=True)


def _box(numbers: list[float]) -> tuple[float, float, float, float] | None:
    """Upper left corner and size, as shares."""
    if len(numbers) in {4, 5}:
        cx, cy, width, height = numbers[:4]
        left, top = cx - width / 2, cy - height / 2
        return (0, 0, 1, 1) if _is_whole(numbers[:4]) else (left, top, width, height)
    if len(numbers) >= 6 and len(numbers) % 2 == 0:
        xs, ys = numbers[::2], numbers[1::2]
        return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)
    return None


def _is_whole(numbers: list[float]) -> bool:
    return all(math.isclose(one, other, abs_tol=1e-9) for one, other in zip(numbers, WHOLE, strict=True))
