"""How long images are kept: those of parts that nobody will learn from any more go after some days, and it is said.

What is known of a part (predictions, draws, verdicts, sums) stays, so no figure changes. An image is kept as long as
its part waits for a person, has a label or an outcome, or is a golden sample: such images train and measure, and
versions are explained by them. What datasets hold has labels.

The row says that its image is gone before the file goes; a turn that is cut off is finished by the next one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from labeling.images.derivatives import RECIPES, derivative_key
from labeling.images.mosaic import has_mosaic, mosaic_key, n_levels
from labeling.ingest.item import STORE
from labeling.models import FileToDelete, GoldenSample, GroundTruth, Inspection, Item, Outcome, Review
from models_registry import files

AT_ONCE = 500
Status = Item.ImageStatus


@dataclass(frozen=True, slots=True)
class Kept:
    """Parts whose images are older and stay: those that wait for a person, those with labels, and of the latter those
    that datasets hold."""

    n_waiting: int
    n_labelled: int
    n_in_datasets: int


def older_than(days: int, *, now: datetime) -> QuerySet[Item]:
    """Images in the store of parts of the line that came so many days ago."""
    return Item.objects.filter(
        image_status=Status.STORED,
        inspection__received_at__lt=now - timedelta(days=days),
        inspection__purpose__in=(Inspection.Purpose.PRODUCTION, Inspection.Purpose.DEMO),
    )


def _of_part(rows: QuerySet[Review] | QuerySet[GroundTruth] | QuerySet[Outcome]) -> Exists:
    return Exists(rows.filter(inspection=OuterRef("inspection")))


WAITING = Review.objects.filter(status__in=(Review.Status.OPEN, Review.Status.ESCALATED))


def to_go(days: int, *, now: datetime) -> QuerySet[Item]:
    """Of these the ones that nobody waits for and nobody can learn from."""
    old = older_than(days, now=now).filter(~Exists(GoldenSample.objects.filter(item=OuterRef("pk"))))
    return old.filter(~_of_part(WAITING), ~_of_part(GroundTruth.objects.all()), ~_of_part(Outcome.objects.all()))


def kept(days: int, *, now: datetime) -> Kept:
    old = older_than(days, now=now).order_by().values("inspection").distinct()
    labelled = old.filter(_of_part(GroundTruth.objects.all()) | _of_part(Outcome.objects.all()))
    frozen = _of_part(GroundTruth.objects.exclude(frozen_in=None)) | _of_part(Outcome.objects.exclude(frozen_in=None))
    return Kept(old.filter(_of_part(WAITING)).count(), labelled.count(), labelled.filter(frozen).count())


def purge(days: int, *, now: datetime, most: int = 100_000) -> int:
    """Delete images that are older than ``days`` and free to go, and what an earlier turn left. Returns how many.

    :raises ValueError: less than a day. :raises StoreUnavailable: what is marked then goes with the next turn.
    """
    if days < 1:
        raise ValueError("images are kept for at least a day")
    delete_marked()
    n = last = 0
    while n < most and (marked := _mark(days, after=last, now=now, most=min(AT_ONCE, most - n))):
        n, last = n + len(marked), marked[-1]
        delete_marked()
    return n


@transaction.atomic
def _mark(days: int, *, after: int, now: datetime, most: int) -> list[int]:
    """The rows say that their images are gone, and which files are to go. Of two turns each takes others."""
    free = to_go(days, now=now).filter(pk__gt=after).order_by("pk")
    items = list(free.select_for_update(skip_locked=True, of=("self",))[:most])
    to_delete = [FileToDelete(key=key, sha256=sha256, created_at=now) for one in items for key, sha256 in _files(one)]
    FileToDelete.objects.bulk_create(to_delete, ignore_conflicts=True)
    keys = [one.pk for one in items]
    Item.objects.filter(pk__in=keys).update(image_status=Status.DELETED, image="", image_deleted_at=now)
    return keys


def delete_marked() -> None:
    """Delete the files that are to go. Images are named by their content: what another part shows stays."""
    while marked := list(FileToDelete.objects.all()[:AT_ONCE]):
        hashes = {one.sha256 for one in marked}
        shown = Item.objects.filter(sha256__in=hashes, image_status=Status.STORED).values_list("sha256", flat=True)
        still = set(shown)
        for one in marked:
            if one.sha256 not in still:
                files.delete(one.key)
        FileToDelete.objects.filter(pk__in=[one.pk for one in marked]).delete()


def _files(item: Item) -> Iterator[tuple[str, str]]:
    """Keys and hashes: the image as it came (unless it lies where its owner put it) and what was made of it. Heat maps
    stay: they are small, show no image, and parts whose maps are equal share one file."""
    if not item.image_address.startswith(STORE):
        yield item.image, item.sha256
    for size in RECIPES:
        yield derivative_key(item.sha256, size), item.sha256
    if has_mosaic(item.width, item.height):
        for level in range(n_levels(item.width or 0, item.height or 0)):
            yield mosaic_key(item.sha256, level), item.sha256
