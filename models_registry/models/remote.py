"""Runs whose trainer is elsewhere: what was asked of it, and what came of that."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from models_registry.models.runs import TrainingRun


class RemoteTraining(models.Model):
    """A request to a trainer elsewhere: a row before it is sent.

    waiting ──the receiver took it──> sent ──artifact──> finished (the run is queued again and goes on)
       └──────────────────────────────┴──refused, deadline, cancelled──> failed (``reason``)
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        SENT = "sent", _("Sent")
        FINISHED = "finished", _("Finished")
        FAILED = "failed", _("Failed")

    OPEN = (Status.WAITING, Status.SENT)

    run = models.OneToOneField(TrainingRun, on_delete=models.PROTECT, related_name="remote")
    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    trainer = models.CharField(max_length=40)
    status = models.CharField(max_length=8, choices=Status, default=Status.WAITING)
    reason = models.TextField(blank=True)
    n_attempts = models.PositiveIntegerField(default=0)
    first_attempt_at = models.DateTimeField(null=True, blank=True)
    next_attempt_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    heard_at = models.DateTimeField(null=True, blank=True)
    artifact = models.CharField(max_length=200, blank=True)
    artifact_sha256 = models.CharField(max_length=64, blank=True)
    n_bytes = models.PositiveBigIntegerField(default=0)
    metrics = models.JSONField(default=dict, blank=True)
    series = models.JSONField(default=dict, blank=True, help_text=_("Numbers that it told with its progress, by name"))
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["waiting", "sent", "finished", "failed"]), name="remotetraining_status_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["waiting", "sent"], finished_at__isnull=True)
                | Q(status__in=["finished", "failed"], finished_at__isnull=False),
                name="remotetraining_finished_at_iff_over",
            ),
            models.CheckConstraint(
                condition=(Q(status="finished", artifact_sha256__regex=r"^[0-9a-f]{64}$") & ~Q(artifact=""))
                | (~Q(status="finished") & Q(artifact="", artifact_sha256="")),
                name="remotetraining_artifact_iff_finished",
            ),
        ]
        indexes = [
            # read by the sweeper: what is to be sent, and what has been waited for too long
            models.Index(
                fields=["next_attempt_at"], condition=Q(status__in=["waiting", "sent"]), name="remotetraining_open"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.run}: {self.trainer}"
