"""Features of many images: looked up by the hash of each image, made by several threads where they are missing.

What was made is stored in pieces, so a worker that is killed has lost one piece; two workers that make the same row
store it once. An image that is known is not read again: its features are those of the bytes with that hash.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import IO

import numpy as np
import psycopg
from django.db import connection
from numpy.typing import NDArray
from PIL import Image

from models_registry.models import ImageFeatures
from models_registry.training import features
from models_registry.training.views import pooled
from reviewapp.errors import ReviewAppError

Floats = NDArray[np.float32]
Source = tuple[str, Callable[[], IO[bytes]]]
"""The sha256 of an image, and how its bytes are opened; only asked where the features are not known."""
Report = Callable[[int, int], None]

ASKED_AT_ONCE = 2000
STORED_AT_ONCE = 128
MOST_THREADS = 8
OTHER_VERSIONS_KEPT = timedelta(days=7)
KNOWN = """
SELECT sha256, vector FROM models_registry_imagefeatures
WHERE sha256 = ANY (%s::text[]) AND features_version = %s AND length(vector) = %s
"""
BAD_IMAGE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)


class UnreadableImage(ReviewAppError):
    """The bytes with the hash `sha256` are no image, or half of one."""

    code = "image_unreadable"
    http_status = 422

    def __init__(self, sha256: str, error: Exception) -> None:
        super().__init__(f"The image {sha256[:12]} cannot be read: {error}.")
        self.sha256 = sha256


def features_of_parts(parts: Sequence[Sequence[Source]], *, now: datetime, report: Report | None = None) -> Floats:
    """One row for each part, of all its views: (n, d). A part has at least one view. See `features_of`."""
    found = features_of([view for part in parts for view in part], now=now, report=report)
    return pooled(found, [len(part) for part in parts])


def features_of(images: Sequence[Source], *, now: datetime, report: Report | None = None) -> Floats:
    """Features (n, d) of images in their order, the same whether they were known or not.

    ``report`` hears how many are done, and of how many; it may raise to stop. What an ``open`` raises of ours goes
    through. :raises UnreadableImage:
    """
    tell = report or _silent
    vectors: dict[str, Floats] = {}
    distinct = dict(images)
    asked = list(distinct)
    for start in range(0, len(asked), ASKED_AT_ONCE):
        vectors |= _known(asked[start : start + ASKED_AT_ONCE])
    tell(len(vectors), len(asked))
    for piece in _made([(sha256, opened) for sha256, opened in distinct.items() if sha256 not in vectors], now):
        vectors |= piece
        tell(len(vectors), len(asked))
    if not images:
        return np.empty((0, features.N_FEATURES), dtype=np.float32)
    return np.stack([vectors[sha256] for sha256, _ in images])


def _known(hashes: Sequence[str]) -> dict[str, Floats]:
    """What is stored and sound. As binary values: as text, the way of Django's own cursor, bytes are twice as long."""
    connection.ensure_connection()
    values = (list(hashes), features.FEATURES_VERSION, 4 * features.N_FEATURES)
    with connection.wrap_database_errors, psycopg.Cursor[tuple[str, bytes]](connection.connection) as cursor:
        rows = cursor.execute(KNOWN, values, binary=True).fetchall()
    found = {sha256: np.frombuffer(vector, dtype="<f4") for sha256, vector in rows}
    return {sha256: vector for sha256, vector in found.items() if np.isfinite(vector).all()}


def _made(missing: Sequence[Source], now: datetime) -> Iterator[dict[str, Floats]]:
    """Make what is missing, a piece at a time, each stored before it is handed on.

    Threads: reading waits for the store, and numpy lets go of the interpreter where the work is. A worker's child may
    not have children of its own, so there are no processes.
    """
    if not missing:
        return
    with ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as pool:
        for start in range(0, len(missing), STORED_AT_ONCE):
            piece = missing[start : start + STORED_AT_ONCE]
            made = dict(zip((sha256 for sha256, _ in piece), pool.map(_extract, piece), strict=True))
            _store(made, now=now)
            yield made


def _extract(source: Source) -> Floats:
    sha256, opened = source
    try:
        with opened() as stream:
            return features.extract(features.read(stream))
    except BAD_IMAGE as error:
        raise UnreadableImage(sha256, error) from error


def _store(made: dict[str, Floats], *, now: datetime) -> None:
    """In the order of the hashes, so that two workers with the same images wait for each other and never both."""
    ImageFeatures.objects.bulk_create(
        (
            ImageFeatures(
                sha256=sha256,
                features_version=features.FEATURES_VERSION,
                vector=vector.astype("<f4").tobytes(),
                made_at=now,
            )
            for sha256, vector in sorted(made.items())
            if np.isfinite(vector).all()
        ),
        ignore_conflicts=True,
    )


def forget_features(*, most: int, now: datetime) -> int:
    """Delete what other versions of the code made, after a week of both, and the oldest beyond ``most``. Returns how
    many.
    """
    others = ImageFeatures.objects.exclude(features_version=features.FEATURES_VERSION)
    gone = others.filter(made_at__lt=now - OTHER_VERSIONS_KEPT).delete()[0]
    beyond = ImageFeatures.objects.order_by("-pk").values_list("pk", flat=True)[most : most + 1].first()
    if beyond is not None:
        gone += ImageFeatures.objects.filter(pk__lte=beyond).delete()[0]
    return gone


def _silent(done: int, of: int) -> None:
    """Nobody listens."""
