"""Fills a database with models and labels, and times how the policy looks at them."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from statistics import median

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - Django first
from django.db import connection  # noqa: E402

from labeling.feedback import due_for_retraining, explain_retraining  # noqa: E402
from labeling.models import Inspection, Site, Station  # noqa: E402
from models_registry.models import Dataset, Label, LabelSet, RegisteredModel, RetrainingPolicy, TrainingRun  # noqa: E402

NOW = datetime.now(UTC)
TRUTHS = """
INSERT INTO labeling_groundtruth
    (registered_model_id, inspection_id, outcome, label_id, findings, n_verdicts, method, by_grid, decided_at)
SELECT m.id, i.id, 'label', l.id, '[]', 1, 'single', false, now()
FROM models_registry_registeredmodel m CROSS JOIN labeling_inspection i
JOIN models_registry_label l ON l.label_set_id = m.label_set_id AND l.position = i.id % 2
"""


def fill(n_models: int, n_labels: int) -> list[RegisteredModel]:
    label_set = LabelSet.objects.create(slug="bench", name="Bench")
    Label.objects.bulk_create(
        Label(label_set=label_set, slug=slug, name=slug, position=n, is_defect=n > 0)
        for n, slug in enumerate(("ok", "dent"))
    )
    models = RegisteredModel.objects.bulk_create(
        RegisteredModel(slug=f"m-{n}", name=f"M {n}", label_set=label_set) for n in range(n_models)
    )
    RetrainingPolicy.objects.bulk_create(
        RetrainingPolicy(registered_model=one, min_new_labels=10_000, schedule="0 2 * * 1", schedule_since=NOW)
        for one in models
    )
    site = Site.objects.create(slug="site", name="Site")
    station = Station.objects.create(site=site, slug="line", name="Line")
    Inspection.objects.bulk_create(
        Inspection(
            station=station, inspection_id=str(n), captured_at=NOW, received_at=NOW, day=NOW.date(), group_id=str(n),
            partition="train",
        )
        for n in range(n_labels)
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(TRUTHS)
    for one in models[::2]:
        data = Dataset.objects.create(
            registered_model=one, label_set=label_set, sha256=f"{one.pk:064x}", manifest="x", cutoff=NOW, n_train=100,
            n_holdout=20, label_counts={"ok": 60, "dent": 60},
        )  # fmt: skip
        TrainingRun.objects.create(
            registered_model=one, dataset=data, number=1, trigger="new_labels", reason="x", status="succeeded", seed=1,
            queued_at=NOW - timedelta(days=3), finished_at=NOW - timedelta(days=3),
        )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return models


def main(n_models: int, n_labels: int) -> None:
    call_command("migrate", verbosity=0)
    models = fill(n_models, n_labels)
    times = []
    for n in range(6):
        start = time.perf_counter()
        due_for_retraining(models, now=NOW + timedelta(seconds=15 * n))
        times.append(time.perf_counter() - start)
    some = models[:50]
    start = time.perf_counter()
    for one in some:
        explain_retraining(one, now=NOW)
    alone = (time.perf_counter() - start) / len(some) * n_models
    later = times[1:]
    said = {"first_seconds": times[0], "p50_seconds": median(later), "seconds_at_most": max(later)}
    said |= {"one_by_one_seconds": alone, "ratio_to_one_by_one": alone / median(later)}
    print(json.dumps({name: round(value, 3) for name, value in said.items()}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
