"""Shells around the services: an id in, a service called. Safe to deliver twice or never."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from time import monotonic

from celery import shared_task
from django.conf import settings
from django.utils import timezone
from kombu.exceptions import OperationalError

from models_registry import learning
from models_registry.mlflow import open_mlflow
from models_registry.models import ModelVersion
from models_registry.services import deliveries, mlflow_link, recomparing, remote, training
from models_registry.services.image_features import forget_features
from models_registry.services.nudges import send_after_commit
from models_registry.services.outbox import DELIVER, nudge_after_commit

MLFLOW_SECONDS = 10.0  # for one request


@shared_task(name="models_registry.run_training")
def run_training(run_id: int) -> None:
    learning.pipeline().execute(run_id)


def nudge_trainer(run_id: int) -> None:
    """Tell a worker of a queued run once its row is committed. A broker that does not answer undoes nothing: the
    sweeper finds the run.
    """
    send_after_commit(run_training.apply_async, (run_id,))


@shared_task(name="models_registry.sweep_training")
def sweep_training() -> None:
    """Find runs whose message or worker was lost, and nudge again."""
    lost_after = timedelta(seconds=settings.TRAINING_LOST_AFTER_SECONDS)
    for run_id in training.sweep(now=timezone.now(), lost_after=lost_after):
        run_training.apply_async((run_id,), expires=settings.SWEEP_SECONDS)  # a waiting run gets one nudge, not a pile


@shared_task(name="models_registry.recompare")
def recompare(version_id: int) -> None:
    """Compare a candidate with today's champion. Twice is once: the second finds it compared."""
    version = ModelVersion.objects.select_related("registered_model").filter(pk=version_id, stage="candidate").first()
    if version is not None:
        recomparing.recompare(version=version, now=timezone.now())


def nudge_recompare(version_id: int) -> None:
    """Ask for a new comparison. A broker that does not answer undoes nothing: the sweeper looks."""
    with suppress(OperationalError):
        recompare.apply_async((version_id,), expires=settings.SWEEP_SECONDS, retry=False)


@shared_task(name="models_registry.sweep_comparisons")
def sweep_comparisons() -> None:
    """Candidates whose champion is gone."""
    for version_id in recomparing.overtaken_comparisons():
        recompare.apply_async((version_id,), expires=settings.SWEEP_SECONDS)


@shared_task(name="models_registry.sweep_remote_training")
def sweep_remote_training() -> None:
    """Ask trainers elsewhere for what is due, and end what has been waited for too long."""
    remote.send_due(clock=timezone.now)


@shared_task(name=DELIVER)
def deliver(webhook_id: int) -> None:
    """Send what waits for a webhook, for one turn; the next turn queues up behind the other webhooks."""
    if deliveries.drain(webhook_id, clock=timezone.now):
        nudge_after_commit(webhook_id)


@shared_task(name="models_registry.sweep_webhooks")
def sweep_webhooks() -> None:
    """Retries that are due, lost messages, and what a killed worker held."""
    for webhook_id in deliveries.sweep(now=timezone.now()):
        deliver.apply_async((webhook_id,), expires=settings.WEBHOOK_SWEEP_SECONDS)


@shared_task(name="models_registry.forget_features")
def clean_features() -> None:
    """Keep the cache of image features within its bound."""
    forget_features(most=settings.FEATURES_KEPT, now=timezone.now())


@shared_task(name="models_registry.push_to_mlflow")
def push_to_mlflow() -> None:
    """Tell MLflow what it does not know, for one turn. Without an address nothing is asked."""
    if not settings.MLFLOW_URL:
        return
    ends = monotonic() + settings.SWEEP_SECONDS
    with open_mlflow(settings.MLFLOW_URL, token=settings.MLFLOW_TOKEN, seconds=MLFLOW_SECONDS) as client:
        for version_id in mlflow_link.due(now=timezone.now()):
            mlflow_link.push(version_id=version_id, client=client, now=timezone.now())
            if monotonic() > ends:
                return
