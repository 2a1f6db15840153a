"""Send what waits in the outbox: one receiver after another, one event after another.

A worker holds a webhook by a lease and sends what is due, in order, for at most one turn; so a slow or dead receiver
takes one worker for a moment, and nobody else's. An attempt is a row before it is a request: if its worker is killed,
the lease ends and another worker sends the same event again, under the same id.
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Coalesce

from models_registry.delivery import GIVE_UP_AFTER, Answer, Attempts, Decision, decide, sign
from models_registry.models import Delivery, DeliveryAttempt, Event, Webhook
from models_registry.models.webhooks import new_webhook_secret
from models_registry.sender import Sender, open_sender
from models_registry.services.outbox import nudge_after_commit
from reviewapp.errors import Conflict

TURN = timedelta(seconds=20)
KEPT = timedelta(days=30)
FORGOTTEN_AT_ONCE = 5_000
OVERLAP = timedelta(hours=24)
Clock = Callable[[], datetime]
Status = Delivery.Status


def drain(webhook_id: int, *, clock: Clock) -> bool:
    """Send what is due to one webhook, for a turn. True: more is due, and somebody has to be told.

    What is due is asked once more after the webhook was let go: whoever was nudged meanwhile found it held and left.
    """
    webhook = _hold(webhook_id, now=clock())
    if webhook is None:
        return False
    try:
        _send_in_turn(webhook, clock)
    finally:
        Webhook.objects.filter(pk=webhook.pk, held_by=webhook.held_by).update(held_by=None, held_until=None)
    now = clock()
    is_free = Webhook.objects.free(now=now).filter(pk=webhook.pk).exists()
    return is_free and Delivery.objects.next_due(webhook, now=now) is not None


def _hold(webhook_id: int, *, now: datetime) -> Webhook | None:
    """Exactly one worker gets a free webhook; it stays held for one attempt and a half unless prolonged."""
    holder = uuid.uuid4()
    if not Webhook.objects.free(now=now).filter(pk=webhook_id).update(held_by=holder, held_until=_lease(now)):
        return None
    return Webhook.objects.get(pk=webhook_id)


def _lease(now: datetime) -> datetime:
    return now + timedelta(seconds=1.5 * settings.WEBHOOK_TIMEOUT_SECONDS)


def _keep(webhook: Webhook, *, now: datetime) -> bool:
    """Prolong the lease, and read the address and secrets anew. False: another worker has it, or it is switched off."""
    ours = Webhook.objects.filter(pk=webhook.pk, held_by=webhook.held_by, is_active=True)
    if not ours.update(held_until=_lease(now)):
        return False
    webhook.refresh_from_db(fields=["url", "secret", "former_secret", "former_secret_until", "n_failures"])
    return True


def _send_in_turn(webhook: Webhook, clock: Clock) -> None:
    turn_ends = clock() + TURN
    with open_sender(seconds=settings.WEBHOOK_TIMEOUT_SECONDS) as sender:
        while (now := clock()) < turn_ends and _keep(webhook, now=now):
            delivery = Delivery.objects.next_due(webhook, now=now)
            if delivery is None or not _attempt(delivery, webhook, sender, clock):
                return


def _attempt(delivery: Delivery, webhook: Webhook, sender: Sender, clock: Clock) -> bool:
    """One request, recorded before and after. False: the receiver is down, or another worker has the delivery."""
    started = clock()
    attempt = _begin(delivery, now=started)
    if attempt is None:
        return False
    answer = sender.send(webhook.url, body=delivery.event.body, headers=_headers(delivery, webhook, now=started))
    return _record(delivery, attempt, webhook, answer, now=clock())


@transaction.atomic
def _begin(delivery: Delivery, *, now: datetime) -> DeliveryAttempt | None:
    taken = (
        Delivery.objects.waiting()
        .filter(pk=delivery.pk, n_attempts=delivery.n_attempts)
        .update(n_attempts=F("n_attempts") + 1, first_attempt_at=Coalesce("first_attempt_at", now))
    )
    if not taken:
        return None
    delivery.n_attempts, delivery.first_attempt_at = delivery.n_attempts + 1, delivery.first_attempt_at or now
    return DeliveryAttempt.objects.create(delivery=delivery, number=delivery.attempts.count() + 1, started_at=now)


def _headers(delivery: Delivery, webhook: Webhook, *, now: datetime) -> dict[str, str]:
    event, timestamp = delivery.event, int(now.timestamp())
    secrets = [webhook.secret]
    if webhook.former_secret_until is not None and webhook.former_secret_until > now:
        secrets.append(webhook.former_secret)
    return {
        "content-type": "application/json",
        "user-agent": "reviewapp-webhook/1",
        "webhook-id": str(event.uid),
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secrets, uid=str(event.uid), timestamp=timestamp, body=event.body),
    }


@transaction.atomic
def _record(delivery: Delivery, attempt: DeliveryAttempt, webhook: Webhook, answer: Answer, *, now: datetime) -> bool:
    DeliveryAttempt.objects.filter(pk=attempt.pk).update(
        milliseconds=answer.milliseconds, status=answer.status, excerpt=answer.excerpt
    )
    decision = decide(answer, _so_far(delivery, webhook), now=now)
    Delivery.objects.waiting().filter(pk=delivery.pk, n_attempts=delivery.n_attempts).update(
        status=decision.status,
        outcome=decision.reason,
        last_status=answer.status,
        next_attempt_at=decision.retry_at or delivery.next_attempt_at,
        finished_at=None if decision.status == "waiting" else now,
    )
    _remember_health(webhook, decision, now)
    return not decision.is_down


def _so_far(delivery: Delivery, webhook: Webhook) -> Attempts:
    chance = zlib.crc32(f"{delivery.event.uid} {delivery.n_attempts}".encode()) / 2**32
    assert delivery.first_attempt_at is not None  # noqa: S101 - _begin has set it
    return Attempts(delivery.n_attempts, delivery.first_attempt_at, webhook.n_failures + 1, chance)


def _remember_health(webhook: Webhook, decision: Decision, now: datetime) -> None:
    """Whether the receiver as a whole answers. One that does not rests, however much waits for it."""
    ours = Webhook.objects.filter(pk=webhook.pk, held_by=webhook.held_by)
    if decision.is_down:
        ours.update(
            n_failures=F("n_failures") + 1,
            failing_since=Coalesce("failing_since", now),
            rests_until=decision.retry_at,
        )
    elif webhook.n_failures:
        ours.update(n_failures=0, failing_since=None, rests_until=None)


@transaction.atomic
def send_again(*, delivery: Delivery, now: datetime) -> None:
    """Put a delivery that is over back into the outbox: the same event and id, another 24 hours.

    :raises Conflict: it waits already, or its webhook is switched off.
    """
    if not Webhook.objects.filter(pk=delivery.webhook_id, is_active=True).exists():
        raise Conflict("The webhook is switched off.")
    again = Delivery.objects.filter(pk=delivery.pk).exclude(status=Status.WAITING)
    if not again.update(
        status=Status.WAITING, n_attempts=0, first_attempt_at=None, next_attempt_at=now, finished_at=None,
        outcome="A person asked to send it again.",
    ):  # fmt: skip
        raise Conflict("It waits already.")
    Webhook.objects.filter(pk=delivery.webhook_id).update(rests_until=None)
    nudge_after_commit(delivery.webhook_id)


@transaction.atomic
def change_secret(*, webhook: Webhook, now: datetime, secret: str = "") -> str:
    """A new signing secret, made here unless one is given. For a day what is sent is signed by the old one too."""
    secret = secret or new_webhook_secret()
    Webhook.objects.filter(pk=webhook.pk).update(
        secret=secret, former_secret=F("secret"), former_secret_until=now + OVERLAP
    )
    return secret


def sweep(*, now: datetime) -> list[int]:
    """Give up what a dead receiver left behind, forget what is old. Returns the webhooks to nudge.

    What is due is found again here: retries, lost messages, and what a killed worker held.
    """
    _give_up(now=now)
    _forget(before=now - KEPT)
    due = Delivery.objects.waiting().filter(webhook=OuterRef("pk"), next_attempt_at__lte=now)
    return list(Webhook.objects.free(now=now).filter(Exists(due)).values_list("pk", flat=True))


def _give_up(*, now: datetime) -> None:
    """A receiver that has been silent for a day: what waited that long has failed, tried or not."""
    Delivery.objects.waiting().filter(
        created_at__lte=now - GIVE_UP_AFTER,
        next_attempt_at__lte=now,
        webhook__is_active=True,
        webhook__failing_since__lte=now - GIVE_UP_AFTER,
    ).update(status=Status.FAILED, outcome="The receiver did not answer for 24 hours.", finished_at=now)


def _forget(*, before: datetime) -> None:
    """Events are kept for 30 days, and longer while one still waits to be sent."""
    waiting = Delivery.objects.waiting().filter(event=OuterRef("pk"))
    old = Event.objects.filter(created_at__lt=before).exclude(Exists(waiting)).order_by("pk")
    Event.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE])).delete()
