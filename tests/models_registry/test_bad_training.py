"""Bad input to training: each ends in a sentence that says what, where and what to do, and leaves nothing behind."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from labeling.demo.surfaces import CLASSES
from labeling.feedback import request_retraining
from labeling.models import GroundTruth, Inspection, Item
from labeling.retraining_facts import facts_of
from models_registry import files
from models_registry.models import (
    Alert,
    Dataset,
    ImageFeatures,
    LabelMapping,
    ModelVersion,
    RegisteredModel,
    TrainingRun,
)
from models_registry.services import pipeline, training
from models_registry.services.label_sets import make_next_set
from tests import factories as make
from tests.factories.labelled import make_labelled_model
from tests.full_disk import full_disk
from tests.unit.test_onnx_model import DECLARED, SIDE, linear

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def store(tmp_path: Path, settings: Any) -> None:
    local = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path / "store"}}
    settings.STORAGES = {**settings.STORAGES, "default": local}


def requested(model: RegisteredModel, reason: str = "Try.") -> TrainingRun:
    return request_retraining(registered_model=model, by=make.make_user("lena"), reason=reason, now=timezone.now())


def failed(run: TrainingRun, *, step: str) -> str:
    """What the run says of its end, which must be a refusal in words; its labels are new again."""
    assert not pipeline.execute(run.pk)
    run.refresh_from_db()
    assert run.status == "failed"
    assert "Unexpected" not in run.outcome
    assert run.steps.get(status="failed").name == step
    assert not ModelVersion.objects.exists()
    assert run.outcome in Alert.objects.get(kind="run_failed", resolved_at=None).message
    n = GroundTruth.objects.filter(registered_model=run.registered_model).count()
    assert GroundTruth.objects.new_for_training(run.registered_model).count() == n
    return run.outcome


def succeeded(run: TrainingRun) -> ModelVersion:
    assert pipeline.execute(run.pk), TrainingRun.objects.get(pk=run.pk).outcome
    return ModelVersion.objects.get(training_run=run)


def split(n_train: int) -> None:
    """The first ``n_train`` parts train, the others are held out."""
    parts = list(Inspection.objects.order_by("pk").values_list("pk", flat=True))
    Inspection.objects.filter(pk__in=parts[:n_train]).update(partition="train")
    Inspection.objects.filter(pk__in=parts[n_train:]).update(partition="holdout")


def labelled(*slugs: str, n_train: int) -> RegisteredModel:
    model = make_labelled_model(n=len(slugs))
    for truth, slug in zip(GroundTruth.objects.order_by("pk"), slugs, strict=True):
        GroundTruth.objects.filter(pk=truth.pk).update(label=model.label_set.labels.get(slug=slug))
    split(n_train)
    return model


GOOD, BAD = CLASSES[0], CLASSES[1]


@pytest.mark.parametrize(
    ("slugs", "n_train", "words"),
    [
        ([GOOD] * 12, 8, f"In train: {GOOD} 8. Label parts of a second class"),
        ([GOOD, GOOD, BAD], 2, f"In train: {GOOD} 2. Label parts of a second class"),
        ([GOOD, GOOD, BAD], 0, "In train: no row. Label parts of a second class"),
    ],
)
def test_one_class_to_learn_from_is_refused_with_its_counts(slugs: list[str], n_train: int, words: str) -> None:
    assert words in failed(requested(labelled(*slugs, n_train=n_train)), step="validate_data")


@pytest.mark.parametrize("n_train", [2, 3])
def test_three_images_make_a_version_that_claims_nothing_and_waits(n_train: int) -> None:
    model = labelled(GOOD, BAD, GOOD, n_train=n_train)
    version = succeeded(requested(model))
    assert version.stage == "candidate"
    assert version.metrics["holdout_n"] == 3 - n_train
    assert (version.metrics["holdout_accuracy"] is None) == (n_train == 3)


def test_an_image_that_was_corrupt_when_it_came_is_named_with_its_part() -> None:
    """The bytes are those that were frozen: no hash gives them away."""
    model = labelled(*[GOOD, BAD] * 4, n_train=6)
    item = Item.objects.select_related("inspection").first()
    assert item is not None
    content = default_storage.open(item.image).read()
    content = content[: len(content) // 2]
    default_storage.delete(item.image)
    default_storage.save(item.image, ContentFile(content))
    Item.objects.filter(pk=item.pk).update(sha256=hashlib.sha256(content).hexdigest())

    said = failed(requested(model), step="features")

    assert f"The image {item.image} of inspection {item.inspection.station_id}/{item.inspection.inspection_id}" in said
    assert "Withdraw the part or send the image again" in said
    Inspection.objects.filter(pk=item.inspection_id).update(withdrawn_at=timezone.now())
    succeeded(requested(model, "Withdrawn."))


def test_features_that_are_no_numbers_are_made_anew() -> None:
    model = labelled(*[GOOD, BAD] * 4, n_train=6)
    first = succeeded(requested(model))
    row = ImageFeatures.objects.first()
    assert row is not None
    odd = np.full(len(row.vector) // 4, np.nan, dtype="<f4").tobytes()
    ImageFeatures.objects.filter(pk=row.pk).update(vector=odd)

    again = training.request_training(
        dataset=Dataset.objects.get(), trigger="person", reason="Again.", now=timezone.now()
    )
    assert succeeded(again).metrics["holdout_accuracy"] == first.metrics["holdout_accuracy"]
    scores = [one.steps.get(name="validate_model").outputs_sha256 for one in TrainingRun.objects.all()]
    assert scores[0] == scores[1]


def test_a_class_taken_out_of_the_label_set_while_the_run_waits_fails_it_and_the_next_reads_the_mapping() -> None:
    model = labelled(*[GOOD, BAD, CLASSES[2]] * 4, n_train=9)
    run = requested(model)
    old = model.label_set
    newer = make_next_set(old)
    gone = newer.labels.get(slug=CLASSES[2])
    LabelMapping.objects.filter(new_label=gone).update(new_label=None)
    gone.delete()
    RegisteredModel.objects.update(label_set=newer)
    model.refresh_from_db()

    said = failed(run, step="validate_data")

    assert f"Taken out of the label set since the dataset was frozen: {CLASSES[2]}. Start the run again" in said
    facts = facts_of([model], now=timezone.now())[model.pk]
    assert (facts.n_labels_total, facts.n_new_labels, facts.n_classes_with_labels) == (8, 8, 2)  # it holds nothing back
    second = requested(model, "Again.")
    assert second.dataset.label_counts == {GOOD: 4, BAD: 4}
    assert succeeded(second).metrics["holdout_n"] == 2

    LabelMapping.objects.filter(old_label__slug=CLASSES[2]).update(new_label=newer.labels.get(slug=BAD))
    facts = facts_of([model], now=timezone.now())[model.pk]
    assert (facts.n_labels_total, facts.min_class_labels) == (12, 4)
    third = requested(model, "It is one defect now.")
    assert third.dataset.label_counts == {GOOD: 4, BAD: 8}


def test_a_class_that_no_mapping_speaks_of_is_named_with_what_to_do() -> None:
    model = labelled(*[GOOD, BAD, CLASSES[2]] * 4, n_train=9)
    shorter = make.make_label_set(labels=[(GOOD, "Good", "1"), (BAD, "Bad", "2")])
    RegisteredModel.objects.update(label_set=shorter)
    model.refresh_from_db()
    said = failed(requested(model), step="validate_data")
    assert f"Outside the label set: {CLASSES[2]}. Map the removed labels" in said


def program(folder: Path, settings: Any, text: str, model: bytes = b"", **limits: Any) -> None:
    """Declare a program that answers as ``text`` says; ``model`` is at hand for it as ``given.onnx``."""
    given = folder / "given.onnx"
    given.write_bytes(model)
    leave = (
        "import hashlib, json, sys, pathlib\n"
        f"out, given = pathlib.Path(sys.argv[2]), pathlib.Path({str(given)!r}).read_bytes()\n"
        "def leave(content, **said):\n"
        "    (out / 'm.onnx').write_bytes(content)\n"
        "    said = {'artifact': 'm.onnx', 'sha256': hashlib.sha256(content).hexdigest()} | said\n"
        "    (out / 'result.json').write_text(json.dumps(said))\n"
    )
    (folder / "trainer.py").write_text(leave + text)
    lines = [f"{name} = {value}" for name, value in limits.items()]
    settings.TRAINERS_FILE = folder / "trainers.toml"
    lines += ["kind = 'command'", f"command = {[sys.executable, str(folder / 'trainer.py')]}"]
    settings.TRAINERS_FILE.write_text("\n".join(["[trainers.odd]", *lines]))
    RegisteredModel.objects.update(trainer="odd")


def onnx(classes: tuple[str, ...], weight: float = 0.0) -> bytes:
    return linear(np.full((SIDE * SIDE, len(classes)), weight), declared=DECLARED | {"classes": list(classes)})


@pytest.mark.parametrize(
    ("text", "model", "limits", "step", "words"),
    [
        ("leave(b'garbage')", b"", {}, "calibrate", "onnxruntime cannot read"),
        ("leave(given, sha256='0' * 64)", b"x", {}, "fit", "another sha256"),
        ("leave(given)", onnx((BAD, GOOD)), {}, "validate_model", f"The artifact says {BAD}, {GOOD}; the dataset has"),
        ("leave(given)", onnx(tuple(CLASSES), np.nan), {}, "validate_model", "finite"),
        ("while True: print('x' * 10_000)", b"", {"log_mb": 1}, "fit", "of log"),
    ],
    ids=["garbage", "lies about its hash", "other classes", "no numbers", "floods"],
)  # fmt: skip
def test_a_trainer_that_goes_wrong_fails_its_run_in_words(
    settings: Any, tmp_path: Path, text: str, model: bytes, limits: dict[str, Any], step: str, words: str
) -> None:
    registered_model = labelled(*[GOOD, BAD] * 4, n_train=6)
    program(tmp_path, settings, text, model, **limits)
    registered_model.refresh_from_db()
    assert words in failed(requested(registered_model), step=step)
    assert not list((settings.VAR / "training").glob("run-*"))


def test_a_full_disk_freezes_nothing_and_starts_no_run() -> None:
    model = labelled(*[GOOD, BAD] * 4, n_train=6)
    with full_disk(), pytest.raises(files.StoreUnavailable):
        requested(model)
    assert not Dataset.objects.exists()
    assert not TrainingRun.objects.exists()
    assert not default_storage.exists("datasets") or default_storage.listdir("datasets") == ([], [])
    assert GroundTruth.objects.filter(frozen_in=None).count() == 8
    succeeded(requested(model, "There is space again."))
