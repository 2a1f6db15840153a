"""One story, ingest to promotion, through the public doors: HTTP, a real worker, real images."""

from __future__ import annotations

import itertools
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from labeling.demo.line import LineReport
from labeling.demo.stream import inspection_id
from labeling.models import GroundTruth, Review, SamplingDesign
from labeling.tasks import close_the_loop
from models_registry.models import Comparison, ModelVersion, PromotionPolicy, RetrainingPolicy, TrainingRun
from tests.conftest import StartWorker
from tests.story import Plant, image_folder, wait_for

pytestmark = pytest.mark.timeout(300)


def test_verdicts_become_accuracy_and_a_better_champion(
    live_server: LiveServer, celery_worker_process: StartWorker, tmp_path: Path, settings: Settings
) -> None:
    settings.HOLDOUT_SHARE = 0.3  # a story is short: enough of it has to be held out
    celery_worker_process()
    plant = Plant(image_folder(tmp_path, count=400), url=live_server.url, workspace=tmp_path)
    SamplingDesign.objects.update(budget=0.9)
    PromotionPolicy.objects.update(min_items=10, margin=0.3)
    RetrainingPolicy.objects.update(min_new_labels=20, min_total_labels=20, min_per_class=1, cooldown_minutes=0)

    send_first_images(plant, n=20)
    assert status(plant)["accuracy"]["value"] is None
    assert plant.inspect() == 20

    turn_the_loop(plant, versions=1)
    assert ModelVersion.objects.get().stage == "champion"

    first = plant.produce(130)
    assert plant.inspect() > 40
    turn_the_loop(plant, versions=2)
    comparison = Comparison.objects.get(champion__number=1)
    assert comparison.gain is not None
    assert comparison.gain > 0
    assert status(plant)["champion"] == 2

    second = plant.produce(80)
    RetrainingPolicy.objects.update(enabled=False)
    plant.inspect()
    close_the_loop()
    assert true_accuracy(second, "v2") > true_accuracy(first, "v1")
    assert_measured_what_is_true(status(plant), true_accuracy(second, "v2"))
    assert not Review.objects.open().exists()
    assert GroundTruth.objects.count() == status(plant)["n_verdicts"]


def send_first_images(plant: Plant, *, n: int) -> None:
    """No model yet: images without a prediction, for people to give the first labels."""
    line = plant.line()
    for position, image in itertools.islice(plant.stream.from_position(0), n):
        fields = {
            "model": plant.model.slug,
            "inspection_id": inspection_id(position, image, shift="first"),
            "source": image.camera,
        }
        answer = line.client.post("/api/v1/inspections/", data=fields, files={"image": ("x", image.path.read_bytes())})
        assert answer.status_code == 201, answer.text
        assert answer.json()["review"] == "measuring"
        assert answer.json()["probability"] == 1


def turn_the_loop(plant: Plant, *, versions: int) -> None:
    """As beat does: a message to a worker; then wait until the run that it starts is over."""
    close_the_loop.delay()
    wait_for(
        lambda: (
            ModelVersion.objects.filter(registered_model=plant.model).count() == versions
            and not TrainingRun.objects.active().exists()
        ),
        seconds=90,
        what=f"no version {versions}: {list(TrainingRun.objects.values('status', 'outcome'))}",
    )


def status(plant: Plant) -> dict[str, Any]:
    out = StringIO()
    call_command("loop_status", json=True, stdout=out)
    (model,) = json.loads(out.getvalue())["models"]
    assert model["model"] == plant.model.slug
    return dict(model)


def true_accuracy(report: LineReport, version: str) -> float:
    return report.n_right[version] / report.n[version]


def assert_measured_what_is_true(found: dict[str, Any], truth: float) -> None:
    """The 95 % interval, widened by half: the draw of a test run is not the same twice."""
    accuracy = found["accuracy"]
    slack = (accuracy["high"] - accuracy["low"]) / 2
    assert accuracy["n"] >= 30
    assert accuracy["low"] - slack <= truth <= accuracy["high"] + slack
    assert found["naive_accuracy"] is not None
