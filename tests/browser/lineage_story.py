"""A model with a history: datasets that grew, versions, a comparison image by image, a card with words on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np

from models_registry.manifest import ManifestImage, ManifestRow, Query
from models_registry.models import Comparison, Dataset, RegisteredModel, TrainingRun
from models_registry.services.comparison_pairs import keep_pairs
from models_registry.services.dataset_files import open_dataset
from models_registry.services.datasets import freeze_dataset
from models_registry.services.sides import Sides
from tests import factories as make

SAID = {0: "scratch", 3: "ok", 5: "dent"}  # what the candidate gets wrong, by place among the held-out


def make_history(*, n_versions: int = 6) -> dict[str, Any]:
    """The newest version waits; the one before is the champion; every third run failed."""
    model = make.make_model(slug="ring", name="Bearing ring", description="Pressed rings, seen from above")
    rows = _rows(model)
    author = make.make_user("bob")
    for number in range(1, n_versions + 1):
        dataset = _freeze(model, rows[: 20 + 4 * number], number)
        at = make.NOW + timedelta(days=7 * number)
        if number % 3 == 0:
            make.make_run(dataset=dataset, status="failed", outcome="No image of 12 could be read.", queued_at=at)
        run = make.make_run(dataset=dataset, status="succeeded", queued_at=at, outcome="It waits for a decision.")
        stage = {n_versions: "candidate", n_versions - 1: "champion"}.get(number, "retired")
        held = {"holdout_accuracy": 0.94, "holdout_low": 0.9, "holdout_high": 0.97, "holdout_n": 61}
        version = make.make_version(
            registered_model=model, training_run=run, origin="trained", stage=stage, metrics=held
        )
        if stage != "candidate":
            make.make_promotion(version=version, decided_at=at)
    steps = make.make_steps(run=run)
    steps[4].log = "12:04:11 fold 1 of 5: 93.1 % right\n12:04:19 fold 2 of 5: 92.8 % right"
    steps[4].save()
    make.make_card_text(version=version, written_by=author, text="Rings of line 2.\n\nNot for coated ones.")
    make.make_alias(version=version)
    make.make_tag(version=version)
    make.make_name_change(version=version, changed_by=author)
    make.make_push(version=version, experiment_id="1", run_id="ab12")
    return {"model": model, "dataset": dataset, "run": run, "version": version, "comparison": _compare(model, dataset)}


def make_told(run: TrainingRun) -> None:
    """What a run may tell of itself: the search of our own trainer, what was measured of the data, and a price."""
    names = ("logistic regression, C 0.1", "support vectors, C 8, gamma 0.0011", "logistic regression, C 0.5")
    tried = [
        {"name": name, "n": 183, "log_loss": 0.31 - place / 90, "accuracy": 0.91 + place / 100,
         "folds": [0.88 + place / 100 + fold / 50 for fold in range(5)]}
        for place, name in enumerate(names)
    ]  # fmt: skip
    run.steps.filter(name="fit").update(curves={"tried": tried, "chosen": names[-1]})
    shares = {"measured": "23.1%", "bound": "20%", "warning": True}
    told = {"name": "image_quality", "passed": True, "detail": "42 of 183 judged parts have unusual images."}
    unknown = {"name": "label_noise", "passed": True, "detail": "Too few parts.", "measured": None, "bound": "5%"}
    run.steps.filter(name="validate_data").update(checks=[told | shares, unknown])
    TrainingRun.objects.filter(pk=run.pk).update(
        hour_price=3.2, currency="EUR", config={"balanced": True, "search_seconds": 30.0}
    )


def make_series(run: TrainingRun) -> None:
    """What a trainer of another kind tells while it learns: two numbers, one of them late."""
    loss = [[number, 1.6 / (1 + number / 9)] for number in range(1, 41)]
    right = [[number, 0.97 - 0.5 / number] for number in range(5, 41, 5)]
    run.steps.filter(name="fit").update(curves={"series": {"loss": loss, "validation accuracy": right}})


def _rows(model: RegisteredModel) -> list[ManifestRow]:
    found = []
    source = make.make_source()
    for number in range(60):
        inspection = make.make_inspection(station=source.station)
        item = make.make_item(inspection=inspection, source=source, content=make.png(shade=40 + 3 * number))
        image = ManifestImage(item.image, item.sha256, item=str(item.public_id))
        found.append(
            ManifestRow(
                inspection=f"1/{number:04}",
                group=f"g{number}",
                partition="holdout" if number % 4 == 3 else "train",
                label=("ok", "scratch", "dent", "ok")[number % 4 if number % 4 != 3 else number % 3],
                weight=1.0,
                pi=0.25 if number % 4 == 3 else None,
                images=(image,),
                part=f"88{number:03}",
                arrived_at=f"2026-11-{1 + number % 25:02}T08:00:00+00:00",
            )
        )
    return found


def _freeze(model: RegisteredModel, rows: list[ManifestRow], number: int) -> Dataset:
    """Each has a label that changed, and an image that looks like a held-out one."""
    rows = list(rows)
    rows[number] = replace(rows[number], label="dent")
    rows[number + 8] = replace(rows[number + 8], images=rows[3].images) if number % 4 != 3 else rows[number + 8]
    query = Query("Labels that people settled, of inspections that were not withdrawn.", {"model": model.slug})
    at = make.NOW + timedelta(days=7 * number)
    return freeze_dataset(registered_model=model, rows=rows, query=query, cutoff=at, code_version="feedback-1")


def _compare(model: RegisteredModel, dataset: Dataset) -> Comparison:
    held = [row for row in open_dataset(dataset)[1] if row.partition == "holdout"]
    truth = np.array([row.label for row in held], dtype=np.str_)
    old = np.array(["ok" if n in (2, 5) else word for n, word in enumerate(truth)], dtype="<U8")
    new = np.array([SAID.get(n, word) for n, word in enumerate(truth)], dtype="<U8")
    sides = Sides(truth, old, new, np.ones(len(held)), np.full(len(held), 0.83), np.linspace(0.6, 0.99, len(held)))
    right, was = new == truth, old == truth
    counts = {
        "n": len(held), "n_fixed": int((right & ~was).sum()), "n_broken": int((~right & was).sum()),
        "n_both_wrong": int((~right & ~was).sum()), "n_both_right": int((right & was).sum()),
    }  # fmt: skip
    return make.make_comparison(
        candidate=model.versions.get(stage="candidate"), champion=model.versions.get(stage="champion"),
        dataset=dataset, pairs=keep_pairs(held, sides), **counts,
    )  # fmt: skip
