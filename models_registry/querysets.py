"""Reads of the registry, as QuerySet methods."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db.models import Q, QuerySet

if TYPE_CHECKING:
    from models_registry.models import ModelVersion, RegisteredModel, TrainingRun  # noqa: F401 - in quotes below


class ModelVersionQuerySet(QuerySet["ModelVersion"]):
    def champion_of(self, registered_model: RegisteredModel) -> ModelVersion | None:
        return self.filter(registered_model=registered_model, stage="champion").first()

    def servable(self) -> Self:
        """Versions whose artifact we hold."""
        return self.exclude(artifact="")


class TrainingRunQuerySet(QuerySet["TrainingRun"]):
    def active(self) -> Self:
        return self.filter(status__in=["queued", "running"])

    def succeeded(self) -> Self:
        return self.filter(status="succeeded")

    def lost(self, *, before: datetime) -> Self:
        """Runs that wait for a worker or whose worker has been silent since ``before``."""
        return self.filter(Q(status="queued", queued_at__lt=before) | Q(status="running", heartbeat_at__lt=before))
