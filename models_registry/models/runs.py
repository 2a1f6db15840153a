"""Training runs: the row comes first, the message to a worker is only a nudge."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from models_registry.models.datasets import Dataset
from models_registry.models.versions import RegisteredModel
from models_registry.querysets import TrainingRunQuerySet


class TrainingRun(models.Model):
    """One attempt to make a better version.

    queued ──claimed by a worker──> running ──> succeeded (a candidate exists)
      ^ ^                             │ │ ├─────> failed    (the reason says what, where, what to do)
      │ └──heartbeat lost: swept──────┘ │ └─────> cancelled
      └──answered── waiting <───────────┘  for a trainer elsewhere; no worker is held, a deadline ends it
    ``claim`` is a fencing token: a worker that lost its run cannot write to it any more.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        WAITING = "waiting", _("Waits for the trainer")
        SUCCEEDED = "succeeded", _("Succeeded")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    ACTIVE = (Status.QUEUED, Status.RUNNING, Status.WAITING)

    class Trigger(models.TextChoices):
        NEW_LABELS = "new_labels", _("New labels")
        PERFORMANCE = "performance", _("Errs too often")
        DRIFT = "drift", _("Drift")
        SCHEDULE = "schedule", _("Schedule")
        EVENT = "event", _("A system asked")
        PERSON = "person", _("A person asked")
        CALIBRATION = "calibration", _("Confidence is off")

    registered_model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="runs")
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="runs")
    number = models.PositiveIntegerField()
    backend = models.CharField(max_length=40, default="builtin", help_text=_("The trainer's name"))
    config = models.JSONField(default=dict, blank=True, help_text=_("What the trainer is told beside the data"))
    recalibrates = models.ForeignKey(
        "models_registry.ModelVersion", on_delete=models.PROTECT, null=True, blank=True, related_name="recalibrations",
        help_text=_("The version whose model is kept and whose confidence is fitted anew"),
    )  # fmt: skip
    trigger = models.CharField(max_length=16, choices=Trigger)
    reason = models.TextField()
    status = models.CharField(max_length=16, choices=Status, default=Status.QUEUED)
    outcome = models.TextField(blank=True, help_text=_("What came of it, in one sentence"))
    seed = models.PositiveBigIntegerField()
    hour_price = models.FloatField(
        null=True, blank=True, help_text=_("What an hour of it costs, as the policy said when it was asked for")
    )
    currency = models.CharField(max_length=3, blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    claim = models.UUIDField(null=True, blank=True)
    n_attempts = models.PositiveIntegerField(default=0)
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = TrainingRunQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(fields=["registered_model", "number"], name="trainingrun_number_unique"),
            models.UniqueConstraint(
                fields=["registered_model"],
                condition=Q(status__in=["queued", "running", "waiting"]),
                name="trainingrun_one_active",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["queued", "running", "waiting", "succeeded", "failed", "cancelled"]),
                name="trainingrun_status_known",
            ),
            models.CheckConstraint(
                condition=Q(
                    trigger__in=["new_labels", "performance", "drift", "schedule", "event", "person", "calibration"]
                ),
                name="trainingrun_trigger_known",
            ),
            models.CheckConstraint(
                condition=~Q(trigger="calibration") | Q(recalibrates__isnull=False),
                name="trainingrun_calibration_keeps_a_model",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["succeeded", "failed", "cancelled"], finished_at__isnull=False)
                | Q(status__in=["queued", "running", "waiting"], finished_at__isnull=True),
                name="trainingrun_finished_at_iff_terminal",
            ),
            models.CheckConstraint(
                condition=Q(hour_price__isnull=True, currency="")
                | (Q(hour_price__isnull=False, hour_price__gte=0) & ~Q(currency="")),
                name="trainingrun_price_in_a_currency",
            ),
            models.CheckConstraint(
                condition=~Q(status="running")
                | Q(claim__isnull=False, started_at__isnull=False, heartbeat_at__isnull=False),
                name="trainingrun_running_has_a_claim",
            ),
        ]
        indexes = [
            # read by the sweeper: runs that wait or whose worker went silent
            models.Index(
                fields=["heartbeat_at"], condition=Q(status__in=["queued", "running"]), name="trainingrun_active"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.registered_model.name}, run {self.number}"

    def get_absolute_url(self) -> str:
        return reverse("run", args=[self.pk])

    @property
    def is_active(self) -> bool:
        return self.status in self.ACTIVE


class TrainingStep(models.Model):
    """One named step of a run, with what went in, what came out, and the checks it passed.

    ``artifacts``: name, key in the file store, sha256 and size of each file it made; another attempt goes on from them.
    A check: name, passed, detail, and ``warning`` where it stops nothing but should be looked at.
    ``curves``, of the step that learns: ``tried``, each candidate of the built-in trainer with what it said of rows
    that it had not seen, and which was ``chosen``; or ``series``, numbers that another trainer told.
    """

    class Name(models.TextChoices):
        COLLECT = "collect", _("Collect")
        VALIDATE_DATA = "validate_data", _("Validate data")
        SPLIT_CHECK = "split_check", _("Split check")
        FEATURES = "features", _("Features")
        FIT = "fit", _("Fit")
        CALIBRATE = "calibrate", _("Calibrate")
        VALIDATE_MODEL = "validate_model", _("Validate model")
        COMPARE = "compare", _("Compare")
        REGISTER = "register", _("Register and decide")

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=32, choices=Name)
    status = models.CharField(max_length=16, choices=Status, default=Status.WAITING)
    progress = models.FloatField(default=0)
    detail = models.TextField(blank=True)
    inputs_sha256 = models.CharField(max_length=64, blank=True)
    outputs_sha256 = models.CharField(max_length=64, blank=True)
    checks = models.JSONField(default=list, blank=True)
    artifacts = models.JSONField(default=list, blank=True)
    curves = models.JSONField(default=dict, blank=True)
    log = models.TextField(blank=True, help_text=_("The end of it"))
    n_tries = models.PositiveSmallIntegerField(default=0, help_text=_("Of the last attempt"))
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("run", "position")
        constraints = [
            models.UniqueConstraint(fields=["run", "name"], name="trainingstep_run_name_unique"),
            models.CheckConstraint(condition=Q(progress__gte=0, progress__lte=1), name="trainingstep_progress_0_to_1"),
            models.CheckConstraint(
                condition=Q(status__in=["waiting", "running", "done", "failed"]), name="trainingstep_status_known"
            ),
            models.CheckConstraint(
                condition=Q(
                    name__in=[
                        "collect",
                        "validate_data",
                        "split_check",
                        "features",
                        "fit",
                        "calibrate",
                        "validate_model",
                        "compare",
                        "register",
                    ]
                ),
                name="trainingstep_name_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.run}: {self.get_name_display()}"
