"""Derivatives in the store: made once, by a worker after the image came, or by whoever needs one that is missing.

The tiles of a very large image are made a level at a time, when somebody has zoomed in so far.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from django.core.cache import cache
from redis.exceptions import RedisError

from labeling.errors import ImageRefused
from labeling.images.derivatives import derivative_key, make_derivatives
from labeling.images.mosaic import PLACES, make_level, mosaic_key, n_tiles, place_of
from labeling.models import Item
from models_registry import files
from reviewapp.errors import ReviewAppError

Made = TypeVar("Made")
How = TypeVar("How")
logger = logging.getLogger(__name__)
AFTER_ARRIVAL = ["thumbnail", "tile", "review"]
MAKER_SECONDS = 60
decoding = threading.BoundedSemaphore(1)  # a large image takes hundreds of megabytes: one at a time in a process


def derivative(item: Item, size: str) -> str:
    """The key of a derivative that is there.

    :raises FileMissing: the original is gone. :raises FileChanged: the original is not what was recorded.
    :raises StoreUnavailable:
    """
    key = derivative_key(item.sha256, size)
    if not files.exists(key):
        sizes = AFTER_ARRIVAL if size in AFTER_ARRIVAL else [size]
        _make(item, sizes[0], key, lambda data: _derivatives(item, data, sizes))
    return key


def tile(item: Item, level: int, column: int, row: int) -> bytes:
    """A JPEG of one tile that there is, of an item that has them (`mosaic.has_mosaic`).

    :raises FileMissing, FileChanged, StoreUnavailable: as above.
    """
    key = mosaic_key(item.sha256, level)
    if not files.exists(key):
        _make(item, f"mosaic{level}", key, lambda data: {key: _shown(make_level, data, level)})
    columns, _ = n_tiles(item.width or 0, item.height or 0, level)
    said = b"".join(files.pieces(key, start=place_of(row * columns + column), length=PLACES.size))
    start, end = PLACES.unpack(said)
    return b"".join(files.pieces(key, start=start, length=end - start))


def prepare(items: Iterable[Item]) -> int:
    """Make what the station will ask for. Returns how many images could be prepared; one's trouble stops no other."""
    n = 0
    for item in items:
        try:
            derivative(item, "review")
        except ReviewAppError as error:
            logger.warning("no derivative of item %s: %s", item.pk, error)
        else:
            n += 1
    return n


def _make(item: Item, what: str, key: str, made: Callable[[bytes], dict[str, bytes]]) -> None:
    """One makes, the others wait for it. Should the maker die, or Redis, two may make the same: harmless, the bytes
    are written whole under a name that only they have.
    """
    job = f"deriving-{item.sha256}-{what}"
    for _ in range(MAKER_SECONDS * 10):
        if _is_maker(job):
            break
        time.sleep(0.1)
        if files.exists(key):
            return
    try:
        with decoding:
            if files.exists(key):
                return
            original = files.read(item.image, sha256=item.sha256)
            for name, data in made(original).items():
                files.put(name, data)
    finally:
        _forget(job)


def _derivatives(item: Item, original: bytes, sizes: list[str]) -> dict[str, bytes]:
    made = _shown(make_derivatives, original, sizes)
    return {derivative_key(item.sha256, size): data for size, data in made.items()}


def _shown(make: Callable[[bytes, How], Made], original: bytes, how: How) -> Made:
    try:
        return make(original, how)
    except Exception as error:  # it was decoded when it came; Pillow's plugins raise anything
        raise ImageRefused("The image cannot be shown.", http_status=410) from error


def _is_maker(job: str) -> bool:
    try:
        return bool(cache.add(job, 1, timeout=MAKER_SECONDS))
    except RedisError as error:
        logger.warning("Redis does not answer, a derivative may be made twice: %s", error)
        return True


def _forget(job: str) -> None:
    try:
        cache.delete(job)
    except RedisError as error:
        logger.warning("Redis does not answer, its note runs out by itself: %s", error)
