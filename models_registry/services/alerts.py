"""Open and resolve alerts: at most one open per model, kind and slice."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from models_registry.models import Alert, EventName, RegisteredModel
from models_registry.services.outbox import emit


def open_alert(
    *,
    registered_model: RegisteredModel,
    kind: str,
    message: str,
    now: datetime,
    slice: str = "",
    evidence: Mapping[str, Any] | None = None,
) -> bool:
    """Open an alert unless the same one is open. Returns whether it is new."""
    if Alert.objects.filter(registered_model=registered_model, kind=kind, slice=slice, resolved_at=None).exists():
        return False
    try:
        with transaction.atomic():
            alert = Alert.objects.create(
                registered_model=registered_model,
                kind=kind,
                slice=slice,
                message=message,
                evidence=dict(evidence or {}),
                opened_at=now,
            )
            _announce(alert, now)
    except IntegrityError:
        return False  # another process opened it in the same moment
    return True


def _announce(alert: Alert, now: datetime) -> None:
    payload = {
        "alert": alert.pk,
        "kind": alert.kind,
        "slice": alert.slice,
        "message": alert.message,
        "evidence": alert.evidence,
        "opened_at": alert.opened_at,
    }
    emit(
        event=EventName.MODEL_ALERT, registered_model=alert.registered_model, object_id=f"alert/{alert.pk}",
        payload=payload, now=now,
    )  # fmt: skip


def resolve_alerts(*, registered_model: RegisteredModel, kind: str, now: datetime, slice: str | None = None) -> int:
    """Close what is open of this kind, of one slice or of all. Returns how many."""
    alerts = Alert.objects.filter(registered_model=registered_model, kind=kind, resolved_at=None)
    return (alerts if slice is None else alerts.filter(slice=slice)).update(resolved_at=now)
