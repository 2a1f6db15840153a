"""Wishes for a run that come from systems: a row that asks until a run has started."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from models_registry.models import RegisteredModel, RetrainingRequest, TrainingRun

if TYPE_CHECKING:
    from django.contrib.auth.models import User

ASKS_FOR = timedelta(days=7)


def ask_for_run(*, registered_model: RegisteredModel, by: User, reason: str, now: datetime) -> RetrainingRequest:
    """Ask for a run, within the model's policy. ``reason`` is not empty."""
    return RetrainingRequest.objects.create(
        registered_model=registered_model, requested_by=by, reason=reason, requested_at=now, expires_at=now + ASKS_FOR
    )


def answer_requests(*, run: TrainingRun, now: datetime) -> int:
    """A run has started: whatever asks for one is answered by it. Returns how many."""
    waiting = RetrainingRequest.objects.filter(registered_model=run.registered_model_id, run=None, expires_at__gt=now)
    return waiting.update(run=run)
