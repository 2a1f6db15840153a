"""Webhooks and what waits for them."""

from __future__ import annotations

from typing import Any

from models_registry.models import Delivery, DeliveryAttempt, Event, EventName, RegisteredModel, Webhook
from tests.factories.base import NOW, next_number
from tests.factories.registry import make_model


def make_webhook(**fields: Any) -> Webhook:
    """Of all models, for every event."""
    defaults = {
        "name": "MES",
        "url": "http://127.0.0.1:9/hook",
        "events": list(EventName.values),
        "created_at": NOW,
    }
    return Webhook.objects.create(**{**defaults, **fields})


def make_event(*, registered_model: RegisteredModel | None = None, **fields: Any) -> Event:
    defaults = {"name": "run.finished", "object_id": f"run/{next_number()}", "body": "{}", "created_at": NOW}
    return Event.objects.create(registered_model=registered_model or make_model(), **{**defaults, **fields})


def make_delivery(*, webhook: Webhook | None = None, event: Event | None = None, **fields: Any) -> Delivery:
    event = event or make_event()
    defaults = {"object_id": event.object_id, "next_attempt_at": NOW, "created_at": NOW}
    return Delivery.objects.create(webhook=webhook or make_webhook(), event=event, **{**defaults, **fields})


def make_attempt(*, delivery: Delivery | None = None, **fields: Any) -> DeliveryAttempt:
    defaults = {"number": 1, "started_at": NOW, "milliseconds": 12, "status": 200}
    return DeliveryAttempt.objects.create(delivery=delivery or make_delivery(), **{**defaults, **fields})
