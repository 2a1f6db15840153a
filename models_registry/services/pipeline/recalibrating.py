"""A run that keeps a version's model and fits its confidence anew: what differs from a run that learns."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models_registry import files, manifest, serving
from models_registry.errors import RunFailed
from models_registry.services.pipeline import stored
from models_registry.training import artifact
from models_registry.training.errors import TrainingDataError
from models_registry.training.recalibration import recalibrated
from models_registry.training.trainer import FittedModel

if TYPE_CHECKING:
    from models_registry.models import ModelVersion, TrainingRun
    from models_registry.services.pipeline.workspace import StepReport, Workspace

NEWEST = 1000
"""Rows by arrival that are fitted to: what the line is like today, not what it was like in the model's first year."""


def keep(workspace: Workspace, report: StepReport) -> None:
    """The step fit: nothing is learned."""
    version = _version(workspace)
    model = serving.load(version.artifact, version.artifact_sha256)
    report.check("Kept model", isinstance(model, FittedModel), f"The model of {version.short_name} is kept.")
    report.check(
        "Classes",
        tuple(model.classes) == workspace.classes,
        f"Whether {version.short_name} knows the labels of today.",
        advice="Retrain: the labels are others than those it has learned.",
    )
    workspace.artifact_key, workspace.artifact_sha256 = version.artifact, version.artifact_sha256
    report.artifacts.append({"name": "model", "key": version.artifact, "sha256": version.artifact_sha256})
    report.outputs_sha256 = version.artifact_sha256
    report.detail = f"Keeps the model of {version.short_name}"


def fit_confidence(workspace: Workspace, report: StepReport) -> None:
    """The step calibrate: the newest drawn rows of the training side that the model has not learned from."""
    version = _version(workspace)
    model = serving.load(version.artifact, version.artifact_sha256)
    assert isinstance(model, FittedModel)  # noqa: S101 - `keep` has looked
    mask = fitted_to(workspace)
    weights = [1 / (row.pi or 1.0) for row, chosen in zip(workspace.rows, mask, strict=True) if chosen]
    try:
        fitted, before = recalibrated(model, workspace.features_of(mask), workspace.labels()[mask], weights=weights)
    except TrainingDataError as error:
        raise RunFailed(error.message) from error
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.skops"
        artifact.save(path, fitted, metadata={"dataset": workspace.run.dataset.sha256, "kept": version.artifact_sha256})
        entry = stored.keep("model", path.read_bytes(), suffix=".skops", folder="artifacts")
    workspace.artifact_key, workspace.artifact_sha256 = entry["key"], entry["sha256"]
    report.artifacts.append(entry)
    report.outputs_sha256 = entry["sha256"]
    _tell(workspace, report, version, model, fitted, before)


def _tell(
    workspace: Workspace, report: StepReport, version: ModelVersion, old: FittedModel, new: FittedModel, before: float
) -> None:
    found, was = new.calibration, old.calibration.sharpness
    report.check("Sharpness", 0 < found.sharpness < float("inf"), f"From {was:.3g} to {found.sharpness:.3g}.")
    workspace.metrics |= {
        "calibration": {"n": found.n, "log_loss": found.log_loss, "sharpness": found.sharpness},
        "recalibrates": {"version": version.number, "sharpness": was, "log_loss": before},
    }
    report.detail = f"Fitted to {found.n} judged parts: log loss from {before:.3f} to {found.log_loss:.3f}"


def fitted_to(workspace: Workspace) -> NDArray[np.bool_]:
    """Which rows: of the training side, drawn with a known chance, of no part that the model has learned from."""
    parts, groups = _learned(_version(workspace))
    places = [
        place
        for place, row in enumerate(workspace.rows)
        if row.partition == "train" and row.pi is not None and row.inspection not in parts and row.group not in groups
    ]
    places.sort(key=lambda place: (workspace.rows[place].arrived_at, place))
    mask = np.zeros(len(workspace.rows), dtype=bool)
    mask[places[-NEWEST:]] = True
    return mask


def _learned(version: ModelVersion) -> tuple[set[str], set[str]]:
    """Inspections and groups that a version's model was trained on. One that was recalibrated itself has the model of
    the version before it."""
    run: TrainingRun | None = version.training_run
    while run is not None and run.recalibrates is not None:
        run = run.recalibrates.training_run
    if run is None:
        return set(), set()
    _header, rows = manifest.read(files.local_copy(run.dataset.manifest), expected_sha256=run.dataset.sha256)
    train = [row for row in rows if row.partition == "train"]
    return {row.inspection for row in train}, {row.group for row in train}


def _version(workspace: Workspace) -> ModelVersion:
    version = workspace.run.recalibrates
    assert version is not None  # noqa: S101 - asked only by runs that keep a model
    return version
