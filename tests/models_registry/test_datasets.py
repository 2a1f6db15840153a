"""A dataset's page, its files, and whether they still are what was frozen."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.test import Client

from models_registry import files
from models_registry.manifest import Query
from models_registry.models import Dataset, RegisteredModel
from models_registry.services.dataset_files import open_dataset
from models_registry.services.datasets import freeze_dataset
from models_registry.services.pipeline.bytes_kept import images_unchanged
from tests import factories as make
from tests.models_registry.test_run_page import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def model() -> RegisteredModel:
    return make.make_model(slug="bearing", name="Bearing race")


@pytest.fixture
def lena(client: Client, model: RegisteredModel) -> Client:
    client.force_login(make.make_member("lead", registered_model=model))
    return client


@pytest.fixture
def two(model: RegisteredModel) -> tuple[Dataset, Dataset]:
    """The second has one part less, one label changed, and an image that looks like a held-out one."""
    first = make.make_frozen(registered_model=model)
    rows = open_dataset(first)[1]
    held = next(row for row in rows if row.partition == "holdout")
    rows[0] = replace(rows[0], label="dent")
    rows[1] = replace(rows[1], images=held.images)
    second = freeze_dataset(
        registered_model=model, rows=rows[:-1], query=Query("All."), cutoff=make.NOW, code_version="2"
    )
    return first, second


@pytest.fixture
def damaged(model: RegisteredModel) -> Iterator[Dataset]:
    """Its first image was written over, its second one is gone; both come back afterwards."""
    dataset = make.make_frozen(registered_model=model)
    first, second = (row.images[0].key for row in open_dataset(dataset)[1][:2])
    kept = {key: files.read(key) for key in (first, second)}
    Path(default_storage.path(first)).write_bytes(b"other")
    Path(default_storage.path(second)).unlink()
    yield dataset
    for key, data in kept.items():
        Path(default_storage.path(key)).write_bytes(data)


def test_the_page_says_what_is_in_it_what_was_left_out_and_what_changed(
    lena: Client, two: tuple[Dataset, Dataset]
) -> None:
    page = text_of(lena, two[1].get_absolute_url())
    assert "1 was left out, since it belongs to a held-out part." in page
    assert "1/0001 Scratch" not in page
    assert "Relabelled 1 Moved between training and hold-out 0 Another image 0 Removed 2 Added 0 The same 9" in page
    assert "No image is in training and in the hold-out." in page
    assert "A check fails" not in page
    changes = text_of(lena, f"{two[1].get_absolute_url()}changes/?kind=removed")
    assert "left out, it belongs to 1/0003" in changes
    assert "P0" not in changes
    assert lena.get(f"{two[1].get_absolute_url()}changes/?against=no").status_code == 404


def test_a_manifest_that_is_gone_leaves_a_page_that_says_so(lena: Client, model: RegisteredModel) -> None:
    gone = make.make_dataset(registered_model=model)
    assert "The manifest cannot be read. There is no manifest" in text_of(lena, gone.get_absolute_url())
    answer = lena.get(f"/api/v1/datasets/{gone.pk}/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "missing")


def test_the_api_lists_details_and_compares(lena: Client, two: tuple[Dataset, Dataset]) -> None:
    listed = lena.get("/api/v1/datasets/?model=bearing").json()["results"]
    assert [one["id"] for one in listed] == [two[1].pk, two[0].pk]
    one = lena.get(f"/api/v1/datasets/{two[1].pk}/").json()
    assert (one["parent"], one["excluded"]) == (
        two[0].pk, [{"inspection": "1/0001", "label": "scratch", "because_of": "1/0003"}],
    )  # fmt: skip
    assert {check["name"] for check in one["checks"]} >= {"leak_groups", "leak_near_duplicates", "time_split"}
    changes = lena.get(f"/api/v1/datasets/{two[1].pk}/diff/").json()
    assert changes["counts"] == {"relabelled": 1, "moved": 0, "image_changed": 0, "removed": 2, "added": 0}
    assert [lena.get(f"/api/v1/datasets/{two[1].pk}/diff/?{asked}").status_code for asked in ("start=x", "against=0")]


def test_the_manifest_and_the_images_can_be_had_and_are_what_was_frozen(
    lena: Client, two: tuple[Dataset, Dataset]
) -> None:
    answer = lena.get(f"/api/v1/datasets/{two[1].pk}/manifest/")
    assert hashlib.sha256(b"".join(answer.streaming_content)).hexdigest() == two[1].sha256  # type: ignore[attr-defined]
    archive = lena.get(f"/api/v1/datasets/{two[1].pk}/archive/")
    with zipfile.ZipFile(io.BytesIO(b"".join(archive.streaming_content))) as found:  # type: ignore[attr-defined]
        names = found.namelist()
        header = json.loads(found.read("manifest.jsonl").splitlines()[0])
        digests = {hashlib.sha256(found.read(name)).hexdigest() for name in names[1:]}
    assert header["counts"] == {"holdout/scratch": 1, "holdout/ok": 1, "train/dent": 1} | header["counts"]
    assert {f"images/{digest}.png" for digest in digests} == set(names[1:])


def test_what_was_written_over_or_is_gone_is_noticed(damaged: Dataset, tmp_path: Path) -> None:
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("verify_dataset", damaged.sha256[:10], stdout=out, stderr=io.StringIO())
    assert re.findall(r"inspection (\S+): .*(differs|not in the store)", out.getvalue()) == [
        ("1/0000", "differs"),
        ("1/0001", "not in the store"),
    ]
    with pytest.raises(CommandError):
        call_command("export_dataset", str(damaged.pk), tmp_path / "all.zip", images=True, stdout=out)
    assert list(tmp_path.iterdir()) == []
    call_command("export_dataset", str(damaged.pk), tmp_path / "manifest.jsonl", stdout=out)
    assert hashlib.sha256((tmp_path / "manifest.jsonl").read_bytes()).hexdigest() == damaged.sha256


def test_a_run_names_what_was_written_over_or_is_gone_also_where_it_need_not_read_it(damaged: Dataset) -> None:
    found = images_unchanged(open_dataset(damaged)[1], seed=1)
    assert (found.worrying, found.measured) == (True, "2")
    assert "1/0000 (changed), 1/0001 (missing)" in found.detail


def test_a_whole_dataset_passes(model: RegisteredModel) -> None:
    out, whole = io.StringIO(), make.make_frozen(registered_model=model)
    call_command("verify_dataset", str(whole.pk), stdout=out, stderr=io.StringIO())
    assert "12 inspections, 0 damaged" in out.getvalue()
    found = images_unchanged(open_dataset(whole)[1], seed=1)
    assert (found.worrying, found.measured) == (False, "0")
