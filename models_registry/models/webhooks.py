"""Webhooks as an outbox: what happened is a row in the transaction that did it; sending it comes later."""

from __future__ import annotations

import base64
import secrets
import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from models_registry.models.versions import RegisteredModel
from models_registry.querysets import DeliveryQuerySet, WebhookQuerySet


class EventName(models.TextChoices):
    REVIEW_SETTLED = "review.settled", _("A review was settled")
    DISPOSITION_REVOKED = "disposition.revoked", _("A disposition was revoked")
    MODEL_ALERT = "model.alert", _("A model needs a person")
    RUN_FINISHED = "run.finished", _("A training run finished")
    VERSION_PROMOTED = "version.promoted", _("A version became champion")
    REPORT_ISSUED = "report.issued", _("A report was issued, or an addendum to one")


EVENT_NAMES = [
    "review.settled", "disposition.revoked", "model.alert", "run.finished", "version.promoted", "report.issued",
]  # fmt: skip


def new_webhook_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


class Webhook(models.Model):
    """Where events go. Its deliveries are sent one after another, by the one worker that holds it (``held_by``).

    ``rests_until`` and ``failing_since`` say that the receiver as a whole does not answer: then nothing is sent to it
    for a while, however much waits.
    """

    name = models.CharField(max_length=120)
    url = models.URLField(max_length=500)
    events = ArrayField(models.CharField(max_length=40, choices=EventName))
    registered_model = models.ForeignKey(
        RegisteredModel,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="webhooks",
        help_text=_("Empty: events of all models"),
    )
    is_active = models.BooleanField(default=True)
    secret = models.CharField(max_length=100, default=new_webhook_secret, editable=False)
    former_secret = models.CharField(max_length=100, blank=True, editable=False)
    former_secret_until = models.DateTimeField(null=True, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(editable=False)
    held_by = models.UUIDField(null=True, blank=True, editable=False)
    held_until = models.DateTimeField(null=True, blank=True, editable=False)
    n_failures = models.PositiveIntegerField(
        _("failures"), default=0, editable=False, help_text=_("Without an answer, in a row")
    )
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)
    rests_until = models.DateTimeField(null=True, blank=True, editable=False)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        ordering = ("name", "pk")
        constraints = [
            models.CheckConstraint(
                condition=Q(events__contained_by=EVENT_NAMES) & Q(events__len__gte=1), name="webhook_events_known"
            ),
            models.CheckConstraint(condition=Q(url__regex=r"^https?://"), name="webhook_url_http"),
            models.CheckConstraint(condition=~Q(secret=""), name="webhook_secret_said"),
            models.CheckConstraint(
                condition=Q(former_secret="", former_secret_until__isnull=True)
                | (~Q(former_secret="") & Q(former_secret_until__isnull=False)),
                name="webhook_former_secret_ends",
            ),
            models.CheckConstraint(
                condition=Q(held_by__isnull=True, held_until__isnull=True)
                | Q(held_by__isnull=False, held_until__isnull=False),
                name="webhook_held_both_or_neither",
            ),
            models.CheckConstraint(
                condition=Q(n_failures=0, failing_since__isnull=True)
                | Q(n_failures__gte=1, failing_since__isnull=False),
                name="webhook_failing_since_iff_failures",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Event(models.Model):
    """What happened, in the bytes that are sent. Its key rises with time within an object: receivers see it as
    ``sequence``."""

    uid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False, help_text=_("What receivers know it by"))
    name = models.CharField(max_length=40, choices=EventName)
    registered_model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="events")
    object_id = models.CharField(max_length=160, help_text=_("What it happened to: events of one object keep order"))
    body = models.TextField(help_text=_("JSON, sent as it stands, however often"))
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.CheckConstraint(condition=Q(name__in=EVENT_NAMES), name="event_name_known"),
            models.CheckConstraint(condition=~Q(object_id=""), name="event_object_said"),
        ]
        indexes = [
            # read by the sweeper: events old enough to be forgotten
            models.Index(fields=["created_at"], name="event_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.name} · {self.object_id}"


class Delivery(models.Model):
    """One event for one webhook.

    waiting ──2xx──> delivered
      │  ^ └──4xx, 3xx, or no success within 24 h of the first attempt──> failed
      └──┘ other answers, or none: again later        (a person sends it again: any ──> waiting)
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Failed")

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    webhook = models.ForeignKey(Webhook, on_delete=models.PROTECT, related_name="deliveries")
    object_id = models.CharField(max_length=160, help_text=_("The event's"))
    status = models.CharField(max_length=16, choices=Status, default=Status.WAITING)
    n_attempts = models.PositiveIntegerField(_("attempts"), default=0)
    first_attempt_at = models.DateTimeField(null=True, blank=True, help_text=_("Since it was last asked for"))
    next_attempt_at = models.DateTimeField()
    last_status = models.PositiveSmallIntegerField(null=True, blank=True, help_text=_("HTTP"))
    outcome = models.TextField(blank=True, help_text=_("What came of it, in one sentence"))
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["event", "webhook"], name="delivery_event_webhook_unique"),
            models.CheckConstraint(
                condition=Q(status__in=["waiting", "delivered", "failed"]), name="delivery_status_known"
            ),
            models.CheckConstraint(
                condition=Q(status="waiting", finished_at__isnull=True)
                | (~Q(status="waiting") & Q(finished_at__isnull=False)),
                name="delivery_finished_at_iff_over",
            ),
        ]
        indexes = [
            # read by next_due(): what waits for a webhook, and what waits before it at the same object
            models.Index(
                fields=["webhook", "object_id", "event"], condition=Q(status="waiting"), name="delivery_waiting_order"
            ),
            # read by next_due() and the sweeper: what is due
            models.Index(fields=["webhook", "next_attempt_at"], condition=Q(status="waiting"), name="delivery_due"),
        ]

    def __str__(self) -> str:
        return f"{self.event} → {self.webhook}"


class DeliveryAttempt(models.Model):
    """One request. Written before it is sent: one without an end lost its worker."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    milliseconds = models.PositiveIntegerField(null=True, blank=True)
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text=_("HTTP"))
    excerpt = models.CharField(max_length=500, blank=True, help_text=_("What was answered, or what went wrong"))

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(fields=["delivery", "number"], name="deliveryattempt_number_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.delivery}, attempt {self.number}"
