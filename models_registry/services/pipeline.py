"""What a training run does, step by step. Each step checks its input and its output.

collect -> validate data -> features -> fit -> validate model -> compare -> register and decide

Everything before the last step may be repeated without harm (files are named by their hash); the last one is
a single transaction under the run's fencing token, so that a run ends once however many workers tried.
"""

from __future__ import annotations

import hashlib
import io
import logging
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from numpy.typing import NDArray
from PIL import Image

from models_registry import files, manifest, serving
from models_registry.errors import RunFailed
from models_registry.models import ModelVersion, TrainingRun
from models_registry.services import training
from models_registry.services.comparisons import HoldOut, compare_and_decide
from models_registry.services.versions import create_version
from models_registry.training import artifact, features, trainer
from models_registry.training.errors import ArtifactError, TrainingDataError
from reviewapp.errors import ReviewAppError

logger = logging.getLogger(__name__)
Floats = NDArray[np.float32]


class RunLost(Exception):
    """The run belongs to another worker now, or was cancelled: stop without a trace."""


@dataclass(slots=True)
class Workspace:
    """What the steps hand to each other."""

    run: TrainingRun
    lost: threading.Event
    header: manifest.ManifestHeader | None = None
    rows: list[manifest.ManifestRow] = field(default_factory=list)
    features: Floats = field(default_factory=lambda: np.empty((0, 0), dtype=np.float32))
    fitted: trainer.FittedModel | None = None
    artifact_key: str = ""
    artifact_sha256: str = ""
    holdout: HoldOut | None = None
    outcome: str = ""

    def partition(self, name: str) -> NDArray[np.bool_]:
        return np.array([row.partition == name for row in self.rows], dtype=bool)

    def labels(self) -> NDArray[np.str_]:
        return np.array([row.label for row in self.rows], dtype=np.str_)


@dataclass(slots=True)
class StepReport:
    """Progress of one step, written at most a few times a second's worth of work."""

    workspace: Workspace
    name: str
    checks: list[dict[str, Any]] = field(default_factory=list)
    inputs_sha256: str = ""
    outputs_sha256: str = ""
    detail: str = ""
    _shown: float = 0.0

    def progress(self, share: float, detail: str) -> None:
        if self.workspace.lost.is_set():
            raise RunLost
        if share - self._shown >= 0.02 or share >= 1:
            self._shown = share
            training.update_step(self.workspace.run, self.name, progress=min(max(share, 0.0), 1.0), detail=detail)

    def check(self, name: str, passed: bool, detail: str) -> None:
        """Record a check. :raises RunFailed: it did not pass."""
        self.checks.append({"name": name, "passed": passed, "detail": detail})
        if not passed:
            raise RunFailed(detail)


def execute(run_id: int) -> bool:
    """Carry a run through all its steps. False: it was not ours to run, or no longer is."""
    run = training.claim_run(run_id, now=timezone.now())
    if run is None:
        return False
    with _heartbeat(run) as lost:
        workspace = Workspace(run=run, lost=lost)
        return all(_carry_out(workspace, name, step) for name, step in STEPS.items())


def _carry_out(workspace: Workspace, name: str, step: Callable[[Workspace, StepReport], None]) -> bool:
    """Run one step. A known refusal fails the run with its sentence; anything else too, and is logged."""
    report = StepReport(workspace, name)
    training.update_step(workspace.run, name, status="running", started_at=timezone.now())
    try:
        report.progress(0.0, "")
        step(workspace, report)
        report.progress(1.0, report.detail)
    except RunLost:
        logger.info("run %s was taken over or cancelled", workspace.run.pk)
        return False
    except Exception as error:
        _fail(workspace, report, error)
        return False
    _finish_step(workspace, report)
    return True


def _finish_step(workspace: Workspace, report: StepReport) -> None:
    fields = {"status": "done", "progress": 1.0, "detail": report.detail, "checks": report.checks}
    hashes = {"inputs_sha256": report.inputs_sha256, "outputs_sha256": report.outputs_sha256}
    query = workspace.run.steps.filter(name=report.name, run__claim=workspace.run.claim)
    query.update(**fields, **hashes, finished_at=timezone.now())


def _fail(workspace: Workspace, report: StepReport, error: Exception) -> None:
    known = isinstance(error, ReviewAppError | TrainingDataError | manifest.ManifestError | ArtifactError)
    if not known:
        logger.exception("run %s failed in step %s", workspace.run.pk, report.name)
    reason = (
        str(error) if known else f"Unexpected {type(error).__name__} in step “{report.name}”; the log has the rest."
    )
    training.update_step(workspace.run, report.name, checks=report.checks)
    training.fail(workspace.run, step=report.name, reason=reason, now=timezone.now())


