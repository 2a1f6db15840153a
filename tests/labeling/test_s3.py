"""The store in a bucket: the same files, the same answers, against a real S3 API server."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image

import tests.factories as make
from labeling.feedback import request_retraining
from labeling.images import fetch
from labeling.images.signed import image_url
from labeling.models import Item
from models_registry import files, serving
from models_registry.models import Alert, Dataset, ModelVersion, RegisteredModel, TrainingRun
from models_registry.services import pipeline
from tests.api.line import Line, error_of, make_line
from tests.factories.labelled import make_labelled_model
from tests.s3_server import client, new_store, s3_server


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3_server() as address:
        yield address


@pytest.fixture(autouse=True)
def bucket(endpoint: str, settings: Any, tmp_path: Path) -> str:
    store = new_store(endpoint)
    settings.STORAGES = {**settings.STORAGES, "default": store}
    settings.VAR = tmp_path
    return str(store["OPTIONS"]["bucket_name"])


@pytest.fixture
def line(db: None) -> Line:
    made = make_line()
    made.model.designs.filter(is_active=True).update(budget=1, audit_share=1)
    make.make_member(site=made.source.station.site)  # alice
    return made


def keys(endpoint: str, bucket: str) -> list[str]:
    return [one["Key"] for one in client(endpoint).list_objects_v2(Bucket=bucket).get("Contents", [])]


def sent(line: Line, data: bytes) -> Item:
    fields = line.row() | {"scores": '{"ok": 0.1, "scratch": 0.9}', "image": SimpleUploadedFile("a.png", data)}
    assert line.send_form(fields).status_code == 201
    return Item.objects.get()


def test_a_file_is_put_once_and_read_whole_in_part_and_not_when_it_is_too_large(endpoint: str, bucket: str) -> None:
    files.put("a/b.bin", b"0123456789")
    first = client(endpoint).head_object(Bucket=bucket, Key="a/b.bin")["LastModified"]
    files.put("a/b.bin", b"0123456789")

    assert client(endpoint).head_object(Bucket=bucket, Key="a/b.bin")["LastModified"] == first
    assert (files.read("a/b.bin"), files.size("a/b.bin"), files.exists("a/b.bin")) == (b"0123456789", 10, True)
    assert b"".join(files.pieces("a/b.bin", start=3, length=4)) == b"3456"
    with pytest.raises(files.FileTooLarge):
        files.read("a/b.bin", max_bytes=9)
    with pytest.raises(files.FileChanged):
        files.read("a/b.bin", sha256="0" * 64)


def test_a_half_of_a_file_is_made_whole_by_the_next_put() -> None:
    files.put("a.bin", b"01234")
    files.put("a.bin", b"0123456789")

    assert files.read("a.bin") == b"0123456789"


def test_many_put_the_same_file_at_once() -> None:
    threads = [threading.Thread(target=files.put, args=("same.bin", b"x" * 100_000)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert files.read("same.bin") == b"x" * 100_000


def test_a_missing_object_is_said_so_by_every_reader() -> None:
    assert not files.exists("none")
    for read in (files.read, files.size, files.local_copy, lambda key: files.pieces(key, start=0, length=1)):
        with pytest.raises(files.FileMissing):
            read("none")


def test_a_server_that_does_not_answer_is_not_a_missing_file(settings: Any, line: Line) -> None:
    item = sent(line, make.png())
    store = settings.STORAGES["default"]
    away = {**store, "OPTIONS": {**store["OPTIONS"], "endpoint_url": "http://127.0.0.1:9"}}
    settings.STORAGES = {**settings.STORAGES, "default": away}

    with pytest.raises(files.StoreUnavailable):
        files.put("a", b"b")
    url = image_url(item, "original", user_id=make.make_user("alice").pk, now=timezone.now())
    assert error_of(Client().get(url), 503)["code"] == "store_unavailable"


def test_a_bucket_that_refuses_us_is_not_a_missing_file(settings: Any) -> None:
    store = settings.STORAGES["default"]
    gone = {**store, "OPTIONS": {**store["OPTIONS"], "bucket_name": "no-such-bucket"}}
    settings.STORAGES = {**settings.STORAGES, "default": gone}

    with pytest.raises(files.StoreUnavailable):
        files.put("a", b"b")


def test_an_image_comes_and_goes_out_in_sizes_and_ranges(line: Line) -> None:
    data = make.png(width=2000, height=100)
    item = sent(line, data)
    alice = make.make_user("alice").pk

    review = Client().get(image_url(item, "review", user_id=alice, now=timezone.now()))
    original = image_url(item, "original", user_id=alice, now=timezone.now())
    part = Client().get(original, headers={"Range": "bytes=5-"})

    assert Image.open(io.BytesIO(b"".join(review.streaming_content))).size == (1600, 80)  # type: ignore[attr-defined]
    assert b"".join(Client().get(original).streaming_content) == data  # type: ignore[attr-defined]
    assert (part.status_code, b"".join(part.streaming_content)) == (206, data[5:])  # type: ignore[attr-defined]


def test_browsers_can_be_sent_to_the_bucket_for_some_minutes(line: Line, settings: Any, endpoint: str) -> None:
    item = sent(line, make.png())
    settings.S3_PRESIGNED = True

    answer = Client().get(image_url(item, "original", user_id=make.make_user("alice").pk, now=timezone.now()))

    assert answer.status_code == 302
    assert urlsplit(answer["Location"]).netloc == urlsplit(endpoint).netloc
    assert "X-Amz-Expires=600" in answer["Location"]
    assert httpx.get(answer["Location"]).content == make.png()
    error_of(Client().get(f"/api/v1/items/{item.public_id}/image/"), 401)


def test_a_key_in_the_bucket_is_measured_and_nothing_is_copied(
    line: Line, settings: Any, endpoint: str, bucket: str
) -> None:
    settings.IMAGE_KEY_PREFIXES = ["plant-a/"]
    files.put("plant-a/7.png", make.png(width=30))
    assert line.send(line.row(image_key="plant-a/7.png")).json()["image"] == "fetching"

    fetch.drain(clock=timezone.now)

    item = Item.objects.get()
    assert (item.image_status, item.image, item.width) == ("stored", "plant-a/7.png", 30)
    assert [key for key in keys(endpoint, bucket) if not key.startswith("derived/")] == ["plant-a/7.png"]


@pytest.mark.django_db(transaction=True)
def test_a_run_reads_its_dataset_and_leaves_its_artifact_in_the_bucket(tmp_path: Path) -> None:
    model = make_labelled_model(n=40, promotion={"automatic": True})
    run = request_retraining(registered_model=model, by=make.make_user("lena"), reason="First.", now=timezone.now())

    assert pipeline.execute(run.pk)

    run.refresh_from_db()
    assert run.status == "succeeded"
    image = files.read(Item.objects.first().image)  # type: ignore[union-attr]
    assert set(serving.predict(run.version, [image])[0]) == {label.slug for label in model.label_set.labels.all()}
    assert files.local_copy(run.version.artifact).is_relative_to(tmp_path / "cache")


@pytest.mark.django_db(transaction=True)
def test_files_that_are_gone_from_the_bucket_are_named_and_the_run_after_they_are_put_back_succeeds(
    endpoint: str, bucket: str
) -> None:
    model = make_labelled_model(n=24, promotion={"automatic": True})
    run, manifest = requested(model), Dataset.objects.get().manifest
    gone = taken_out(endpoint, bucket, manifest)
    assert f"The file {manifest} is not in the store." in failed(run)
    files.put(manifest, gone)
    image = Item.objects.order_by("pk")[0].image
    gone = taken_out(endpoint, bucket, image)
    said = failed(requested(model))
    assert f"The file {image} is not in the store. Put the file back, or withdraw the part" in said
    assert not ModelVersion.objects.exists()

    files.put(image, gone)
    run = requested(model)
    assert pipeline.execute(run.pk)

    champion = ModelVersion.objects.get(stage="champion")
    taken_out(endpoint, bucket, champion.artifact)
    files.local_copy(champion.artifact).unlink(missing_ok=True)
    serving.warm.clear()
    run = requested(model)
    assert pipeline.execute(run.pk), TrainingRun.objects.get(pk=run.pk).outcome
    assert "cannot judge these inspections" in run.steps.get(name="compare").detail
    assert Alert.objects.get(resolved_at=None).kind == "artifact_refused"
    assert run.version.stage == "candidate"  # with nobody to compare it with, a person decides


def requested(model: RegisteredModel) -> TrainingRun:
    return request_retraining(registered_model=model, by=make.make_user("lena"), reason="Now.", now=timezone.now())


def taken_out(endpoint: str, bucket: str, key: str) -> bytes:
    content = files.read(key)
    client(endpoint).delete_object(Bucket=bucket, Key=key)
    return content


def failed(run: TrainingRun) -> str:
    assert not pipeline.execute(run.pk)
    run.refresh_from_db()
    assert run.status == "failed"
    return str(run.outcome)
