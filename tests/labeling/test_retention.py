"""Images that are older than they have to be kept go; those that somebody waits for or learns from stay."""

from __future__ import annotations

import io
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from labeling import retention
from labeling.images.derivatives import derivative_key
from labeling.images.shown import prepare
from labeling.ingest.item import is_awaited
from labeling.models import FileToDelete, Inspection, Item
from labeling.tasks import purge_images
from models_registry import files
from tests import factories as make
from tests.together import all_done

pytestmark = pytest.mark.django_db
DAYS = 90


SHADES = count(40)  # no two images are the same


def old(*, content: bytes | None = None, age: int = DAYS + 1, **fields: Any) -> Item:
    """A view whose image is in the store; its part came ``age`` days ago."""
    part = make.make_inspection(**fields)
    Inspection.objects.filter(pk=part.pk).update(received_at=timezone.now() - timedelta(days=age))
    return make.make_item(inspection=part, content=content or make.png(shade=next(SHADES)))


def purge() -> int:
    return retention.purge(DAYS, now=timezone.now())


def test_an_old_image_goes_with_all_that_was_made_of_it_and_its_row_says_so() -> None:
    item = old()
    prepare([item])
    keys = [item.image, derivative_key(item.sha256, "review")]
    assert all(map(files.exists, keys))
    assert purge() == 1
    assert not any(map(files.exists, keys))
    gone = Item.objects.get(pk=item.pk)
    assert (gone.image_status, gone.image, gone.sha256) == ("deleted", "", item.sha256)
    assert gone.image_deleted_at is not None
    assert not is_awaited(gone)
    assert not FileToDelete.objects.exists()
    assert purge() == 0


def test_what_is_waited_for_or_learned_from_stays() -> None:
    young, waits, labelled, told, imported = old(age=DAYS - 1), old(), old(), old(), old(purpose="import")
    golden, model = old(), make.make_model()
    make.make_golden(registered_model=model, item=golden)
    make.make_review(inspection=waits.inspection, registered_model=model)
    make.make_ground_truth(registered_model=model, inspection=labelled.inspection, label="ok")
    make.make_outcome(registered_model=model, inspection=told.inspection, label="ok")
    closed = old()
    make.make_review(inspection=closed.inspection, registered_model=model, status="cancelled")
    assert purge() == 1
    assert Item.objects.get(pk=closed.pk).image_status == "deleted"
    for item in (young, waits, labelled, told, imported, golden):
        assert Item.objects.get(pk=item.pk).image_status == "stored"
        assert files.exists(item.image)
    assert retention.kept(DAYS, now=timezone.now()) == retention.Kept(n_waiting=1, n_labelled=2, n_in_datasets=0)


def test_bytes_that_another_part_shows_and_files_of_others_stay() -> None:
    content = make.png(shade=33)
    goes, shares = old(content=content), old(content=content, age=1)
    Item.objects.filter(pk=shares.pk).update(image=goes.image)
    default_storage.save("plant-a/7.png", ContentFile(make.png(shade=34)))
    theirs = old()
    Item.objects.filter(pk=theirs.pk).update(image="plant-a/7.png", image_address="store:plant-a/7.png")
    assert purge() == 2
    assert files.exists(goes.image)
    assert files.exists("plant-a/7.png")
    assert Item.objects.get(pk=goes.pk).image == ""
    assert not FileToDelete.objects.exists()


def test_a_turn_that_was_cut_off_is_finished_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    items = [old() for _ in range(3)]

    def away(key: str) -> None:
        raise files.StoreUnavailable("The store does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(files, "delete", away)
        with pytest.raises(files.StoreUnavailable):
            purge()
    assert Item.objects.filter(image_status="deleted").count() == 3
    assert all(files.exists(item.image) for item in items)
    assert purge() == 0
    assert not any(files.exists(item.image) for item in items)


@pytest.mark.django_db(transaction=True)
def test_two_turns_at_once_take_each_image_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    items = [old() for _ in range(9)]
    assert sum(all_done([purge, purge])) == 9
    assert Item.objects.filter(image_status="deleted", image="").count() == 9
    assert not any(files.exists(item.image) for item in items)


def test_whoever_asks_for_the_image_hears_why_it_is_gone() -> None:
    item = old()
    client = Client()
    client.force_login(make.make_member("lead", site=item.inspection.station.site))
    address = f"/api/v1/items/{item.public_id}/image/"
    assert client.get(address).status_code == 200
    purge()
    answer = client.get(address)
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, "image_deleted")
    stranger = Client()
    stranger.force_login(make.make_user("eve"))
    assert stranger.get(address).status_code == 404


def test_the_command_says_what_goes_and_what_stays(settings: Any) -> None:
    old(), old()
    make.make_ground_truth(registered_model=make.make_model(), inspection=old().inspection, label="ok")
    settings.KEEP_IMAGES_DAYS = 0
    purge_images()
    assert told("--days", "90", "--dry-run") == (
        "Would delete 2 images.\nOlder than 90 days and kept: 1 parts with labels, 0 of them in datasets that versions "
        "learn from or are measured on; 0 parts that wait for a person.\n"
    )
    assert told("--days", "90").startswith("Deleted 2 images.")
    with pytest.raises(CommandError, match="Nothing was deleted"):
        told("--days", "0")
    old()
    settings.KEEP_IMAGES_DAYS = DAYS
    purge_images()
    assert Item.objects.filter(image_status="deleted").count() == 3


def told(*arguments: str) -> str:
    out = io.StringIO()
    call_command("purge_images", *arguments, stdout=out)
    return out.getvalue()
