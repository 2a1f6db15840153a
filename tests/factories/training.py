"""Estimates, datasets, runs with their steps, comparisons, promotions."""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, timedelta
from typing import Any

from django.contrib.auth.models import User

from models_registry import files
from models_registry.manifest import ManifestImage, ManifestRow, Query
from models_registry.models import (
    CardText,
    Comparison,
    Dataset,
    Evaluation,
    ImageFeatures,
    ModelVersion,
    Promotion,
    RegisteredModel,
    RemoteTraining,
    TrainingRun,
    TrainingStep,
)
from models_registry.services.datasets import freeze_dataset
from tests.factories.base import NOW, next_number, sha256
from tests.factories.registry import make_model, make_version


def make_evaluation(*, version: ModelVersion | None = None, **fields: Any) -> Evaluation:
    """94 % with its interval from 400 reviews. ``n=0`` gives the row of a version nobody has reviewed."""
    version = version or make_version()
    end = fields.pop("evaluated_at", NOW)
    fields.setdefault("n", 400)
    if fields["n"]:
        value = fields.setdefault("value", 0.94)
        fields = {"ci_low": value - 0.02, "ci_high": min(value + 0.02, 1.0), "lower_bound": value - 0.015, **fields}
        fields = {"n_found": fields["n"] // 16, "naive_value": fields["value"] - 0.05, "naive_n": fields["n"], **fields}
    fields = {
        "method": "aipw",
        "window_start": end - timedelta(days=28),
        "window_end": end,
        "n_found": 0,
        "n_arrived": fields["n"] * 20,
        "inputs_hash": sha256(next_number()),
        **fields,
    }
    return Evaluation.objects.create(model_version=version, evaluated_at=end, **fields)


def make_dataset(*, registered_model: RegisteredModel | None = None, **fields: Any) -> Dataset:
    model = registered_model or make_model()
    digest = sha256(f"dataset {next_number()}")
    fields = {
        "label_set": model.label_set,
        "sha256": digest,
        "manifest": f"datasets/{digest}.jsonl",
        "cutoff": NOW,
        "n_train": 300,
        "n_holdout": 100,
        "label_counts": {"ok": 220, "scratch": 120, "dent": 60},
        **fields,
    }
    return Dataset.objects.create(registered_model=model, **fields)


def make_run(
    *, registered_model: RegisteredModel | None = None, dataset: Dataset | None = None, **fields: Any
) -> TrainingRun:
    """A run with all that its status demands: a running one has a claim, a finished one its end."""
    model = registered_model or (dataset.registered_model if dataset else make_model())
    last = model.runs.order_by("-number").first()
    queued_at = fields.pop("queued_at", NOW)
    fields = {"status": "queued", "trigger": "new_labels", "reason": "200 new labels, 200 wanted.", "seed": 1, **fields}
    if fields["status"] != "queued":
        fields = {"started_at": queued_at + timedelta(seconds=2), **fields}
    if fields["status"] == "running":
        fields = {"claim": uuid.uuid4(), "heartbeat_at": queued_at + timedelta(seconds=4), "n_attempts": 1, **fields}
    if fields["status"] in {"succeeded", "failed", "cancelled"}:
        fields = {"finished_at": queued_at + timedelta(minutes=6), **fields}
    fields.setdefault("number", last.number + 1 if last else 1)
    return TrainingRun.objects.create(
        registered_model=model, dataset=dataset or make_dataset(registered_model=model), queued_at=queued_at, **fields
    )


def make_steps(*, run: TrainingRun, n_done: int = 9, failed: bool = False, progress: float = 0.4) -> list[TrainingStep]:
    """All steps of a run, ``n_done`` of them done; the next one runs (or failed), the rest wait."""
    steps = []
    for position, name in enumerate(TrainingStep.Name.values):
        started = run.queued_at + timedelta(seconds=20 * position)
        is_next = position == n_done
        status = "done" if position < n_done else ("failed" if failed else "running") if is_next else "waiting"
        steps.append(
            TrainingStep.objects.create(
                run=run,
                position=position,
                name=name,
                status=status,
                progress=1 if status == "done" else progress if is_next else 0,
                detail=f"What {name.replace('_', ' ')} found" if status != "waiting" else "",
                checks=[{"name": "Counts", "passed": status != "failed", "detail": "300 images"}]
                if position <= n_done
                else [],
                started_at=started if status != "waiting" else None,
                finished_at=started + timedelta(seconds=18) if status in {"done", "failed"} else None,
            )
        )
    return steps


def make_remote(*, run: TrainingRun | None = None, **fields: Any) -> RemoteTraining:
    """A request that waits to be sent."""
    run = run or make_run(status="waiting", backend="airflow")
    fields = {
        "trainer": "airflow", "created_at": NOW, "next_attempt_at": NOW, "deadline_at": NOW + timedelta(hours=12),
        **fields,
    }  # fmt: skip
    return RemoteTraining.objects.create(run=run, **fields)


def make_comparison(*, candidate: ModelVersion, champion: ModelVersion | None = None, **fields: Any) -> Comparison:
    """The candidate is better by 1.6 points, with all guards passed."""
    run = fields.pop("training_run", candidate.training_run)
    guards = [{"name": "gain", "passed": True, "detail": "The lower end, +0.3 points, is above -1.0."}]
    classes = [
        {"label": "ok", "n": 500, "gain": 0.004, "ci_low": -0.003, "ci_high": 0.011},
        {"label": "scratch", "n": 120, "gain": 0.031, "ci_low": 0.008, "ci_high": 0.054},
    ]
    fields = {
        "dataset": run.dataset if run else make_dataset(registered_model=candidate.registered_model),
        "method": "paired",
        "n": 1204,
        "n_fixed": 41,
        "n_broken": 22,
        "n_both_wrong": 29,
        "n_both_right": 1112,
        "gain": 0.016,
        "ci_low": 0.003,
        "ci_high": 0.029,
        "candidate_accuracy": 0.956,
        "champion_accuracy": 0.94,
        "classes": classes,
        "guards": guards,
        "verdict": "wait",
        "reason": "Better, all guards passed. The policy asks a person.",
        "compared_at": NOW,
        **fields,
    }
    return Comparison.objects.create(training_run=run, candidate=candidate, champion=champion, **fields)


def make_promotion(*, version: ModelVersion, **fields: Any) -> Promotion:
    """The record of a decision. It does not change the version's stage: that is the service's work."""
    defaults = {"action": "promote", "automatic": True, "reason": "Better, all guards passed.", "decided_at": NOW}
    fields = {**defaults, **fields}
    return Promotion.objects.create(registered_model=version.registered_model, version=version, **fields)


def make_frozen(
    *, registered_model: RegisteredModel | None = None, n: int = 12, labels: tuple[str, ...] = ("ok", "scratch")
) -> Dataset:
    """A dataset whose manifest and images lie in the store: every fourth inspection is held out."""
    model = registered_model or make_model()
    rows = []
    for number in range(n):
        data = f"image {number}".encode()
        digest = hashlib.sha256(data).hexdigest()
        files.put(f"images/{digest}.png", data)
        rows.append(
            ManifestRow(
                inspection=f"1/{number:04}",
                group=f"g{number:04}",
                partition="holdout" if number % 4 == 3 else "train",
                label=labels[number % 3 % len(labels)],
                weight=1.0,
                pi=0.5 if number % 4 == 3 else None,
                images=(ManifestImage(f"images/{digest}.png", digest),),
                part=f"P{number}",
                arrived_at=(NOW + timedelta(hours=number)).astimezone(UTC).isoformat(),
            )
        )
    return freeze_dataset(
        registered_model=model, rows=rows, query=Query("All that was settled."), cutoff=NOW, code_version="test"
    )


def make_image_features(**fields: Any) -> ImageFeatures:
    """Of an image that nobody has; four bytes."""
    fields = {
        "sha256": sha256(f"image {next_number()}"), "features_version": "texture-0", "vector": b"\0\0\0\0",
        "made_at": NOW, **fields,
    }  # fmt: skip
    return ImageFeatures.objects.create(**fields)


def make_card_text(*, version: ModelVersion, written_by: User, **fields: Any) -> CardText:
    fields = {"part": "use", "text": "Pressed rings on line 2.", "written_at": NOW, **fields}
    return CardText.objects.create(version=version, written_by=written_by, **fields)
