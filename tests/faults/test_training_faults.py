"""Worker and beat are killed in the middle of a run; Redis is killed and comes back empty. Each ends in one run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from labeling.feedback import request_retraining
from models_registry.models import Comparison, Dataset, ModelVersion, Promotion, TrainingRun
from models_registry.services import pipeline, training
from reviewapp.embedded import redis_url
from reviewapp.embedded.lifeline import tied_to_this_process
from reviewapp.embedded.readiness import wait_until_ready
from tests.conftest import PROJECT
from tests.factories import make_user
from tests.factories.labelled import make_labelled_model
from tests.story import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(300)]
QUICK = {
    "REVIEWAPP_SWEEP_SECONDS": "1",
    "REVIEWAPP_TRAINING_HEARTBEAT_SECONDS": "1",
    "REVIEWAPP_TRAINING_LOST_AFTER_SECONDS": "4",
    "REVIEWAPP_LOOP_SECONDS": "3600",
}


def requested_run(n: int) -> TrainingRun:
    model = make_labelled_model(n=n, promotion={"automatic": True})
    return request_retraining(
        registered_model=model, by=make_user("lena"), reason="A first version.", now=timezone.now()
    )


@contextmanager
def celery(*arguments: str, redis: str) -> Iterator[subprocess.Popen[bytes]]:
    """A real Celery process on this test's database and on the given Redis."""
    database = os.environ["DATABASE_URL"].replace("/reviewapp?", f"/{connection.settings_dict['NAME']}?", 1)
    process = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "reviewapp", *arguments, "--loglevel", "warning"],
        cwd=PROJECT,
        env=os.environ | QUICK | {"DATABASE_URL": database, "REDIS_URL": redis},
        start_new_session=True,
        preexec_fn=tied_to_this_process(),
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def worker(redis: str, name: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
    return celery(
        "worker", "--queues", "celery,training", "--concurrency", "1", "--without-gossip", "--without-mingle",
        "--hostname", f"{name}@%h", redis=redis,
    )  # fmt: skip


def beat(redis: str, folder: Path) -> AbstractContextManager[subprocess.Popen[bytes]]:
    return celery("beat", "--schedule", str(folder / "schedule"), "--pidfile", "", redis=redis)


@contextmanager
def redis_server(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A Redis of this test's own, in the foreground of a keeper."""
    process = subprocess.Popen(
        [sys.executable, "-m", "reviewapp.embedded", "redis", "--var", str(folder), "--fast"],
        cwd=PROJECT, stdout=subprocess.DEVNULL, preexec_fn=tied_to_this_process(),
    )  # fmt: skip
    try:
        wait_until_ready(os.environ["DATABASE_URL"], redis_url(folder), timeout=30)
        yield process
    finally:
        process.terminate()
        process.wait(15)


def one_finished_run(run: TrainingRun) -> None:
    run.refresh_from_db()
    assert run.status == "succeeded", run.outcome
    assert ModelVersion.objects.count() == 1
    assert Comparison.objects.count() == 1
    assert Promotion.objects.count() == 1
    assert not run.steps.exclude(status="done").exists()


def finished(run: TrainingRun) -> bool:
    return TrainingRun.objects.filter(pk=run.pk, status__in=["succeeded", "failed"]).exists()


def like_an_undisturbed_one(run: TrainingRun) -> None:
    """Another run of the same dataset has the same seed."""
    dataset = Dataset.objects.get(pk=run.dataset_id)
    again = training.request_training(dataset=dataset, trigger="person", reason="Again.", now=timezone.now())
    assert pipeline.execute(again.pk)
    scores = [one.steps.get(name="validate_model").outputs_sha256 for one in (run, again)]
    assert scores[0] == scores[1]


def test_a_worker_and_beat_killed_in_the_middle_of_a_run_are_replaced_and_the_run_ends_once(tmp_path: Path) -> None:
    run = requested_run(n=300)
    with ExitStack() as running:
        running.enter_context(redis_server(tmp_path))
        redis = redis_url(tmp_path)
        ticking = running.enter_context(beat(redis, tmp_path))
        first = running.enter_context(worker(redis, "first"))
        TrainingRun.objects.update(queued_at=timezone.now() - timedelta(minutes=1))  # nobody sent a message
        wait_for(lambda: run.steps.filter(name="features", progress__gt=0).exists(), seconds=60, what="no worker began")
        assert not finished(run)
        os.kill(ticking.pid, signal.SIGKILL)
        os.kill(first.pid, signal.SIGKILL)
        running.enter_context(beat(redis, tmp_path))  # on the schedule file that the killed one left open
        running.enter_context(worker(redis, "second"))
        wait_for(lambda: finished(run), seconds=90, what="the run was not taken over")
    one_finished_run(run)
    assert run.n_attempts == 2
    like_an_undisturbed_one(run)


def test_a_redis_that_comes_back_empty_loses_no_run(tmp_path: Path) -> None:
    run = requested_run(n=40)
    with ExitStack() as running:
        keeper = running.enter_context(redis_server(tmp_path))
        redis = redis_url(tmp_path)
        running.enter_context(worker(redis, "steady"))
        os.kill(keeper.pid, signal.SIGKILL)
        keeper.wait()
        running.enter_context(redis_server(tmp_path))
        TrainingRun.objects.update(queued_at=timezone.now() - timedelta(minutes=1))
        running.enter_context(beat(redis, tmp_path))
        wait_for(lambda: finished(run), seconds=90, what="the run was not found again")
    one_finished_run(run)
