"""A worker that is cut off between feeding the monitors and its commit leaves no trace, and the next one feeds once."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, transaction

import tests.factories as make
from labeling.models import PendingDraw
from labeling.monitoring import advance, keep_watch
from labeling.tallies import fold
from models_registry.models import ModelVersion, Monitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
NOW = make.NOW


def waiting(n: int) -> ModelVersion:
    """A version that is watched, with ``n`` judged draws in its queue."""
    version = make.make_version(registered_model=make.make_model(target_accuracy=0.96))
    keep_watch(registered_model=version.registered_model, champion=version, now=NOW)
    for _ in range(n):
        inspection = make.make_inspection()
        make.make_prediction(version=version, inspection=inspection, label="ok")
        make.make_selection(inspection=inspection, registered_model=version.registered_model, pi=0.05, u=0.01)
        make.make_ground_truth(registered_model=version.registered_model, inspection=inspection, label="dent")
    fold()
    return version


def feeding(version: ModelVersion, told: list[int]) -> int:
    """`advance` in a thread of its own, which first tells the number of its database session."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            told.append(cursor.fetchone()[0])
        return advance(version=version, now=NOW)
    finally:
        connection.close()


def cut_off_before_the_commit(version: ModelVersion, pool: ThreadPoolExecutor) -> Future[int]:
    """Hold a row of the queue, so that the worker has fed and now waits to take it off; then end its session."""
    told: list[int] = []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM labeling_pendingdraw WHERE model_version_id = %s FOR UPDATE", [version.pk])
        worker = pool.submit(feeding, version, told)
        deadline = time.monotonic() + 20
        while not (told and _waits_to_delete(told[0])):
            assert time.monotonic() < deadline, "the worker never came to its last step"
            threading.Event().wait(0.05)
        cursor.execute("SELECT pg_terminate_backend(%s)", told)
        with pytest.raises(OperationalError):
            worker.result(20)
    return worker


def _waits_to_delete(session: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # within a transaction the first look is shown again
        cursor.execute(
            "SELECT wait_event_type = 'Lock' AND query LIKE 'DELETE%%' FROM pg_stat_activity WHERE pid = %s", [session]
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def test_a_worker_that_is_killed_between_the_feed_and_the_commit_feeds_nothing_and_the_next_feeds_once() -> None:
    version = waiting(5)
    before = Monitor.objects.values().get()
    with ThreadPoolExecutor(1) as pool:
        cut_off_before_the_commit(version, pool)

    assert Monitor.objects.values().get() == before
    assert PendingDraw.objects.count() == 5

    assert advance(version=version, now=NOW) == 5
    monitor = Monitor.objects.get()
    assert (monitor.n_fed, monitor.n_errors, PendingDraw.objects.count()) == (5, 5, 0)
    assert advance(version=version, now=NOW) == 0  # the message comes again
    assert Monitor.objects.get().inputs_hash == monitor.inputs_hash
