"""Derivatives in the store: made once, by a worker after the image came, or by whoever needs one that is missing."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable

from django.core.cache import cache
from redis.exceptions import RedisError

from labeling.errors import ImageRefused
from labeling.images.derivatives import derivative_key, make_derivatives
from labeling.models import Item
from models_registry import files
from reviewapp.errors import ReviewAppError

logger = logging.getLogger(__name__)
AFTER_ARRIVAL = ["thumbnail", "review"]
MAKER_SECONDS = 60
decoding = threading.BoundedSemaphore(1)  # a large image takes hundreds of megabytes: one at a time in a process


def derivative(item: Item, size: str) -> str:
    """The key of a derivative that is there.

    :raises FileMissing: the original is gone. :raises FileChanged: the original is not what was recorded.
    :raises StoreUnavailable:
    """
    key = derivative_key(item.sha256, size)
    if not files.exists(key):
        _make(item, AFTER_ARRIVAL if size in AFTER_ARRIVAL else [size], key)
    return key


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


def _make(item: Item, sizes: list[str], key: str) -> None:
    """One makes, the others wait for it. Should the maker die, or Redis, two may make the same: harmless, the bytes
    are written whole under a name that only they have.
    """
    job = f"deriving-{item.sha256}-{sizes[0]}"
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
            for size, data in _derivatives(original, sizes).items():
                files.put(derivative_key(item.sha256, size), data)
    finally:
        _forget(job)


def _derivatives(original: bytes, sizes: list[str]) -> dict[str, bytes]:
    try:
        return make_derivatives(original, sizes)
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
