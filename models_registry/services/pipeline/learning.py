"""The steps that learn: fit and calibrate."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings

from models_registry import serving
from models_registry.models import RemoteTraining, TrainingStep
from models_registry.services import remote
from models_registry.services.pipeline import handover, recalibrating, stored
from models_registry.services.pipeline.workspace import RunLost, RunWaits, StepReport, Workspace
from models_registry.training import artifact, command, declared, series, trainer
from models_registry.training.config import TrainerConfig


def fit(workspace: Workspace, report: StepReport) -> None:
    """Let the run's trainer learn from the training rows; what it made is stored under its hash."""
    if workspace.run.recalibrates is not None:
        recalibrating.keep(workspace, report)
        return
    entry = _backend(workspace, report)
    _take(workspace, entry)
    report.artifacts.append(entry)
    report.outputs_sha256 = entry["sha256"]
    report.detail = f"Learned from {int(workspace.partition('train').sum())} images"


def fitted(workspace: Workspace, step: TrainingStep) -> None:
    entry = stored.entry_of(step, "model")
    stored.bytes_of(entry)  # verified here, so that a damaged one is made again
    _take(workspace, entry)


def _take(workspace: Workspace, entry: Mapping[str, Any]) -> None:
    workspace.artifact_key, workspace.artifact_sha256 = entry["key"], entry["sha256"]
    if told := entry.get("metrics"):
        workspace.metrics["trainer"] = told


def _backend(workspace: Workspace, report: StepReport) -> dict[str, Any]:
    """What the run's trainer made, as the entry of its artifact. :raises TrainerUnknown: it is declared no longer."""
    if workspace.run.backend == declared.BUILTIN:
        return _fit_builtin(workspace, report)
    found = declared.find(settings.TRAINERS_FILE, workspace.run.backend)
    if isinstance(found, declared.WebhookTrainer):
        return _fit_elsewhere(workspace, report, found)
    return _fit_command(workspace, report, found)


def _fit_elsewhere(workspace: Workspace, report: StepReport, found: declared.WebhookTrainer) -> dict[str, Any]:
    """What came back; before that, ask and let the run wait without a worker. :raises RunWaits:"""
    answered = RemoteTraining.objects.filter(run=workspace.run, status=RemoteTraining.Status.FINISHED).first()
    if answered is None:
        report.progress(0.0, f"Waits for {workspace.run.backend}")
        if remote.ask(run=workspace.run, trainer=found, now=report.clock()) is None:
            raise RunLost
        raise RunWaits
    report.curves = {"series": answered.series} if answered.series else {}
    return {
        "name": "model",
        "key": answered.artifact,
        "sha256": answered.artifact_sha256,
        "n_bytes": answered.n_bytes,
        "metrics": answered.metrics,
    }


def _fit_command(workspace: Workspace, report: StepReport, found: declared.CommandTrainer) -> dict[str, Any]:
    """Let a program learn, in a folder that is gone afterwards. Held-out parts are not in it."""
    run, last = workspace.run, [""]
    points: series.Points = {}

    def hear(share: float, message: str) -> None:
        last[0] = message or last[0]
        if message:
            report.say(message)
        report.progress(0.1 + 0.9 * share, last[0])

    def measured(said: Mapping[str, Any]) -> None:
        series.add_report(points, said)
        report.curves = {"series": points} if points else {}

    with handover.folder_of(run) as folder:
        manifest = handover.materialise(workspace, folder, report=lambda share: report.progress(share / 10, ""))
        output = folder / "output"
        output.mkdir()
        path, result = command.run(
            found, manifest=manifest, folder=output, seed=run.seed, config=run.config,
            mark=f"run-{run.pk}", tell=report.say, report=hear, numbers=measured,
        )  # fmt: skip
        entry = stored.keep("model", path.read_bytes(), suffix=path.suffix, folder="artifacts")
        return entry | {"metrics": result.metrics}


def _fit_builtin(workspace: Workspace, report: StepReport) -> dict[str, Any]:
    train = workspace.partition("train")
    fitted = trainer.fit(
        workspace.features_of(train),
        workspace.labels()[train],
        classes=workspace.classes,
        seed=workspace.run.seed,
        groups=[row.group for row in workspace.rows if row.partition == "train"],
        config=TrainerConfig.of(workspace.run.config),
        report=lambda share, message: _heard(report, share, message),
        judged=lambda one: report.curves.setdefault("tried", []).append(asdict(one)),
    )
    report.curves["chosen"] = fitted.estimator
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.skops"
        artifact.save(path, fitted, metadata={"dataset": workspace.run.dataset.sha256})
        return stored.keep("model", path.read_bytes(), suffix=".skops", folder="artifacts")


def _heard(report: StepReport, share: float, message: str) -> None:
    report.say(message)
    report.progress(share, message)


def calibrate(workspace: Workspace, report: StepReport) -> None:
    """Ask the stored artifact how its scores become probabilities, and what rows it had not seen said of that.

    The built-in trainer fits its temperature on out-of-fold rows while it fits, since the folds are there only then;
    this step holds it to account. The hold-out is never calibrated on: it measures.
    """
    if workspace.run.recalibrates is not None:
        recalibrating.fit_confidence(workspace, report)
        return
    model = serving.load(workspace.artifact_key, workspace.artifact_sha256)
    report.outputs_sha256 = workspace.artifact_sha256
    found = getattr(model, "calibration", None)
    if found is None:
        report.detail = "The trainer's own probabilities, as they are"
        return
    report.check("Sharpness", 0 < found.sharpness < float("inf"), f"Scores are sharpened by {found.sharpness:.3g}.")
    told = found.log_loss is not None and found.accuracy is not None
    report.warn(
        "Calibrated", not told,
        f"On {found.n} left-out rows: log loss {found.log_loss:.3f}, right {found.accuracy:.1%}." if told
        else "No row could be left out.",
        advice="Its confidence is a guess until there are more labels.",
    )  # fmt: skip
    workspace.metrics |= {"calibration": {"n": found.n, "log_loss": found.log_loss, "sharpness": found.sharpness}}
    report.detail = f"Calibrated on {found.n} left-out rows" if told else "Not calibrated: too few rows"
