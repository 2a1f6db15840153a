"""Image quality in the database: measured once per image that people look at, judged by its camera's own limits."""

from __future__ import annotations

import io
import logging
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from PIL import Image

from labeling.errors import ImageRefused
from labeling.image_quality import FLAGS, MIN_REFERENCE, RECIPE, Features, flags, limits_of, measure
from labeling.images.derivatives import eight_bits
from labeling.images.shown import decoding
from labeling.models import Item, ItemQuality, QualityReference, Source
from models_registry import files
from reviewapp.errors import ReviewAppError

logger = logging.getLogger(__name__)


def flags_of(inspection_ids: Collection[int]) -> dict[int, list[str]]:
    """What is unusual about the images of inspections: the flags of all views, in the order of `FLAGS`.

    Only inspections with a judged image are there; [] says that nothing was unusual. Two views of one part have their
    flags together, since what a person judged was the part.
    """
    judged = ItemQuality.objects.filter(item__inspection__in=inspection_ids, flags__isnull=False)
    rows: Iterable[tuple[Any, list[str] | None]] = judged.values_list("item__inspection", "flags")
    found: dict[int, set[str]] = {}
    for inspection, said in rows:
        found.setdefault(inspection, set()).update(said or ())
    return {inspection: [flag for flag in FLAGS if flag in said] for inspection, said in found.items()}


def features_of(data: bytes) -> Features:
    """:raises ImageRefused: the bytes cannot be decoded (any more)."""
    try:
        image = Image.open(io.BytesIO(data))
        tables = getattr(image, "quantization", None)
        decoded = eight_bits(image)
    except Exception as error:  # it was decoded when it came; Pillow's plugins raise anything
        raise ImageRefused("The image cannot be measured.", http_status=410) from error
    if tables:
        decoded.quantization = tables  # type: ignore[attr-defined]  # a converted copy has lost them
    return measure(decoded, n_bytes=len(data))


def measure_items(items: Iterable[Item], *, now: datetime) -> int:
    """Measure the images that nobody has measured yet. Returns how many; one's trouble stops no other."""
    n = 0
    for item in items:
        if ItemQuality.objects.filter(item=item).exists():
            continue
        try:
            with decoding:
                features = features_of(files.read(item.image, sha256=item.sha256))
        except ReviewAppError as error:
            logger.warning("item %s was not measured: %s", item.pk, error)
        else:
            record(item=item, features=features, now=now)
            n += 1
    return n


@transaction.atomic
def record(*, item: Item, features: Features, now: datetime) -> ItemQuality:
    """Store what was measured, once per image, and learn from it while its camera's limits are not frozen.

    The camera is locked, so that an image is either learned from or judged, whoever measures beside us. Arrivals are
    not held up: a new item asks for a weaker lock of its camera.
    """
    Source.objects.select_for_update(no_key=True).get(pk=item.source_id)
    reference, _ = QualityReference.objects.get_or_create(source_id=item.source_id, defaults={"learning_since": now})
    measured = features.as_dict()
    judged = flags(measured, reference.limits) if reference.frozen_at else None
    quality, is_new = ItemQuality.objects.get_or_create(
        item=item, defaults={"recipe": RECIPE, "features": measured, "flags": judged, "measured_at": now}
    )
    if is_new and reference.frozen_at is None:
        _learn(reference, now)
        quality.refresh_from_db(fields=["flags"])
    return quality


def learn_anew(*, reference: QualityReference, now: datetime) -> bool:
    """Forget a camera's limits and learn them from the images to come. Returns whether there were any.

    Flags that were given stay: they say what was unusual then.
    """
    frozen = QualityReference.objects.filter(pk=reference.pk, frozen_at__isnull=False)
    return bool(frozen.update(learning_since=now, n=0, limits={}, frozen_at=None))


def _learn(reference: QualityReference, now: datetime) -> None:
    """One image more; with enough of them the limits are frozen and those images judged by them too."""
    reference.n += 1
    if reference.n >= MIN_REFERENCE:
        rows = list(
            ItemQuality.objects.filter(
                item__source=reference.source_id, recipe=RECIPE, flags__isnull=True,
                measured_at__gte=reference.learning_since,
            )
        )  # fmt: skip
        if len(rows) >= MIN_REFERENCE:  # a change of the recipe begins anew
            reference.limits = limits_of([row.features for row in rows])
            reference.frozen_at = now
            for row in rows:
                row.flags = flags(row.features, reference.limits)
            ItemQuality.objects.bulk_update(rows, ["flags"])
    reference.save()
