"""Every decision about retraining, what asked for it from outside, and who changed a policy when."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from models_registry.models.runs import TrainingRun
from models_registry.models.versions import RegisteredModel


class RetrainingDecision(models.Model):
    """What was decided, also "no", with everything that asked and everything that held it back. The database refuses
    to change or delete it.

    A row is written when what asks or what holds back has changed, and once a day when nothing has. ``n_repeats``: how
    often the decision before this one was come to again meanwhile.
    """

    class Cause(models.TextChoices):
        NONE = "", _("Nothing asks")
        NEW_LABELS = "new_labels", _("New labels")
        PERFORMANCE = "performance", _("Errs too often")
        DRIFT = "drift", _("Drift")
        SCHEDULE = "schedule", _("Schedule")
        EVENT = "event", _("A system asked")
        PERSON = "person", _("A person asked")
        CALIBRATION = "calibration", _("Confidence is off")

    registered_model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="retraining_decisions")
    retrain = models.BooleanField()
    cause = models.CharField(max_length=16, choices=Cause, blank=True)
    reason = models.TextField()
    causes = models.JSONField(default=list, help_text=_("What may ask: name, whether it does, and why"))
    guards = models.JSONField(default=list, help_text=_("What may hold a run back: name, whether it passed, and why"))
    n_new_labels = models.PositiveIntegerField()
    n_labels = models.PositiveIntegerField()
    run = models.OneToOneField(
        TrainingRun, on_delete=models.PROTECT, null=True, blank=True, related_name="retraining_decision"
    )
    n_repeats = models.PositiveIntegerField(default=0)
    decided_at = models.DateTimeField()

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    cause__in=[
                        "",
                        "new_labels",
                        "performance",
                        "drift",
                        "schedule",
                        "event",
                        "person",
                        "calibration",
                    ]
                ),
                name="retrainingdecision_cause_known",
            ),
            models.CheckConstraint(
                condition=Q(retrain=True, run__isnull=False) & ~Q(cause="") | Q(retrain=False, run__isnull=True),
                name="retrainingdecision_run_iff_yes",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="retrainingdecision_reason_said"),
        ]
        indexes = [
            # read by the model's page and the API: a model's newest decisions
            models.Index(fields=["registered_model", "-id"], name="retrainingdecision_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.registered_model}: {'yes' if self.retrain else 'no'}, {self.reason}"


class RetrainingStanding(models.Model):
    """Where the ledger of a model stands: what was decided last, and how often since. Derived, one row a model."""

    registered_model = models.OneToOneField(
        RegisteredModel, on_delete=models.CASCADE, related_name="retraining_standing"
    )
    gist = models.CharField(max_length=400, blank=True)
    n_repeats = models.PositiveIntegerField(default=0)
    written_at = models.DateTimeField(null=True, blank=True, help_text=_("When the ledger's newest row was"))
    evaluated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.registered_model}: {self.gist}"


class RetrainingRequest(models.Model):
    """A system's wish for a run. It asks until a run of whatever cause has started, or until it expires."""

    registered_model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="retraining_requests")
    reason = models.TextField()
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    run = models.ForeignKey(
        TrainingRun, on_delete=models.PROTECT, null=True, blank=True, related_name="requests",
        help_text=_("The run that answered it"),
    )  # fmt: skip

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("requested_at")), name="retrainingrequest_expires_after_it_came"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="retrainingrequest_reason_said"),
        ]
        indexes = [
            # read by every decision: what still asks
            models.Index(
                fields=["registered_model", "requested_at"],
                condition=Q(run__isnull=True),
                name="retrainingrequest_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.registered_model}: {self.reason}"


class PolicyChange(models.Model):
    """Who changed which thresholds, when, from what to what. The database refuses to change or delete it."""

    class Policy(models.TextChoices):
        RETRAINING = "retraining", _("Retraining")
        PROMOTION = "promotion", _("Promotion")

    class Via(models.TextChoices):
        PAGE = "page", _("Policy page")
        ADMIN = "admin", _("Admin")
        FILE = "file", _("Configuration file")
        API = "api", _("API")

    registered_model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="policy_changes")
    policy = models.CharField(max_length=12, choices=Policy)
    fields = models.JSONField(help_text=_("By field: from, to"))
    via = models.CharField(max_length=8, choices=Via)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.CheckConstraint(
                condition=Q(policy__in=["retraining", "promotion"]), name="policychange_policy_known"
            ),
            models.CheckConstraint(
                condition=Q(via__in=["page", "admin", "file", "api"]), name="policychange_via_known"
            ),
            models.CheckConstraint(condition=~Q(fields={}), name="policychange_changes_something"),
            models.CheckConstraint(
                condition=Q(via="file") | Q(changed_by__isnull=False), name="policychange_by_somebody"
            ),
        ]
        indexes = [
            # read by the policy's page
            models.Index(fields=["registered_model", "-id"], name="policychange_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.registered_model}: {self.get_policy_display()}, {', '.join(self.fields)}"
