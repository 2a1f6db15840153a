"""An image arrives: its row says so, and the reviews that waited for it are handed out."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from labeling.errors import ContentConflict
from labeling.images.check import CheckedImage
from labeling.models import Item, Review
from models_registry import files

HERE = frozenset({Item.ImageStatus.STORED.value, Item.ImageStatus.AT_STATION.value})  # people can look at it
NOT_AWAITED = HERE | {Item.ImageStatus.DELETED.value}  # here, or was and will not come again


def measured(image: CheckedImage) -> dict[str, Any]:
    """What a row says of an image that lies in the store."""
    return {
        "image": image.key, "content_type": image.content_type, "sha256": image.sha256, "phash": image.phash,
        "width": image.width, "height": image.height,
    }  # fmt: skip


def receive(*, item: Item, image: CheckedImage) -> bool:
    """Store an image that came after its row. Returns False when the very same image is there already.

    :raises ContentConflict: the view has another image.
    """
    if not item.sha256:
        files.put(image.key, image.data)  # before the row: a row never names a file that is not there
        if say_stored(item, measured(image)):
            return True
        item.refresh_from_db()  # somebody was faster
    if item.sha256 != image.sha256:
        raise ContentConflict(
            f"View {item.view} of inspection {item.inspection.inspection_id} has another image. Nothing was changed.",
            fields={"image": "Differs from what is stored."},
        )
    return False


@transaction.atomic
def say_stored(item: Item, fields: dict[str, Any]) -> bool:
    """The row names its image, unless it names one already; whoever waited for it goes on."""
    fields = {"image_status": Item.ImageStatus.STORED, **fields}
    if not Item.objects.filter(pk=item.pk, sha256="").update(**fields):
        return False
    release_reviews(item.inspection_id)
    return True


def release_reviews(inspection: int) -> None:
    """Reviews that waited for the images of an inspection are handed out once all are there.

    The reviews are locked first and the views looked at afterwards: of two that arrive in the same moment the second
    sees the first.
    """
    waiting = Review.objects.filter(inspection=inspection, waits_for_image=True, status=Review.Status.OPEN)
    keys = list(waiting.order_by("pk").select_for_update().values_list("pk", flat=True))
    if keys and not Item.objects.filter(inspection=inspection).exclude(image_status__in=NOT_AWAITED).exists():
        Review.objects.filter(pk__in=keys).update(waits_for_image=False)
