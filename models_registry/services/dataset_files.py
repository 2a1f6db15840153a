"""A dataset's files: the manifest as it was frozen, its images as they were, and whether both still are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from models_registry import files, manifest
from models_registry.manifest import ManifestHeader, ManifestImage, ManifestRow
from models_registry.models import Dataset
from reviewapp.errors import ReviewAppError

MANIFEST = "manifest.jsonl"


class TooManyImages(ReviewAppError):
    """More than one request should carry."""

    code = "too_many_images"
    http_status = 413


@dataclass(frozen=True, slots=True)
class Damage:
    """A file that is not what the dataset was frozen with: ``what`` is ``missing``, ``changed`` or ``unreadable``."""

    inspection: str
    key: str
    what: str
    message: str


def open_dataset(dataset: Dataset) -> tuple[ManifestHeader, list[ManifestRow]]:
    """Header and rows. :raises ManifestError: it is gone or not what was frozen. :raises FileMissing: :raises
    StoreUnavailable:"""
    return manifest.read(files.local_copy(dataset.manifest), expected_sha256=dataset.sha256)


def verify(rows: Iterable[ManifestRow]) -> Iterator[Damage | None]:
    """For each row in turn what is wrong with its images, None where all are what they were. Each file is read once."""
    seen: dict[tuple[str, str], Damage | None] = {}
    for row in rows:
        found = None
        for image in row.images:
            known = (image.key, image.sha256)
            if known not in seen:
                seen[known] = _look_at(row, image)
            found = found or seen[known]
        yield found


def _look_at(row: ManifestRow, image: ManifestImage) -> Damage | None:
    try:
        files.read(image.key, sha256=image.sha256)
    except files.FileMissing as error:
        return Damage(row.inspection, image.key, "missing", error.message)
    except files.FileChanged as error:
        return Damage(row.inspection, image.key, "changed", error.message)
    except files.StoreUnavailable as error:
        return Damage(row.inspection, image.key, "unreadable", error.message)
    return None


def members(dataset: Dataset, *, images: bool, most: int | None = None) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Name and bytes of each file of an archive: the manifest first, each image once, under its hash.

    :raises TooManyImages: more than ``most``. :raises FileChanged: while an image is read that is not what it was.
    """
    _header, rows = open_dataset(dataset)
    wanted = {image.sha256: image for row in rows for image in row.images} if images else {}
    if most is not None and len(wanted) > most:
        raise TooManyImages(
            f"This dataset has {len(wanted):,} images; a download carries {most:,}. Write it to a file on the server: "
            f"manage.py export_dataset {dataset.pk} FILE.zip --images"
        )
    return _members(dataset, wanted)


def _members(dataset: Dataset, images: dict[str, ManifestImage]) -> Iterator[tuple[str, Iterable[bytes]]]:
    yield MANIFEST, _pieces(dataset.manifest, dataset.sha256)
    for sha256, image in images.items():
        yield f"images/{sha256}{PurePosixPath(image.key).suffix}", _pieces(image.key, sha256)


def _pieces(key: str, sha256: str) -> Iterator[bytes]:
    """The bytes as they come; at the end it is known whether they were the right ones."""
    whole = hashlib.sha256()
    for piece in files.pieces(key, start=0, length=files.size(key)):
        whole.update(piece)
        yield piece
    if whole.hexdigest() != sha256:
        raise files.FileChanged(f"The file {key} is not what was recorded: its hash differs.")
