"""The steps that judge what was learned: validate model, compare, register."""

from __future__ import annotations

import time

import numpy as np
from django.db import transaction

from models_registry import serving
from models_registry.datasets.over_time import TimeSlice, accuracy_over_time
from models_registry.datasets.split import quick_learner, recent_since, shuffled_labels_check
from models_registry.models import ModelVersion, TrainingStep
from models_registry.services import training
from models_registry.services.burden import measured
from models_registry.services.comparisons import HoldOut, compare_and_decide
from models_registry.services.pipeline import stored
from models_registry.services.pipeline.curve import known_curve, measure_curve
from models_registry.services.pipeline.data import BUILTIN
from models_registry.services.pipeline.workspace import RunLost, StepReport, Workspace
from models_registry.services.versions import create_version


def validate_model(workspace: Workspace, report: StepReport) -> None:
    """Load the stored artifact as a server would and score the hold-out with it."""
    model = serving.load(workspace.artifact_key, workspace.artifact_sha256)
    _same_classes(tuple(model.classes), workspace, report)
    is_learned_here = workspace.run.backend == BUILTIN and workspace.run.recalibrates is None
    held_out = _hold(workspace, np.empty((0, len(workspace.classes))))
    started = time.perf_counter()
    scores = serving.judge(model, described=held_out.features, parts=held_out.parts)
    report.say(f"{len(scores)} inspections scored in {time.perf_counter() - started:.2f} s")
    _probabilities(scores, report)
    if is_learned_here:
        _nothing_from_shuffled_labels(workspace, report)
    holdout = _hold(workspace, scores)
    if is_learned_here and len(scores):
        measure_curve(workspace, report, estimator=getattr(model, "estimator", ""), holdout=holdout)
    entry = stored.keep_array("holdout_scores", scores)
    report.outputs_sha256 = entry["sha256"]
    report.artifacts.append(entry)
    for one in _over_time(workspace, holdout):
        report.say(one.words())
        report.checks.append({"name": f"accuracy_{one.name}", "passed": True, "detail": f"{one.words()}."})
    report.detail = holdout.summary()


def _same_classes(said: tuple[str, ...], workspace: Workspace, report: StepReport) -> None:
    same = said == workspace.classes
    report.check(
        "Classes", same,
        "The artifact knows the classes of the dataset." if same
        else f"The artifact says {', '.join(said)}; the dataset has {', '.join(workspace.classes)}.",
        advice="The trainer must name the classes of the manifest's first line, in their order.",
    )  # fmt: skip


def _probabilities(scores: np.ndarray[tuple[int, int], np.dtype[np.float64]], report: StepReport) -> None:
    sound = np.isfinite(scores).all(axis=1) & np.isclose(scores.sum(axis=1), 1)
    wrong = len(scores) - int(sound.sum())
    report.check(
        "Probabilities", not wrong,
        f"Of {wrong} held-out inspections the scores are no shares of 1." if wrong
        else "Scores are finite and sum to 1.",
        advice="The trainer must leave a model whose scores are probabilities.",
    )  # fmt: skip


def _nothing_from_shuffled_labels(workspace: Workspace, report: StepReport) -> None:
    """The features of both sides are there: what learns from shuffled labels must know nothing of the hold-out."""
    train, measures = workspace.partition("train"), workspace.measures()
    asked = train | measures
    learner = quick_learner(workspace.features_of(asked), train[asked])
    check = shuffled_labels_check(learner, workspace.labels()[asked], train[asked], seed=workspace.run.seed)
    report.check(check.name, check.passed, check.detail)


def validated(workspace: Workspace, step: TrainingStep) -> None:
    scores = stored.array_of(step, "holdout_scores")
    if scores.shape != (int(workspace.measures().sum()), len(workspace.classes)):
        raise stored.NothingStored
    _over_time(workspace, _hold(workspace, scores))
    known_curve(workspace, step)


def _over_time(workspace: Workspace, holdout: HoldOut) -> tuple[TimeSlice, ...]:
    """The time split beside the split by groups: carried along by the version."""
    assert workspace.header is not None  # noqa: S101
    newest = max((row.arrived_at for row in workspace.rows if row.partition == "train"), default="")
    right = holdout.truth == holdout.candidate_words
    since = recent_since(workspace.header.cutoff)
    found = accuracy_over_time(holdout.rows, right, newest_train=newest, since=since)
    workspace.metrics["over_time"] = {
        one.name: {"n": one.n, "accuracy": one.accuracy, "low": one.low, "high": one.high} for one in found
    }
    return found


def _hold(workspace: Workspace, scores: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> HoldOut:
    measures = workspace.measures()
    workspace.holdout = HoldOut(
        rows=tuple(row for row, takes_part in zip(workspace.rows, measures, strict=True) if takes_part),
        features=workspace.features_of(measures),
        scores=scores,
        classes=workspace.classes,
    )
    return workspace.holdout


def compare(workspace: Workspace, report: StepReport) -> None:
    """Score the champion on the same inspections, outside the transaction, so that its artifact is warm; and measure
    what the candidate asks of the machine, which the policy may bound.
    """
    assert workspace.holdout is not None  # noqa: S101
    champion = ModelVersion.objects.champion_of(workspace.run.registered_model)
    report.detail = workspace.holdout.score_champion(champion)
    workspace.metrics |= measured(
        key=workspace.artifact_key, sha256=workspace.artifact_sha256, rows=workspace.holdout.rows
    )


def register(workspace: Workspace, report: StepReport) -> None:
    """Create the candidate, its comparison and the decision in one transaction, and finish the run."""
    assert workspace.holdout is not None  # noqa: S101
    run, now = workspace.run, report.clock()
    with transaction.atomic():
        if not training.lock_own_run(run):
            raise RunLost
        version = create_version(
            registered_model=run.registered_model,
            origin=ModelVersion.Origin.TRAINED,
            training_run=run,
            artifact=workspace.artifact_key,
            artifact_sha256=workspace.artifact_sha256,
            metrics=workspace.holdout.metrics() | workspace.metrics,
        )
        outcome = compare_and_decide(run=run, version=version, holdout=workspace.holdout, now=now)
        report.detail, report.outputs_sha256 = outcome, workspace.artifact_sha256
        training.finish_step(run, report.name, fields_of(report), now=now)
        training.succeed(run, outcome=outcome, now=now)
    report.run_ended = True


def fields_of(report: StepReport) -> dict[str, object]:
    """What a finished step leaves in its row."""
    return {
        "detail": report.detail,
        "checks": report.checks,
        "artifacts": report.artifacts,
        "curves": report.curves,
        "outputs_sha256": report.outputs_sha256,
        "log": report.log,
    }