@contextmanager
def _heartbeat(run: TrainingRun) -> Iterator[threading.Event]:
    """Say every few seconds that this worker lives; set the event when the run is no longer its own."""
    stop, lost = threading.Event(), threading.Event()

    def beat() -> None:
        try:
            while not stop.wait(settings.TRAINING_HEARTBEAT_SECONDS):
                if not training.beat_heart(run, now=timezone.now()):
                    lost.set()
                    return
        finally:
            connection.close()  # this thread's own

    thread = threading.Thread(target=beat, name=f"heartbeat-{run.pk}", daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        stop.set()
        thread.join()


def collect(workspace: Workspace, report: StepReport) -> None:
    """Read the frozen manifest and verify its hash."""
    dataset = workspace.run.dataset
    path = files.local_copy(dataset.manifest)
    workspace.header, workspace.rows = manifest.read(path, expected_sha256=dataset.sha256)
    report.inputs_sha256 = report.outputs_sha256 = dataset.sha256
    report.detail = f"{dataset.n_train} to train on, {dataset.n_holdout} held out"


def validate_data(workspace: Workspace, report: StepReport) -> None:
    assert workspace.header is not None  # noqa: S101 - collect has run
    for check in manifest.check(workspace.header, workspace.rows):
        report.check(check.name, check.passed, check.detail)
    report.inputs_sha256 = workspace.run.dataset.sha256
    report.detail = f"{len(report.checks)} of {len(report.checks)} checks passed"


def extract_features(workspace: Workspace, report: StepReport) -> None:
    """Features of the first image of every row; each image is verified by its hash."""
    vectors = []
    for number, row in enumerate(workspace.rows, start=1):
        vectors.append(features.extract(_open(row)))
        report.progress(number / len(workspace.rows), f"{number} of {len(workspace.rows)} images")
    workspace.features = np.stack(vectors)
    report.check(
        "Features are finite", bool(np.isfinite(workspace.features).all()), "Every feature of every image is a number."
    )
    report.inputs_sha256 = workspace.run.dataset.sha256
    report.outputs_sha256 = hashlib.sha256(workspace.features.tobytes()).hexdigest()
    report.detail = f"{len(workspace.rows)} images, {workspace.features.shape[1]} features each"


def _open(row: manifest.ManifestRow) -> Image.Image:
    image = row.images[0]
    try:
        return features.read(io.BytesIO(files.read(image.key, sha256=image.sha256)))
    except OSError as error:
        raise RunFailed(f"The image {image.key} of inspection {row.inspection} cannot be read: {error}.") from error


def fit(workspace: Workspace, report: StepReport) -> None:
    train = workspace.partition("train")
    assert workspace.header is not None  # noqa: S101
    workspace.fitted = trainer.fit(
        workspace.features[train],
        workspace.labels()[train],
        classes=workspace.header.classes,
        seed=workspace.run.seed,
        groups=[row.group for row in workspace.rows if row.partition == "train"],
        report=report.progress,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.skops"
        workspace.artifact_sha256 = artifact.save(
            path, workspace.fitted, metadata={"dataset": workspace.run.dataset.sha256}
        )
        workspace.artifact_key = f"artifacts/{workspace.artifact_sha256}.skops"
        files.put(workspace.artifact_key, path.read_bytes())
    report.inputs_sha256 = hashlib.sha256(workspace.features[train].tobytes()).hexdigest()
    report.outputs_sha256 = workspace.artifact_sha256
    report.detail = f"Learned from {int(train.sum())} images"


def validate_model(workspace: Workspace, report: StepReport) -> None:
    """Load the stored artifact as a server would and score the hold-out with it."""
    model = serving.load(workspace.artifact_key, workspace.artifact_sha256)
    measures = manifest.measuring(workspace.rows)
    held_out = np.array(measures, dtype=bool)
    scores = model.predict_scores(workspace.features[held_out])
    report.check(
        "Classes",
        tuple(model.classes) == tuple(workspace.header.classes if workspace.header else ()),
        "The artifact knows the classes of the label set.",
    )
    sums = scores.sum(axis=1) if len(scores) else np.ones(1)
    report.check(
        "Probabilities", bool(np.isfinite(scores).all() and np.allclose(sums, 1)), "Scores are finite and sum to 1."
    )
    workspace.holdout = HoldOut(
        rows=tuple(row for row, takes_part in zip(workspace.rows, measures, strict=True) if takes_part),
        features=workspace.features[held_out],
        scores=scores,
        classes=tuple(model.classes),
    )
    report.inputs_sha256 = workspace.artifact_sha256
    report.detail = workspace.holdout.summary()


def compare(workspace: Workspace, report: StepReport) -> None:
    """Score the champion on the same inspections, outside the transaction, so that its artifact is warm."""
    assert workspace.holdout is not None  # noqa: S101
    champion = ModelVersion.objects.champion_of(workspace.run.registered_model)
    report.detail = workspace.holdout.score_champion(champion)
    report.inputs_sha256 = workspace.artifact_sha256


def register(workspace: Workspace, report: StepReport) -> None:
    """Create the candidate, its comparison and the decision in one transaction, and finish the run."""
    assert workspace.holdout is not None  # noqa: S101
    run = workspace.run
    with transaction.atomic():
        if not training.lock_own_run(run):
            raise RunLost
        version = create_version(
            registered_model=run.registered_model,
            origin=ModelVersion.Origin.TRAINED,
            training_run=run,
            artifact=workspace.artifact_key,
            artifact_sha256=workspace.artifact_sha256,
            metrics=workspace.holdout.metrics(),
        )
        outcome = compare_and_decide(run=run, version=version, holdout=workspace.holdout, now=timezone.now())
        report.detail = outcome
        _finish_step(workspace, report)
        training.succeed(run, outcome=outcome, now=timezone.now())


STEPS: dict[str, Callable[[Workspace, StepReport], None]] = {
    "collect": collect,
    "validate_data": validate_data,
    "features": extract_features,
    "fit": fit,
    "validate_model": validate_model,
    "compare": compare,
    "register": register,
}
