"""Images that people look at are measured once, and judged by what is usual at their own camera."""

from __future__ import annotations

import io
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection
from django.test import Client
from PIL import Image

from labeling.image_quality import MIN_REFERENCE
from labeling.images.quality import flags_of, learn_anew, measure_items, record
from labeling.models import Item, ItemQuality, QualityReference, Source
from labeling.tasks import make_derivatives
from tests import factories as make
from tests.admin.doors import act

pytestmark = pytest.mark.django_db


def picture(*, level: float = 120, spread: float = 6) -> bytes:
    pixels = np.random.default_rng(3).normal(level, spread, (24, 32)).clip(0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def learned(source: Source, n: int) -> None:
    """The camera has shown ``n`` images."""
    for seed in range(n):
        item = make.make_item(inspection=make.make_inspection(station=source.station), source=source)
        record(item=item, features=make.make_features(seed=seed), now=make.NOW)


def test_a_camera_is_learned_from_its_first_images_and_then_frozen() -> None:
    source = make.make_source()
    learned(source, MIN_REFERENCE - 1)
    reference = QualityReference.objects.get(source=source)
    assert (reference.n, reference.frozen_at, reference.limits) == (MIN_REFERENCE - 1, None, {})
    assert set(ItemQuality.objects.values_list("flags", flat=True)) == {None}

    learned(source, 1)

    reference.refresh_from_db()
    assert (reference.n, reference.frozen_at) == (MIN_REFERENCE, make.NOW)
    limits = reference.limits
    assert not ItemQuality.objects.filter(flags__isnull=True).exists()  # the first are judged by them too
    learned(source, 3)
    reference.refresh_from_db()
    assert reference.limits == limits


def test_one_dark_image_among_the_first_is_found_when_the_limits_are_known() -> None:
    source = make.make_source()
    odd = make.make_item(inspection=make.make_inspection(station=source.station), source=source)
    quality = record(item=odd, features=make.make_features(level=20), now=make.NOW)
    assert quality.flags is None

    learned(source, MIN_REFERENCE - 1)

    quality.refresh_from_db()
    assert quality.flags == ["dark"]


def test_each_camera_has_limits_of_its_own() -> None:
    bright = make.make_reference()
    other = make.make_source()
    for source, expected in ((bright.source, ["dark"]), (other, None)):
        item = make.make_item(inspection=make.make_inspection(station=source.station), source=source)
        assert record(item=item, features=make.make_features(level=60), now=make.NOW).flags == expected


def test_measuring_again_changes_nothing_and_counts_once() -> None:
    source = make.make_source()
    item = make.make_item(inspection=make.make_inspection(station=source.station), source=source)
    first = record(item=item, features=make.make_features(seed=1), now=make.NOW)
    again = record(item=item, features=make.make_features(seed=2), now=make.NOW + timedelta(hours=1))
    assert (again.pk, again.features) == (first.pk, first.features)
    assert QualityReference.objects.get(source=source).n == 1


def test_a_changed_camera_is_learned_anew_and_what_was_said_stays(client: Client) -> None:
    client.force_login(make.make_user("root", is_superuser=True, is_staff=True))
    reference = make.make_reference()
    item = make.make_item(source=reference.source, inspection=make.make_inspection(station=reference.source.station))
    old = record(item=item, features=make.make_features(level=20), now=make.NOW)

    assert act(client, [reference], "learn_anew") == [f"{reference.source} is learned anew."]

    reference.refresh_from_db()
    assert (reference.n, reference.limits, reference.frozen_at) == (0, {}, None)
    old.refresh_from_db()
    assert old.flags == ["dark"]
    assert not learn_anew(reference=reference, now=make.NOW)


def test_limits_that_are_learned_anew_know_nothing_of_the_images_before() -> None:
    source = make.make_source()
    learned(source, MIN_REFERENCE)
    learn_anew(reference=source.quality_reference, now=make.NOW + timedelta(days=1))
    for seed in range(MIN_REFERENCE):
        item = make.make_item(inspection=make.make_inspection(station=source.station), source=source)
        record(item=item, features=make.make_features(level=60, seed=seed), now=make.NOW + timedelta(days=2))
    low, high = QualityReference.objects.get(source=source).limits["brightness"]
    assert low < 60 < high < 120


def test_a_worker_measures_what_it_prepares_and_an_image_that_is_gone_stops_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gone, there = make.make_item(content=picture()), make.make_item(content=picture(level=80))
    default_storage.delete(gone.image)
    with caplog.at_level(logging.WARNING):
        make_derivatives([gone.pk, there.pk], [])
    assert ItemQuality.objects.get().item == there
    assert ItemQuality.objects.get().features["brightness"] == pytest.approx(80, abs=2)
    assert f"item {gone.pk} was not measured" in caplog.text


def test_an_image_that_stays_at_its_station_is_not_measured() -> None:
    item = make.make_item(image_status="at_station", image_address="station:1.png")
    make_derivatives([item.pk], [])
    assert not ItemQuality.objects.exists()


def test_what_was_missed_is_measured_on_demand() -> None:
    waiting = make.make_item(content=picture())
    make.make_item(content=picture(level=90))  # nobody looks at it
    review = make.make_review(inspection=waiting.inspection, registered_model=make.make_model())
    call_command("measure_images")
    assert ItemQuality.objects.get().item.inspection == review.inspection
    assert measure_items([waiting], now=make.NOW) == 0


def test_flags_are_told_per_part_and_parts_that_were_not_judged_are_left_out() -> None:
    one, clean, unjudged = (make.make_inspection() for _ in range(3))
    source = make.make_source(station=one.station)
    views = [make.make_item(inspection=one, source=source, view=view) for view in ("top", "side", "back")]
    for item, flags in zip(views, (["dark"], ["blurred", "dark"], None), strict=True):
        make.make_quality(item=item, flags=flags)
    make.make_quality(item=make.make_item(inspection=clean), flags=[])
    make.make_quality(item=make.make_item(inspection=unjudged))

    assert flags_of([one.pk, clean.pk, unjudged.pk]) == {one.pk: ["blurred", "dark"], clean.pk: []}
    assert flags_of([]) == {}


@pytest.mark.django_db(transaction=True)
def test_of_images_measured_in_the_same_moment_none_is_left_without_a_judgement() -> None:
    """Four workers at the edge of the 200th image: each image is learned from or judged, and none is counted twice."""
    source = make.make_source()
    learned(source, MIN_REFERENCE - 4)
    station = source.station
    items = [make.make_item(inspection=make.make_inspection(station=station), source=source) for _ in range(8)]

    def work(item: Item) -> None:
        try:
            record(item=item, features=make.make_features(seed=item.pk), now=make.NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(work, items))
    assert not ItemQuality.objects.filter(item__source=source, flags__isnull=True).exists()
    assert QualityReference.objects.get(source=source).n == MIN_REFERENCE
