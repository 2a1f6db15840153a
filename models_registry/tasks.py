"""Shells around the services: an id in, a service called. Safe to deliver twice or never."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from celery import shared_task
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from models_registry import learning
from models_registry.services import deliveries, training
from models_registry.services.outbox import DELIVER, nudge_after_commit


@shared_task(name="models_registry.run_training")
def run_training(run_id: int) -> None:
    learning.pipeline().execute(run_id)


def nudge_trainer(run_id: int) -> None:
    """Tell a worker of a queued run once its row is committed. A message that is lost is found by the sweeper."""
    transaction.on_commit(partial(run_training.delay, run_id))


@shared_task(name="models_registry.sweep_training")
def sweep_training() -> None:
    """Find runs whose message or worker was lost, and nudge again."""
    lost_after = timedelta(seconds=settings.TRAINING_LOST_AFTER_SECONDS)
    for run_id in training.sweep(now=timezone.now(), lost_after=lost_after):
        run_training.apply_async((run_id,), expires=settings.SWEEP_SECONDS)  # a waiting run gets one nudge, not a pile


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
