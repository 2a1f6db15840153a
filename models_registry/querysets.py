"""Reads of the registry, as QuerySet methods."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db.models import Exists, OuterRef, Q, QuerySet

if TYPE_CHECKING:
    from models_registry.models import (  # noqa: F401 - in quotes below
        Delivery,
        ModelVersion,
        RegisteredModel,
        TrainingRun,
        Webhook,
    )


class ModelVersionQuerySet(QuerySet["ModelVersion"]):
    def champion_of(self, registered_model: RegisteredModel) -> ModelVersion | None:
        return self.filter(registered_model=registered_model, stage="champion").first()

    def servable(self) -> Self:
        """Versions whose artifact we hold."""
        return self.exclude(artifact="")


class TrainingRunQuerySet(QuerySet["TrainingRun"]):
    def active(self) -> Self:
        return self.filter(status__in=["queued", "running", "waiting"])

    def succeeded(self) -> Self:
        return self.filter(status="succeeded")

    def learned(self) -> Self:
        """Runs that learned from their dataset: one that fits a confidence anew takes no label away from the next."""
        return self.succeeded().filter(recalibrates=None)

    def lost(self, *, before: datetime) -> Self:
        """Runs that wait for a worker or whose worker has been silent since ``before``."""
        return self.filter(Q(status="queued", queued_at__lt=before) | Q(status="running", heartbeat_at__lt=before))


class WebhookQuerySet(QuerySet["Webhook"]):
    def subscribed(self, event: str, registered_model: RegisteredModel) -> Self:
        return self.filter(
            Q(registered_model=None) | Q(registered_model=registered_model), is_active=True, events__contains=[event]
        )

    def free(self, *, now: datetime) -> Self:
        """Switched on, held by no worker, and not resting."""
        return self.filter(
            Q(held_until__isnull=True) | Q(held_until__lte=now),
            Q(rests_until__isnull=True) | Q(rests_until__lte=now),
            is_active=True,
        )


class DeliveryQuerySet(QuerySet["Delivery"]):
    def waiting(self) -> Self:
        return self.filter(status="waiting")

    def next_due(self, webhook: Webhook, *, now: datetime) -> Delivery | None:
        """The oldest delivery that is due and has no earlier one of its object before it."""
        earlier = self.waiting().filter(webhook=webhook, object_id=OuterRef("object_id"), event__lt=OuterRef("event"))
        due = self.waiting().filter(webhook=webhook, next_attempt_at__lte=now).exclude(Exists(earlier))
        return due.select_related("event").order_by("event_id").first()  # by "event" would take the order of that table
