"""An incident of a camera opens by evidence, holds training back, and ends by evidence."""

from __future__ import annotations

from datetime import timedelta

import pytest

import tests.factories as make
from labeling.feedback import explain_retraining
from labeling.input_quality import look_at_cameras
from labeling.models import Inspection, Item, ItemQuality, Source
from labeling.policy_history import history_of
from models_registry.models import Alert, ModelVersion, RegisteredModel
from models_registry.policy import Guard

NOW = make.NOW
pytestmark = pytest.mark.django_db


@pytest.fixture
def camera() -> Source:
    return make.make_source()


@pytest.fixture
def version(camera: Source) -> ModelVersion:
    """Works at the camera's station."""
    version = make.make_version()
    make.make_deployment(station=camera.station, version=version)
    return version


def images(camera: Source, *, n: int, flagged: int, hours: float = 0) -> None:
    """``n`` measured images, the last ``flagged`` of them dark."""
    at = NOW + timedelta(hours=hours)
    names = [f"part-{make.next_number()}" for _ in range(n)]
    parts = Inspection.objects.bulk_create(
        Inspection(
            station=camera.station, inspection_id=name, group_id=name, captured_at=at, received_at=at, day=at.date(),
            partition="train",
        )
        for name in names
    )  # fmt: skip
    items = Item.objects.bulk_create(Item(inspection=part, source=camera, created_at=at) for part in parts)
    ItemQuality.objects.bulk_create(
        ItemQuality(item=item, recipe=1, features={}, flags=["dark"] if place >= n - flagged else [], measured_at=at)
        for place, item in enumerate(items)
    )


def held(model: RegisteredModel, *, days: float = 0) -> bool:
    return not guard(model, days=days).passed


def guard(model: RegisteredModel, *, days: float = 0) -> Guard:
    guards = explain_retraining(model, now=NOW + timedelta(days=days)).guards
    return next(one for one in guards if one.name == "image_quality")


def test_an_incident_opens_once_holds_training_back_and_ends_when_the_images_are_usual_again(
    camera: Source, version: ModelVersion
) -> None:
    model = version.registered_model
    images(camera, n=100, flagged=35)
    assert [look_at_cameras(now=NOW) for _ in range(2)] == [1, 1]
    alert = Alert.objects.get()
    assert (alert.registered_model, alert.kind, alert.slice) == (model, "input_quality", camera.slug)
    assert f"35 of the last 100 images of {camera.name} are unusual: dark." in alert.message
    assert held(model)

    images(camera, n=150, flagged=0, hours=1)  # 35 of 250: neither surely bad nor surely good
    assert look_at_cameras(now=NOW + timedelta(hours=1)) == 0
    assert held(model)

    images(camera, n=400, flagged=0, hours=2)
    assert look_at_cameras(now=NOW + timedelta(hours=2)) == 0
    alert.refresh_from_db()
    assert alert.resolved_at == NOW + timedelta(hours=2)
    assert not held(model)


def test_few_images_old_ones_and_those_of_a_camera_that_still_learns_open_nothing(
    camera: Source, version: ModelVersion
) -> None:
    images(camera, n=49, flagged=49)
    images(camera, n=100, flagged=100, hours=-25)
    learning = make.make_source(station=camera.station)
    images(learning, n=100, flagged=0)
    ItemQuality.objects.filter(item__source=learning).update(flags=None)

    assert look_at_cameras(now=NOW) == 0
    assert not Alert.objects.exists()


def test_a_camera_concerns_the_models_that_work_at_its_station_and_no_others(
    camera: Source, version: ModelVersion
) -> None:
    second = make.make_version()
    make.make_deployment(station=camera.station, version=second)
    asleep = make.make_version(registered_model=make.make_model(is_active=False))
    make.make_deployment(station=camera.station, version=asleep)
    elsewhere = make.make_version()
    make.make_deployment(station=make.make_station(), version=elsewhere)
    neighbour = make.make_source(station=camera.station)
    images(neighbour, n=100, flagged=0)
    images(camera, n=100, flagged=100)

    assert look_at_cameras(now=NOW) == 1
    concerned = set(Alert.objects.values_list("registered_model", "slice"))
    assert concerned == {(one.registered_model_id, camera.slug) for one in (version, second)}
    assert not held(elsewhere.registered_model)


def test_an_incident_of_a_camera_that_sends_nothing_for_a_week_holds_nothing_back_until_it_sends_again(
    camera: Source, version: ModelVersion
) -> None:
    model = version.registered_model
    images(camera, n=100, flagged=100)
    look_at_cameras(now=NOW)
    images(camera, n=10, flagged=10, hours=48)  # too few to be judged, but it is there
    look_at_cameras(now=NOW + timedelta(days=2))
    look_at_cameras(now=NOW + timedelta(days=8.9))

    assert held(model, days=8.9)
    silent = guard(model, days=9)
    assert silent.passed
    assert silent.detail == f"Images of {camera.slug} were unusual; no new one came for a week."
    assert Alert.objects.get().resolved_at is None
    [span] = history_of(model).bad_cameras
    assert (span.what, span.end) == (camera.slug, NOW + timedelta(days=9))

    neighbour = make.make_source(station=camera.station)
    images(neighbour, n=100, flagged=100, hours=216)
    look_at_cameras(now=NOW + timedelta(days=9))
    assert guard(model, days=9).detail == f"Images of {neighbour.slug} are unusual: mend the camera first."

    images(camera, n=10, flagged=10, hours=240)
    look_at_cameras(now=NOW + timedelta(days=10))
    assert camera.slug in guard(model, days=10).detail
    assert held(model, days=10)


def test_when_a_camera_last_sent_is_kept_once_an_hour(camera: Source, version: ModelVersion) -> None:
    images(camera, n=100, flagged=100)
    look_at_cameras(now=NOW)
    for hours, kept in ((0.5, None), (1, 1), (1.5, 1), (2, 2)):
        images(camera, n=1, flagged=1, hours=hours)
        look_at_cameras(now=NOW + timedelta(hours=hours))
        expected = None if kept is None else (NOW + timedelta(hours=kept)).isoformat()
        assert Alert.objects.get().evidence.get("last_image_at") == expected
