"""Images over real processes: a worker fetches what the ingest named, also when the message was lost."""

from __future__ import annotations

import time
from typing import Any

import pytest

import tests.factories as make
from labeling.models import Item
from labeling.tasks import sweep_images
from tests.api.line import make_line
from tests.conftest import StartWorker
from tests.image_server import filming, gives

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def test_a_worker_fetches_what_was_named_and_the_sweeper_finds_what_no_message_told(
    celery_worker_process: StartWorker, settings: Any
) -> None:
    line = make_line()
    line.model.designs.filter(is_active=True).update(budget=1, audit_share=1)
    with filming() as camera:
        camera.answers |= {f"/{n}.png": gives(make.png(shade=n)) for n in range(2)}
        told = line.send(line.row(0, image_url=camera.url("/0.png")))
        assert told.json()["image"] == "fetching"
        celery_worker_process(queues="images,celery", environment={"REVIEWAPP_IMAGE_HOSTS": "127.0.0.1"})
        _wait_until_stored(1)

        item = make.make_item(image_status="fetching", image_address=camera.url("/1.png"))
        make.make_fetch(item=item)  # nobody was told
        _wait_until_stored(2)


def _wait_until_stored(n: int) -> None:
    end = time.monotonic() + 30
    while Item.objects.filter(image_status="stored").count() < n:
        assert time.monotonic() < end, [*Item.objects.values_list("image_status", "fetch__reason")]
        sweep_images.delay()  # as beat does
        time.sleep(0.5)
