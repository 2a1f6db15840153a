"""The image of an imported part: found, and checked as ingest checks its own. The one place that knows how."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from labeling.errors import ImageRefused
from labeling.exchange.errors import SourceRefused
from labeling.exchange.parts import ImportedPart
from labeling.exchange.sources import Finder, Source, read_whole
from labeling.images import CheckedImage, check_image, read_from_root


def image_of(part: ImportedPart, source: Source, finder: Finder) -> CheckedImage:
    """The checked image that a part names.

    :raises ImageRefused: it is not there (``image_missing``), an address (``image_is_an_address``), or cannot be used.
    """
    if part.image.startswith(("http://", "https://", "s3://", "gs://", "ftp://")):
        raise ImageRefused(
            f"{part.image[:200]} is an address; put the images into the archive or beside the file.",
            code="image_is_an_address", fields={"image": "An address."},
        )  # fmt: skip
    return check_image(
        _bytes(part, source, finder), max_bytes=settings.MAX_IMAGE_BYTES, max_pixels=settings.MAX_IMAGE_PIXELS
    )


def _bytes(part: ImportedPart, source: Source, finder: Finder) -> bytes:
    name = finder.find(part.image, document=part.file)
    if name is not None:
        try:
            return read_whole(source, name, limit=settings.MAX_IMAGE_BYTES)
        except SourceRefused as error:
            raise ImageRefused(error.message, code=error.code, fields={"image": error.message}) from error
    if settings.IMAGE_ROOTS and Path(part.image).is_absolute():
        return read_from_root(part.image, roots=settings.IMAGE_ROOTS, max_bytes=settings.MAX_IMAGE_BYTES)
    raise ImageRefused(
        f"{part.image[:200]} is not in the source.", code="image_missing", fields={"image": "Not in the source."}
    )
