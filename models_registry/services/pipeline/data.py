"""The steps that look at what there is to learn from: collect, validate data, split check, features."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import partial

import numpy as np

from models_registry import files, manifest
from models_registry.datasets import soundness
from models_registry.datasets.split import split_checks
from models_registry.errors import RunFailed
from models_registry.models import TrainingStep
from models_registry.services.image_features import Source, UnreadableImage, features_of_parts
from models_registry.services.pipeline import stored
from models_registry.services.pipeline.bytes_kept import images_unchanged
from models_registry.services.pipeline.recalibrating import fitted_to
from models_registry.services.pipeline.workspace import StepReport, Workspace
from models_registry.training import features

NAMED_IN_SPLIT = frozenset({"groups_apart", "no_duplicate_inspection"})
FEWEST_PER_CLASS = 5
LARGEST_TO_SMALLEST = 50
BUILTIN = "builtin"


def collect(workspace: Workspace, report: StepReport) -> None:
    """Read the frozen manifest and verify its hash."""
    dataset = workspace.run.dataset
    _read(workspace)
    report.outputs_sha256 = dataset.sha256
    report.artifacts.append({"name": "manifest", "key": dataset.manifest, "sha256": dataset.sha256})
    report.detail = f"{dataset.n_train} to train on, {dataset.n_holdout} held out"


def collected(workspace: Workspace, step: TrainingStep) -> None:
    """The manifest is small and its hash is asked for either way: read again."""
    _read(workspace)


def _read(workspace: Workspace) -> None:
    dataset = workspace.run.dataset
    workspace.header, workspace.rows = manifest.read(files.local_copy(dataset.manifest), expected_sha256=dataset.sha256)


def validate_data(workspace: Workspace, report: StepReport) -> None:
    """Schema, counts, weights and the balance of the classes."""
    assert workspace.header is not None  # noqa: S101 - collect has run
    for check in manifest.check(workspace.header, workspace.rows):
        if check.name not in NAMED_IN_SPLIT:
            report.check(check.name, check.passed, check.detail, advice=ADVICE.get(check.name, ""))
    _same_labels(workspace, report)
    _balance(workspace, report)
    for found in soundness.findings(workspace.header, workspace.rows):
        report.look_at(found)
    report.detail = f"Looked at {len(workspace.rows)} parts"


ADVICE = {
    "known_classes": "Map the removed labels in the label set's next version, or judge these parts again.",
    "two_classes_in_train": "Label parts of a second class, then start the run again.",
    "counts": "Send the missing images, then start the run again.",
}


def _same_labels(workspace: Workspace, report: StepReport) -> None:
    """A version that says what the label set no longer knows could not be served."""
    gone = sorted(set(workspace.classes) - set(labels_of(workspace)))
    report.check(
        "label_set", not gone,
        f"Taken out of the label set since the dataset was frozen: {manifest.some(gone)}." if gone
        else "The label set still has every class that was frozen.",
        advice="Start the run again: it freezes the labels as the label set reads them now.",
    )  # fmt: skip


def labels_of(workspace: Workspace) -> list[str]:
    """The classes of the model's label set as it is now."""
    return list(workspace.run.registered_model.label_set.labels.values_list("slug", flat=True))


def _balance(workspace: Workspace, report: StepReport) -> None:
    names, counts = np.unique(workspace.labels()[workspace.partition("train")], return_counts=True)
    smallest, largest = int(counts.min()), int(counts.max())
    few = ", ".join(f"{name} {n}" for name, n in zip(names, counts, strict=True) if n < FEWEST_PER_CLASS)
    unlike = largest > LARGEST_TO_SMALLEST * smallest
    report.warn(
        "class_balance", bool(few) or unlike,
        f"{len(names)} classes, from {smallest} to {largest} parts each.",
        advice=f"Very few: {few}. Their accuracy will be a guess." if few else "The rare class will be learned badly.",
    )  # fmt: skip


