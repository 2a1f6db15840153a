"""A view: stored with its image if it came, and whether its pixels are wanted. Draw first, image after."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.conf import settings

from labeling.errors import RowRefused
from labeling.images.arrival import NOT_AWAITED, measured
from labeling.incoming import IncomingRow
from labeling.ingest.submission import Submission, conflict
from labeling.models import ImageFetch, Inspection, Item, Review, ReviewPolicy, Station
from labeling.web_addresses import without_query
from models_registry import files

Status = Item.ImageStatus
STORE, STATION = "store:", "station:"  # how `Item.image_address` begins where it is no URL
KEPT_PURPOSES = frozenset({"challenge", "import"})  # their images are kept whatever the draw says


def image_address(row: IncomingRow, *, station: Station, position: int) -> str:
    """Where the image of this row can be had, as `Item.image_address` holds it; empty when the row does not say.

    :raises RowRefused: code ``image_key_refused``, ``image_at_station_refused``; the message names the remedy.
    """
    if row.image_key is not None:
        if not row.image_key.startswith(tuple(settings.IMAGE_KEY_PREFIXES)):
            folder, slash, name = row.image_key.rpartition("/")
            line = ",".join([*settings.IMAGE_KEY_PREFIXES, folder + slash or name])
            why = f"lies under no allowed prefix. To allow it: REVIEWAPP_IMAGE_KEY_PREFIXES={line}"
            raise _refused("image_key", why, position)
        return STORE + row.image_key
    if row.image_at_station is not None:
        if not station.image_address:
            why = f"cannot be reached: give the station “{station.slug}” an image address in the admin"
            raise _refused("image_at_station", why, position)
        return STATION + row.image_at_station
    return row.image_url or ""


def _refused(field: str, why: str, position: int) -> RowRefused:
    return RowRefused(f"{field} {why}.", code=f"{field}_refused", row=position, fields={field: "Not allowed."})


def is_wanted(*, purpose: str, drawn: bool) -> bool:
    return drawn or purpose in KEPT_PURPOSES


def first_status(*, has_image: bool, address: str, wanted: bool) -> str:
    """The state in which a view begins. An address is kept even where the image is not wanted: it may be later."""
    if has_image:
        return "stored"
    if address.startswith(STATION):
        return "at_station"
    if not wanted:
        return "not_wanted"
    return "fetching" if address else "wanted"


def is_awaited(item: Item) -> bool:
    """Its image is not here, and people wait for it or would."""
    return item.image_status not in NOT_AWAITED


def store_item(inspection: Inspection, items: dict[str, Item], one: Submission, *, wanted: bool, now: datetime) -> bool:
    """Add a view with its image if it came, or to a known view what was not known. Returns whether something is new.

    ``items``: the views that are known, by name; it is kept true.

    :raises ContentConflict: the view is known with another image, source or address.
    """
    known = items.get(one.row.view)
    if known is not None:
        refuse_other_image(known, one)
        if known.sha256 or (one.image is None and one.image_address in {"", known.image_address}):
            return False
    address = one.image_address or (known.image_address if known else "")
    fields: dict[str, Any] = {
        "source": one.source, "created_at": now, "image_address": address,
        "image_status": first_status(has_image=one.image is not None, address=address, wanted=wanted),
    }  # fmt: skip
    if one.image is not None:
        files.put(one.image.key, one.image.data)  # before the row: a row never names a file that is not there
        fields |= measured(one.image)
    if known is None:
        items[one.row.view] = Item.objects.create(inspection=inspection, view=one.row.view, **fields)
        return True
    changed = Item.objects.filter(pk=known.pk, sha256="").update(**fields)
    known.refresh_from_db()
    refuse_other_image(known, one)  # somebody else was faster
    return bool(changed)


def refuse_other_image(known: Item, one: Submission) -> None:
    """An address may come again with another signature in its query: it is the same place.

    :raises ContentConflict: the view is known with another image, source or address.
    """
    if one.image is not None and known.sha256 and known.sha256 != one.image.sha256:
        raise conflict("image", one)
    if known.source_id != one.source.pk:
        raise conflict("source", one)
    said = without_query(one.image_address)
    if said and known.image_address and said != without_query(known.image_address):
        raise conflict("image address", one)


def settle_images(items: Collection[Item], review: Review | None, policy: ReviewPolicy, *, now: datetime) -> None:
    """The views of a drawn or kept inspection: their images are asked for or fetched, and its review waits."""
    want_images(items, now=now)
    waits = policy.needs_image and any(map(is_awaited, items))
    if review is not None and review.waits_for_image != waits:
        Review.objects.filter(pk=review.pk, status=Review.Status.OPEN).update(waits_for_image=waits)
        review.waits_for_image = waits


def want_images(items: Collection[Item], *, now: datetime) -> None:
    """Views whose images nobody wanted are asked for, or fetched where it is known where they lie."""
    for item in items:
        if item.image_status == Status.NOT_WANTED:
            item.image_status = first_status(has_image=False, address=item.image_address, wanted=True)
            unwanted = Item.objects.filter(pk=item.pk, image_status=Status.NOT_WANTED)
            unwanted.update(image_status=item.image_status)
    request_fetches({item.inspection_id for item in items if item.image_status == Status.FETCHING}, now=now)


def request_fetches(inspections: Collection[int], *, now: datetime) -> None:
    """A row for every view of these that is to be fetched; a fetch that was over starts afresh."""
    if not inspections:
        return
    items = list(
        Item.objects.filter(inspection__in=inspections, image_status=Status.FETCHING).values_list("pk", flat=True)
    )
    over = ImageFetch.objects.filter(item__in=items, status__in=[ImageFetch.Status.DONE, ImageFetch.Status.FAILED])
    over.update(status=ImageFetch.Status.WAITING, n_attempts=0, next_attempt_at=now, finished_at=None)
    fetches = [ImageFetch(item_id=key, next_attempt_at=now, created_at=now) for key in items]
    ImageFetch.objects.bulk_create(fetches, ignore_conflicts=True)
