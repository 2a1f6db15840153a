"""Guards and a comparison made anew with real artifacts, built-in and ONNX, loaded and timed as in serving."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client
from PIL import Image

from models_registry import files
from models_registry.manifest import ManifestImage, ManifestRow, Query
from models_registry.models import Comparison, Dataset, ModelVersion, RegisteredModel
from models_registry.services.datasets import freeze_dataset
from models_registry.services.recomparing import overtaken_comparisons, recompare
from models_registry.training import artifact, features
from models_registry.training.trainer import fit
from tests import factories as make
from tests.unit.test_onnx_model import DECLARED, SIDE, linear, picture

pytestmark = pytest.mark.django_db
BRIGHT_IS_OK = np.column_stack([np.full(SIDE * SIDE, 0.1), np.zeros(SIDE * SIDE)])
GREYS = (("cam-1", 100, "ok", 60), ("cam-2", 90, "dent", 40), ("cam-2", 240, "ok", 20))


@pytest.fixture(autouse=True)
def store(tmp_path: Path, settings: Any) -> None:
    local = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path / "store"}}
    settings.STORAGES = {**settings.STORAGES, "default": local}


def onnx(model: RegisteredModel, threshold: float = 0.2) -> ModelVersion:
    """What is brighter than the threshold (of 1) is ok."""
    content = linear(BRIGHT_IS_OK, declared=DECLARED | {"mean": [threshold], "std": [0.05]})
    digest = hashlib.sha256(content).hexdigest()
    files.put(f"artifacts/{digest}.onnx", content)
    where = {"artifact": f"artifacts/{digest}.onnx", "artifact_sha256": digest}
    return make.make_version(registered_model=model, **where)


def built_in(model: RegisteredModel) -> ModelVersion:
    """Right where it is bright or dark; what lies between it has never seen."""
    pictures = [Image.new("RGB", (20, 10), (grey,) * 3) for grey in (*range(0, 60, 3), *range(190, 250, 3))]
    fitted = fit(features.extract_many(pictures), ["dent"] * 20 + ["ok"] * 20, classes=["ok", "dent"], seed=1)
    path = files.local_copy("artifacts/built-in.skops")
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = artifact.save(path, fitted, metadata={})
    where = {"artifact": "artifacts/built-in.skops", "artifact_sha256": digest}
    return make.make_version(registered_model=model, **where)


def held_out(model: RegisteredModel) -> Dataset:
    """Pictures of two cameras: dim good parts at the first; dimmer dents and bright good ones at the second."""
    rows = []
    for camera, grey, label, n in GREYS:
        content = picture(grey)
        digest = hashlib.sha256(content).hexdigest()
        files.put(f"images/{digest}.png", content)
        for number in range(n):
            name = f"{camera}/{grey}/{number:03}"
            rows.append(
                ManifestRow(
                    inspection=name, group=name, partition="holdout", label=label, weight=1.0, pi=0.5, source=camera,
                    images=(ManifestImage(f"images/{digest}.png", digest),),
                )
            )  # fmt: skip
    rows.sort(key=lambda row: row.inspection)
    return freeze_dataset(
        registered_model=model, rows=rows, query=Query("All that was settled."), cutoff=make.NOW, code_version="test"
    )


def overtaken(make_candidate: Any = onnx, **policy: Any) -> tuple[ModelVersion, ModelVersion]:
    """A candidate that was compared with a champion which is gone, and the champion of today."""
    model = make.make_model(promotion={"automatic": True, "guard_defects": False, "min_items": 10, **policy})
    first = make.make_version(registered_model=model)
    candidate = make_candidate(model)
    make.make_comparison(candidate=candidate, champion=first, dataset=held_out(model))
    today = onnx(model, 0.5)
    ModelVersion.objects.filter(pk=first.pk).update(stage="retired")
    ModelVersion.objects.filter(pk=today.pk).update(stage="champion")
    assert overtaken_comparisons() == [candidate.pk]
    return candidate, today


def guard(row: Comparison, name: str) -> dict[str, Any]:
    (found,) = [one for one in row.guards if one["name"] == name]
    return dict(found)


@pytest.mark.parametrize("make_candidate", [onnx, built_in], ids=["onnx", "built-in"])
@pytest.mark.parametrize(("limit", "name"), [("max_size_mb", "size"), ("max_latency_ms", "latency")])
def test_a_file_that_is_too_large_or_too_slow_is_refused_by_name(make_candidate: Any, limit: str, name: str) -> None:
    """A limit that no file keeps: what is tried is that the real one is measured, not how fast the machine is."""
    candidate, _today = overtaken(make_candidate, guard_sources=False, **{limit: 1e-4})
    row = recompare(version=candidate, now=make.NOW)
    assert row is not None
    assert (row.n, row.verdict, guard(row, name)["passed"]) == (120, "refuse", False)
    assert "0.0001 are allowed" in guard(row, name)["detail"]
    candidate.refresh_from_db()
    assert candidate.metrics[limit.removeprefix("max_")] > 1e-4
    assert candidate.stage == "rejected"


def test_a_camera_where_it_is_blind_refuses_it_on_the_hold_out_alone() -> None:
    candidate, _today = overtaken(guard_sources=True)
    row = recompare(version=candidate, now=make.NOW)
    assert row is not None
    assert (row.n_fixed, row.n_broken) == (60, 40)  # better on the whole
    assert (row.verdict, guard(row, "source:cam-2")["passed"]) == ("refuse", False)
    assert guard(row, "source:cam-1")["passed"] is True
    assert "cam-2 fell by 66.7 points on 60 inspections" in row.reason
    candidate.refresh_from_db()
    assert candidate.stage == "rejected"


def test_a_champion_that_changed_is_a_409_and_after_the_new_comparison_the_same_call_goes_through(
    client: Client,
) -> None:
    candidate, today = overtaken(automatic=False, guard_sources=False)
    client.force_login(make.make_user("root", is_superuser=True))

    def ask() -> Any:
        address = f"/api/v1/versions/{candidate.pk}/promote/"
        return client.post(address, {"reason": "Better."}, content_type="application/json")

    early = ask()
    assert (early.status_code, early.json()["error"]["code"]) == (409, "champion_changed")
    row = recompare(version=candidate, now=make.NOW)
    assert row is not None
    assert (row.champion, row.n) == (today, 120)
    assert row.candidate_accuracy == pytest.approx(80 / 120)
    assert recompare(version=candidate, now=make.NOW + timedelta(hours=1)) is None
    done = ask()
    assert (done.status_code, done.json()["comparison"]) == (200, row.pk)
