"""A trainer elsewhere: asked once however often it was down, heard by callback, waited for until its deadline."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from labeling.feedback import request_retraining
from labeling.models import Item
from models_registry.models import Alert, ModelVersion, RegisteredModel, RemoteTraining, TrainingRun
from models_registry.services import pipeline, remote, training
from reviewapp.embedded.lifeline import tied_to_this_process
from tests.conftest import PROJECT
from tests.edge.plant import free_port
from tests.factories import make_user
from tests.factories.labelled import make_labelled_model
from tests.receiver import Received, is_signed, receiving
from tests.story import wait_for
from tests.unit.test_onnx_model import DECLARED, SIDE, linear

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
SECRET = "whsec_" + "QUJD" * 8


def waiting_run(settings: Any, folder: Path, *, url: str, callback: str = "http://here") -> TrainingRun:
    """A run whose fit step has asked and let go."""
    settings.TRAINERS_FILE = folder / "trainers.toml"
    settings.TRAINERS_FILE.write_text(
        f"[trainers.airflow]\nkind = 'webhook'\nurl = '{url}'\nsecret = '{SECRET}'\ncallback = '{callback}'\n"
    )
    model = make_labelled_model(n=24)
    RegisteredModel.objects.update(trainer="airflow")
    model.refresh_from_db()
    run = request_retraining(registered_model=model, by=make_user("lena"), reason="First.", now=timezone.now())
    assert not pipeline.execute(run.pk)
    run.refresh_from_db()
    assert run.status == "waiting", run.outcome
    return run


@contextmanager
def example(port: int) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "webhook_trainer.py", str(port)], cwd=PROJECT / "docs" / "examples",
        env=os.environ | {"TRAINER_SECRET": SECRET}, stderr=subprocess.DEVNULL, preexec_fn=tied_to_this_process(),
    )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def test_the_example_trains_by_callback_and_its_version_serves(
    settings: Any, tmp_path: Path, live_server: LiveServer
) -> None:
    port = free_port()
    with example(port):
        run = waiting_run(settings, tmp_path, url=f"http://127.0.0.1:{port}/", callback=live_server.url)

        def asked() -> bool:
            RemoteTraining.objects.filter(status="waiting").update(next_attempt_at=timezone.now())
            remote.send_due(clock=timezone.now)
            return RemoteTraining.objects.exclude(status="waiting").exists()

        wait_for(asked, seconds=60, what="the trainer did not start")
        wait_for(lambda: RemoteTraining.objects.get().finished_at is not None, seconds=90, what="nothing came back")
    run.refresh_from_db()
    assert run.status == "queued", RemoteTraining.objects.get().reason
    assert pipeline.execute(run.pk)
    run.refresh_from_db()
    assert run.version.artifact.endswith(".onnx")
    assert run.version.metrics["trainer"] == {"rows": run.dataset.n_train}
    fit = run.steps.get(name="fit")
    assert fit.artifacts[0]["sha256"] == run.version.artifact_sha256
    assert list(fit.curves["series"]) == ["images a second"]  # told while it waited, kept when it went on


def test_a_receiver_that_is_down_for_ten_minutes_is_asked_under_one_id_and_the_run_happens_once(
    settings: Any, tmp_path: Path
) -> None:
    now = [timezone.now()]

    def clock() -> datetime:
        return now[0]

    with receiving() as receiver:
        run = waiting_run(settings, tmp_path, url=receiver.url)
        down_until = now[0] + timedelta(minutes=10)
        receiver.reply = lambda received: (503, {}) if clock() < down_until else (202, {})
        for _ in range(90):
            remote.send_due(clock=clock)
            now[0] += timedelta(seconds=10)
        assert len({one.id for one in receiver.got}) == 1
        assert 3 < len(receiver.got) < 40
        assert all(is_signed(one, SECRET) for one in receiver.got)
        asked = RemoteTraining.objects.get()
        assert (asked.status, asked.run) == ("sent", run)
        assert deliver(receiver.got[-1], an_artifact(run), twice=True) == [200, 200]
    run.refresh_from_db()
    assert run.status == "queued"
    assert [pipeline.execute(run.pk) for _ in range(2)] == [True, False]
    run.refresh_from_db()
    assert run.status == "succeeded"
    assert (TrainingRun.objects.count(), ModelVersion.objects.get()) == (1, run.version)


def an_artifact(run: TrainingRun) -> bytes:
    """Of the classes that were asked for; it knows nothing of them."""
    classes = list(run.registered_model.label_set.labels.values_list("slug", flat=True))
    return linear(np.zeros((SIDE * SIDE, len(classes))), declared=DECLARED | {"classes": classes})


def deliver(
    received: Received, content: bytes, *, twice: bool = False, headers: Mapping[str, str] = MappingProxyType({})
) -> list[int]:
    said = received.event
    told = {"Authorization": f"Bearer {said['token']}", "X-Sha256": hashlib.sha256(content).hexdigest(), **headers}
    path = said["callback"].removeprefix("http://here") + "artifact/"
    send = Client().post
    return [
        send(path, content, content_type="application/octet-stream", headers=told).status_code for _ in range(1 + twice)
    ]


def test_a_deadline_that_passes_fails_the_run_with_a_reason(settings: Any, tmp_path: Path) -> None:
    with receiving() as receiver:
        run = waiting_run(settings, tmp_path, url=receiver.url)
        remote.send_due(clock=timezone.now)
        remote.send_due(clock=lambda: timezone.now() + timedelta(hours=13))
    run.refresh_from_db()
    assert run.status == "failed"
    assert "deadline and was never heard of" in run.outcome
    assert Alert.objects.get().kind == "run_failed"
    assert deliver(receiver.got[0], b"late") == [409]


def test_one_token_opens_one_run_and_what_it_sends_is_checked(settings: Any, tmp_path: Path) -> None:
    with receiving() as receiver:
        run = waiting_run(settings, tmp_path, url=receiver.url)
        remote.send_due(clock=timezone.now)
    said = receiver.got[0].event
    here, client = said["callback"].removeprefix("http://here"), Client()
    mine = {"Authorization": f"Bearer {said['token']}"}
    assert client.get(here, headers={"Authorization": "Bearer x"}).status_code == 404
    assert client.get(here, headers=mine).json()["status"] == "sent"
    lines: list[bytes] = client.get(here + "manifest/", headers=mine).content.splitlines()
    assert len(lines) == 1 + run.dataset.n_train
    held_out = Item.objects.filter(inspection__partition="holdout").values_list("sha256", flat=True)[0]
    assert held_out.encode() not in b"".join(lines)
    assert client.get(f"{here}images/{held_out}.png", headers=mine).status_code == 404

    def post(path: str, body: object) -> Any:
        return client.post(here + path, body, content_type="application/json", headers=mine)

    assert post("progress/", {"progress": 0.5, "message": "half"}).status_code == 200
    step = run.steps.get(name="fit")
    assert (step.progress, step.detail) == (0.5, "half")
    assert post("progress/", {"progress": 7}).json()["error"]["code"] == "invalid"
    for loss in (0.9, None, 0.5):
        said_so = {"progress": 0.6, "message": "nul \0", "metrics": {"loss": loss, "a\0": 1}}
        assert post("progress/", said_so).status_code == 200
    step.refresh_from_db()
    assert (step.curves, step.detail) == ({"series": {"loss": [[1, 0.9], [2, 0.5]]}}, "nul ")
    for wrong in ({"loss": "low"}, [0.5], {"loss": True}, {"loss": {"train": 1}}):
        assert post("progress/", {"progress": 0.7, "metrics": wrong}).status_code == 400
    assert deliver(receiver.got[0], b"model", headers={"X-Sha256": "0" * 64}) == [422]
    assert deliver(receiver.got[0], b"model", headers={"X-Format": "pickle"}) == [422]
    assert post("failed/", {"reason": "out of memory"}).status_code == 200
    run.refresh_from_db()
    assert "out of memory" in run.outcome


def test_a_cancelled_run_takes_nothing_any_more(settings: Any, tmp_path: Path) -> None:
    with receiving() as receiver:
        run = waiting_run(settings, tmp_path, url=receiver.url)
        remote.send_due(clock=timezone.now)
    training.cancel(run, reason="Not now.", now=timezone.now())
    assert deliver(receiver.got[0], b"model") == [409]
    assert not RemoteTraining.objects.filter(status="finished").exists()
