"""What happened, as a row in the transaction that did it. `deliveries.py` sends it later."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from celery import current_app
from django.db import connection, transaction

from models_registry.models import Delivery, Event, RegisteredModel, Webhook
from models_registry.services.nudges import send_after_commit

Payload = Mapping[str, Any]
DELIVER = "models_registry.deliver"  # the task's name: services never import tasks


def emit(
    *,
    event: str,
    registered_model: RegisteredModel,
    object_id: str,
    payload: Payload | Callable[[], Payload],
    now: datetime,
) -> Event | None:
    """Write an event and a delivery for every webhook that asked for it, in the caller's transaction.

    ``object_id`` names what it happened to, like ``inspection/812``: events of one object reach a receiver in the order
    in which they were committed. ``payload`` takes what JSON can say, and moments; as a function it is made only when
    somebody asked. One query and None when nobody did.
    """
    webhooks = list(Webhook.objects.subscribed(event, registered_model).values_list("pk", flat=True))
    if not webhooks:
        return None
    with transaction.atomic():
        data = payload() if callable(payload) else payload
        row = _write(event, registered_model, object_id, data, now)
        Delivery.objects.bulk_create(
            Delivery(event=row, webhook_id=pk, object_id=object_id, next_attempt_at=now, created_at=now)
            for pk in webhooks
        )
        for pk in webhooks:
            nudge_after_commit(pk)
    return row


def nudge_after_commit(webhook_id: int) -> None:
    """Tell a worker that something waits. A broker that does not answer undoes nothing: the sweeper finds the row."""
    send_after_commit(current_app.send_task, DELIVER, (webhook_id,))


def _write(event: str, registered_model: RegisteredModel, object_id: str, data: Payload, now: datetime) -> Event:
    """The lock is held until commit: who emits for the same object waits, so keys rise in the order of commits."""
    uid = uuid.uuid4()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"outbox {object_id}"])
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", [Event._meta.db_table])
        (sequence,) = cursor.fetchone()
    body = {
        "id": uid,
        "type": event,
        "timestamp": now,
        "model": registered_model.slug,
        "object": object_id,
        "sequence": sequence,
        "data": data,
    }
    return Event.objects.create(
        pk=sequence, uid=uid, name=event, registered_model=registered_model, object_id=object_id,
        body=msgspec.json.encode(body).decode(), created_at=now,
    )  # fmt: skip
