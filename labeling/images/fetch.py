"""Images that a worker gets: from a web address, or measured where they lie in the store. A row before a request."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from labeling.errors import FetchFailed
from labeling.images.arrival import measured, say_stored
from labeling.images.check import CheckedImage, check_image
from labeling.images.download import download
from labeling.images.quality import measure_items
from labeling.images.shown import prepare
from labeling.models import ImageFetch, Item
from models_registry import files
from reviewapp.errors import ReviewAppError

logger = logging.getLogger(__name__)
Status = ImageFetch.Status
STORE = "store:"
MAX_ATTEMPTS = 8
FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(hours=1)
TURN = timedelta(seconds=20)
Clock = Callable[[], datetime]


def drain(*, clock: Clock) -> bool:
    """Get what is due, one after the other, for one turn. Returns whether more is due."""
    end = clock() + TURN
    while clock() < end:
        fetch = claim(now=clock())
        if fetch is None:
            return False
        carry_out(fetch, clock=clock)
    return is_due(now=clock())


def is_due(*, now: datetime) -> bool:
    return _due(now).exists()


def _due(now: datetime) -> QuerySet[ImageFetch]:
    return ImageFetch.objects.filter(status__in=[Status.WAITING, Status.RUNNING], next_attempt_at__lte=now)


@transaction.atomic
def claim(*, now: datetime) -> ImageFetch | None:
    """The next fetch that is due, or whose worker went silent; for twice as long as it may take."""
    waiting = _due(now).order_by("next_attempt_at").select_for_update(skip_locked=True, of=("self",))
    fetch: ImageFetch | None = waiting.select_related("item__inspection").first()
    if fetch is None:
        return None
    expires = now + timedelta(seconds=2 * settings.IMAGE_FETCH_SECONDS + 30)
    ImageFetch.objects.filter(pk=fetch.pk).update(
        status=Status.RUNNING, n_attempts=F("n_attempts") + 1, next_attempt_at=expires
    )
    fetch.n_attempts += 1
    return fetch


def carry_out(fetch: ImageFetch, *, clock: Clock) -> None:
    """One attempt of a claimed fetch. What another worker did meanwhile stands."""
    item = fetch.item
    if item.image_status != Item.ImageStatus.FETCHING:
        finish(fetch, status=Status.DONE, code="", reason="The image came another way.", now=clock())
        return
    if fetch.n_attempts > MAX_ATTEMPTS:
        give_up(fetch, FetchFailed("Its worker died again and again.", code="image_worker_lost"), now=clock())
        return
    found = _attempt(item.image_address)
    if isinstance(found, dict):
        with transaction.atomic():
            say_stored(item, found)
            finish(fetch, status=Status.DONE, code="", reason="", now=clock())
        item.refresh_from_db()
        prepare([item])
        measure_items([item], now=clock())
    elif found.may_work_later and fetch.n_attempts < MAX_ATTEMPTS:
        try_later(fetch, found, now=clock())
    else:
        give_up(fetch, found, now=clock())


def _attempt(address: str) -> dict[str, Any] | FetchFailed:
    """What the row will say of the image, or why it cannot be had (now)."""
    try:
        return _get(address)
    except FetchFailed as error:
        return error
    except (files.FileMissing, files.StoreUnavailable) as error:  # a row may come before the file that it names
        return FetchFailed(error.message, code=error.code, may_work_later=True)
    except ReviewAppError as error:
        return FetchFailed(error.message, code=error.code)
    except Exception as error:  # one image's trouble does not stop the others
        logger.exception("an image could not be fetched")
        return FetchFailed(f"Unexpected: {type(error).__name__}", code="image_not_fetched", may_work_later=True)


def _get(address: str) -> dict[str, Any]:
    """What the row will say of the image. :raises ReviewAppError: it cannot be had (now)."""
    if address.startswith(STORE):
        key = address.removeprefix(STORE)
        return measured(_checked(files.read(key, max_bytes=settings.MAX_IMAGE_BYTES))) | {"image": key}
    seconds = settings.IMAGE_FETCH_SECONDS
    data = download(address, allow=settings.IMAGE_HOSTS, max_bytes=settings.MAX_IMAGE_BYTES, seconds=seconds)
    image = _checked(data)
    files.put(image.key, image.data)
    return measured(image)


def _checked(data: bytes) -> CheckedImage:
    return check_image(data, max_bytes=settings.MAX_IMAGE_BYTES, max_pixels=settings.MAX_IMAGE_PIXELS)


def finish(fetch: ImageFetch, *, status: str, code: str, reason: str, now: datetime) -> bool:
    """Close the row, unless another worker took it over: the number of attempts is the fencing token."""
    mine = ImageFetch.objects.filter(pk=fetch.pk, status=Status.RUNNING, n_attempts=fetch.n_attempts)
    return bool(mine.update(status=status, code=code[:40], reason=reason, finished_at=now))


def try_later(fetch: ImageFetch, error: ReviewAppError, *, now: datetime) -> None:
    wait = min(FIRST_WAIT * 3 ** (fetch.n_attempts - 1), LONGEST_WAIT)
    mine = ImageFetch.objects.filter(pk=fetch.pk, status=Status.RUNNING, n_attempts=fetch.n_attempts)
    mine.update(status=Status.WAITING, next_attempt_at=now + wait, code=error.code[:40], reason=error.message)


@transaction.atomic
def give_up(fetch: ImageFetch, error: ReviewAppError, *, now: datetime) -> None:
    """It cannot be had: its review goes on waiting, since nobody can judge it. It may still be uploaded."""
    if finish(fetch, status=Status.FAILED, code=error.code, reason=error.message, now=now):
        Item.objects.filter(pk=fetch.item_id, image_status=Item.ImageStatus.FETCHING).update(
            image_status=Item.ImageStatus.FAILED
        )


@transaction.atomic
def fetch_again(*, fetch: ImageFetch, now: datetime) -> bool:
    """Start a failed fetch afresh, as after a host was allowed. Returns whether it had failed."""
    failed = ImageFetch.objects.filter(pk=fetch.pk, status=Status.FAILED)
    if not failed.update(status=Status.WAITING, n_attempts=0, next_attempt_at=now, finished_at=None):
        return False
    Item.objects.filter(pk=fetch.item_id, image_status=Item.ImageStatus.FAILED).update(
        image_status=Item.ImageStatus.FETCHING
    )
    return True
