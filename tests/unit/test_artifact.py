"""A model file loads only when it is exactly what was saved and holds only what a model needs."""

import hashlib
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline
from skops import io as skops_io

from models_registry.training import candidates
from models_registry.training.artifact import content_hash, load, read_metadata, save
from models_registry.training.errors import ArtifactError
from models_registry.training.trainer import FittedModel, fit

CLASSES = ("ok", "dent", "class with spaces and a .")


def make_features(count: int = 40) -> NDArray[np.float32]:
    rows = np.random.default_rng(0).normal(size=(count, 6))
    rows[::2] += 1.0
    return rows.astype(np.float32)


def make_model(seed: int = 1) -> FittedModel:
    labels = ["ok", "dent"] * 20
    return fit(make_features(), labels, classes=CLASSES, seed=seed)


def write_foreign(path: Path, payload: object) -> str:
    content = skops_io.dumps(payload)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def refusal(path: Path, sha256: str) -> str:
    with pytest.raises(ArtifactError) as refused:
        load(path, expected_sha256=sha256)
    return refused.value.code


@pytest.mark.parametrize("name", ["logistic regression", "support vectors", "landmarks"])
def test_every_kind_of_model_comes_back_scoring_the_same(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "landmarks":
        monkeypatch.setattr(candidates, "KERNEL_ROWS", 10)
        monkeypatch.setattr(candidates, "LANDMARKS", 20)
    model, rows = make_model(), make_features()
    tried = candidates.candidates(n_rows=40, n_features=6, n_classes=2, n_folds=5, seed=1, search_seconds=0)
    kinds = {one.name.split(",")[0]: one for one in tried}
    model = replace(model, estimator=name, pipeline=kinds[name].build().fit(rows, ["ok", "dent"] * 20))
    sha256 = save(tmp_path / "model.skops", model, metadata={})
    back = load(tmp_path / "model.skops", expected_sha256=sha256)
    np.testing.assert_array_equal(back.predict_scores(rows), model.predict_scores(rows))
    assert back.classes == CLASSES
    assert back.calibration == model.calibration
    assert content_hash(back) == content_hash(model)


def test_the_hash_is_of_the_file_and_nothing_else_is_left_behind(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "model.skops"
    assert save(path, make_model(), metadata={}) == hashlib.sha256(path.read_bytes()).hexdigest()
    assert [entry.name for entry in path.parent.iterdir()] == ["model.skops"]


def test_metadata_can_be_read_back(tmp_path: Path) -> None:
    sha256 = save(tmp_path / "model.skops", make_model(), metadata={"run": "17"})
    assert read_metadata(tmp_path / "model.skops", expected_sha256=sha256) == {"run": "17"}


def test_a_failed_write_keeps_the_older_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(b"older")
    monkeypatch.setattr("os.fsync", lambda descriptor: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        save(path, make_model(), metadata={})
    assert path.read_bytes() == b"older"
    assert len(list(tmp_path.iterdir())) == 1


def test_one_changed_byte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    sha256 = save(path, make_model(), metadata={})
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert refusal(path, sha256) == "hash_mismatch"


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    assert refusal(tmp_path / "model.skops", "0" * 64) == "missing"


def test_a_type_that_skops_does_not_trust_is_refused(tmp_path: Path) -> None:
    sha256 = write_foreign(tmp_path / "model.skops", {"format": 1, "pipeline": Path})
    assert refusal(tmp_path / "model.skops", sha256) == "untrusted_type"


def test_a_type_that_skops_trusts_but_no_model_of_ours_needs_is_refused(tmp_path: Path) -> None:
    payload = {"format": 1, "pipeline": Pipeline([("classify", RandomForestClassifier())])}
    sha256 = write_foreign(tmp_path / "model.skops", payload)
    assert refusal(tmp_path / "model.skops", sha256) == "untrusted_type"


def test_an_archive_without_a_schema_is_unreadable(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("other.txt", "nothing")
    (tmp_path / "model.skops").write_bytes(stream.getvalue())
    assert refusal(tmp_path / "model.skops", hashlib.sha256(stream.getvalue()).hexdigest()) == "unreadable"


def test_bytes_that_are_no_archive_are_unreadable(tmp_path: Path) -> None:
    (tmp_path / "model.skops").write_bytes(b"pickle")
    assert refusal(tmp_path / "model.skops", hashlib.sha256(b"pickle").hexdigest()) == "unreadable"


@pytest.mark.parametrize("payload", [{"format": 2}, {"format": 1}, ["format"]])
def test_another_format_is_refused(payload: object, tmp_path: Path) -> None:
    sha256 = write_foreign(tmp_path / "model.skops", payload)
    assert refusal(tmp_path / "model.skops", sha256) == "wrong_format"


def test_a_model_of_other_features_is_refused(tmp_path: Path) -> None:
    older = replace(make_model(), features_version="texture-0")
    assert refusal(tmp_path / "model.skops", save(tmp_path / "model.skops", older, metadata={})) == "features_version"


def test_the_content_hash_sees_through_a_file_that_differs_and_notices_a_parameter(tmp_path: Path) -> None:
    model = make_model()
    assert content_hash(model) == content_hash(make_model())
    model.pipeline[0].mean_[0] += 1e-9
    assert content_hash(model) != content_hash(make_model())