def split_check(workspace: Workspace, report: StepReport) -> None:
    """Nothing that the model learns from may be asked of it afterwards."""
    assert workspace.header is not None  # noqa: S101
    for check in manifest.check(workspace.header, workspace.rows):
        if check.name in NAMED_IN_SPLIT:
            report.check(check.name, check.passed, check.detail)
    for check in split_checks(workspace.header, workspace.rows):
        report.check(check.name, check.passed, check.detail)
    report.detail = f"{int(workspace.partition('train').sum())} train, {int(workspace.measures().sum())} measure"


def checked(workspace: Workspace, step: TrainingStep) -> None:
    """The rows are those whose hash was checked: what was found about them still holds."""


def extract_features(workspace: Workspace, report: StepReport) -> None:
    """Features of every row that is asked for, from all its views.

    What is not known by its hash is read, and verified by it; what is known is not read again.
    """
    rows = _to_describe(workspace)
    parts = [_views(workspace.rows[place]) for place in rows]
    try:
        workspace.features = features_of_parts(
            parts,
            now=report.clock(),
            report=lambda done, of: report.progress(done / max(of, 1), f"{done} of {of} images"),
        )
    except UnreadableImage as error:
        raise RunFailed(_named(workspace.rows, error)) from error
    workspace.described = rows
    _finite(workspace, report)
    report.look_at(images_unchanged([workspace.rows[place] for place in rows], seed=workspace.run.seed))
    if workspace.run.backend == BUILTIN and workspace.run.recalibrates is None:
        _label_noise(workspace, report)
    entry = stored.keep_array("features", workspace.features)
    workspace.features_sha256 = report.outputs_sha256 = entry["sha256"]
    report.artifacts.append(entry)
    report.detail = f"{len(rows)} parts, {workspace.features.shape[1]} features each"


def _label_noise(workspace: Workspace, report: StepReport) -> None:
    """Of the rows that train, in the order of their arrival: nothing of the hold-out is cleaned by a model."""
    train = workspace.partition("train")
    rows = [row for row in workspace.rows if row.partition == "train"]
    order = np.array(sorted(range(len(rows)), key=lambda place: (rows[place].arrived_at, place)), dtype=np.int64)
    report.look_at(
        soundness.suspects(
            workspace.features_of(train)[order],
            workspace.labels()[train][order],
            [rows[place].inspection for place in order],
        )
    )


def _finite(workspace: Workspace, report: StepReport) -> None:
    odd = np.flatnonzero(~np.isfinite(workspace.features).all(axis=1))
    names = [workspace.rows[place].inspection for place in workspace.described[odd]]
    report.check(
        "Features are finite", not names,
        f"Not a number among the features of {manifest.some(names)}." if names
        else "Every feature of every image is a number.",
        advice="Withdraw these parts or send their images again, then start the run again.",
    )  # fmt: skip


def extracted(workspace: Workspace, step: TrainingStep) -> None:
    table = stored.array_of(step, "features")
    workspace.described = _to_describe(workspace)
    if table.shape != (len(workspace.described), features.N_FEATURES) or table.dtype != np.float32:
        raise stored.NothingStored
    workspace.features, workspace.features_sha256 = table, step.outputs_sha256


def _to_describe(workspace: Workspace) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """All rows for the built-in trainer. Another trainer brings features of its own: ours are for the champion only."""
    wanted = workspace.measures()
    if workspace.run.recalibrates is not None:
        return np.flatnonzero(wanted | fitted_to(workspace))
    if workspace.run.backend == BUILTIN:
        wanted = wanted | workspace.partition("train")
    return np.flatnonzero(wanted)


def _views(row: manifest.ManifestRow) -> list[Source]:
    return [(image.sha256, partial(_open, image)) for image in row.images]


def _open(image: manifest.ManifestImage) -> io.BytesIO:
    return io.BytesIO(files.read(image.key, sha256=image.sha256))


def _named(rows: Sequence[manifest.ManifestRow], error: UnreadableImage) -> str:
    """Which image of which part, and what to do."""
    row, image = next((row, image) for row in rows for image in row.images if image.sha256 == error.sha256)
    return (
        f"The image {image.key} of inspection {row.inspection} cannot be read: {error.__cause__}. Withdraw the part or "
        "send the image again, then start the run again."
    )
