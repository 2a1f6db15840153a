"""Imports over the API: a file in, a row at once, a worker at it, progress that moves, a report that is bounded."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone

from labeling.exchange import jobs
from labeling.models import GroundTruth, Import, Inspection, Item, Membership
from labeling.tasks import run_import, sweep_imports
from models_registry.models import RegisteredModel
from tests import factories as make
from tests.api.line import error_of
from tests.conftest import PROJECT
from tests.exchange import foreign
from tests.story import wait_for

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("engines")]


@pytest.fixture
def model() -> RegisteredModel:
    labels = [("ok", "OK", "1"), ("scratch", "Scratch", "2"), ("dent", "Dent", "3"), ("red iron", "Red", "4"),
              ("Hot-Spot.Multi", "Hot", "5")]  # fmt: skip
    return make.make_model(slug="steel", label_set=make.make_label_set(labels=labels))


@pytest.fixture
def lead(model: RegisteredModel) -> Client:
    client = Client(raise_request_exception=True)
    client.force_login(make.make_member("lead", registered_model=model))
    return client


URL = "/api/v1/models/steel/imports/"


def packed(files: dict[str, bytes | str]) -> SimpleUploadedFile:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return SimpleUploadedFile("set.zip", stream.getvalue(), content_type="application/zip")


def test_a_file_becomes_a_row_and_the_row_its_labels(lead: Client) -> None:
    answer = lead.post(URL, {"file": packed(foreign.COCO), "format": "coco"})
    assert answer.status_code == 202, answer.content
    said = answer.json()
    assert (said["status"], said["progress"], said["file_name"]) == ("queued", None, "set.zip")
    upload = Import.objects.get().upload
    assert default_storage.exists(upload)
    run_import(said["id"])
    after = lead.get(f"{URL}{said['id']}/").json()
    assert (after["status"], after["progress"]) == ("done", 1.0)
    assert after["counts"] == {"total": 4, "done": 4, "new": 2, "known": 0, "conflicts": 0, "refused": 3}
    assert {one["field"] for one in after["problems"]} == {"iscrowd", "image_id", "image", "label"}
    assert not default_storage.exists(upload)


def test_a_member_sees_the_imported_image_and_a_stranger_does_not(lead: Client, client: Client) -> None:
    run_import(lead.post(URL, {"file": packed(foreign.CVAT), "format": "cvat"}).json()["id"])
    url = f"/api/v1/items/{Item.objects.first().public_id}/image/"  # type: ignore[union-attr]
    assert lead.get(url).status_code == 200
    client.force_login(make.make_user("charlie"))
    assert client.get(url).status_code == 404


def test_a_folder_on_the_server_only_below_the_allowed_roots(lead: Client, tmp_path: Path, settings: Any) -> None:
    foreign.write(tmp_path / "allowed" / "set", foreign.FOLDERS)
    foreign.write(tmp_path / "other", foreign.FOLDERS)
    (tmp_path / "allowed" / "link").symlink_to(tmp_path / "other")
    settings.IMAGE_ROOTS = [tmp_path / "allowed"]
    for path in ("other", "allowed/link", "allowed/../other", "allowed/nothing", "allowed/\0"):
        answer = lead.post(URL, {"path": f"{tmp_path}/{path}", "format": "folders"}, content_type="application/json")
        assert error_of(answer)["code"] in {"path_refused", "invalid"}
    body = {"path": f"{tmp_path}/allowed/set", "format": "folders", "dry_run": True}
    answer = lead.post(URL, body, content_type="application/json")
    assert answer.status_code == 202, answer.content
    run_import(answer.json()["id"])
    assert lead.get(f"{URL}{answer.json()['id']}/").json()["counts"]["new"] == 4
    assert not Inspection.objects.exists()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "file"),
        ({"format": "voc"}, "format"),
        ({"format": "coco", "dry_run": "perhaps"}, "dry_run"),
        ({"format": "coco", "source": "nowhere"}, "source"),
        ({"format": "coco", "colour": "red"}, "colour"),
        ({"format": "coco", "ok_label": "x" * 81}, "ok_label"),
        ({"format": "coco", "path": "/etc"}, "file"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_kept(lead: Client, fields: dict[str, str], field: str) -> None:
    files = {} if not fields else {"file": packed(foreign.COCO)}
    assert field in error_of(lead.post(URL, {**fields, **files}))["fields"]
    assert not Import.objects.exists()


@pytest.mark.parametrize(
    ("content", "how"),
    [
        (b"", "coco"),
        (b"PK\x03\x04 cut", "folders"),
        (b"\xff\xfe", "csv"),
        (b"[" * 100_000, "label-studio"),
        (b"<a", "cvat"),
    ],
)
def test_a_file_that_is_none_fails_in_words(lead: Client, content: bytes, how: str) -> None:
    answer = lead.post(URL, {"file": SimpleUploadedFile("x." + how, content or b" "), "format": how})
    run_import(answer.json()["id"])
    after = lead.get(f"{URL}{answer.json()['id']}/").json()
    assert after["status"] == "failed"
    assert "Something broke" not in after["outcome"]


def test_a_lead_of_one_site_imports_only_there(model: RegisteredModel, client: Client) -> None:
    here, there = make.make_source(slug="cam-here"), make.make_source(slug="cam-there")
    version = make.make_version(registered_model=model)
    make.make_deployment(station=here.station, version=version)
    user = make.make_user("lena")
    Membership.objects.create(user=user, role="lead", site=here.station.site)
    client.force_login(user)
    for camera, status in (("cam-here", 202), (there.slug, 403), ("", 403)):
        answer = client.post(URL, {"file": packed(foreign.CVAT), "format": "cvat", "source": camera})
        assert answer.status_code == status
    assert Import.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_worker_takes_it_and_the_progress_moves(lead: Client, celery_worker_process: Any, store: Path) -> None:
    celery_worker_process(environment={"REVIEWAPP_VAR": str(store.parent)})
    files = {f"ok/{n}.png": foreign.picture(n % 250, width=24 + n // 250, kind="PNG") for n in range(700)}
    answer = lead.post(URL, {"file": packed(dict(files)), "format": "folders"}).json()
    seen = set()

    def is_over() -> bool:
        said = lead.get(f"{URL}{answer['id']}/").json()
        seen.add(said["progress"])
        assert said["status"] != "failed", said["outcome"]
        return bool(said["status"] == "done")

    wait_for(is_over, seconds=60)
    assert GroundTruth.objects.count() == 700
    assert 1.0 in seen
    assert len(seen) > 1


COMMAND = ("manage.py", "import_data", "steel", "--format", "folders")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_killed_in_the_middle_and_run_again_it_is_complete(model: RegisteredModel, tmp_path: Path, store: Path) -> None:
    """kill -9 between two batches or in one: whole batches stay; the sweeper's worker and a second run do the rest."""
    files = {f"ok/{n}.png": foreign.picture(n % 250, width=24 + n // 250, kind="PNG") for n in range(1500)}
    path = foreign.write(tmp_path / "set", files)
    database = os.environ["DATABASE_URL"].replace("/reviewapp?", f"/{connection.settings_dict['NAME']}?", 1)
    process = subprocess.Popen(
        [sys.executable, *COMMAND, str(path)], cwd=PROJECT, env=os.environ | {"DATABASE_URL": database}
    )
    wait_for(lambda: Inspection.objects.exists(), seconds=60)
    process.send_signal(signal.SIGKILL)
    process.wait()
    job = Import.objects.get()
    n = Inspection.objects.count()
    assert 0 < n < 1500
    assert n == job.n_done == job.n_new == Item.objects.count() == GroundTruth.objects.count()
    Import.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    assert jobs.lost(now=timezone.now(), lost_after=timedelta(minutes=2)) == [job.pk]
    run_import(job.pk)
    job.refresh_from_db()
    assert (job.status, job.n_new, job.n_known) == ("done", 1500, 0)
    assert Inspection.objects.count() == Item.objects.count() == GroundTruth.objects.count() == 1500


def test_the_sweeper_leaves_alone_what_somebody_works_on() -> None:
    job = make.make_import(queued_at=timezone.now())
    sweep_imports()
    assert jobs.lost(now=timezone.now(), lost_after=timedelta(minutes=2)) == []
    job.refresh_from_db()
    assert job.status == "queued"
