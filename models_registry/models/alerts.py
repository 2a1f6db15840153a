"""What needs a person: one open alert per model, kind and slice."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from models_registry.models.versions import RegisteredModel


class Alert(models.Model):
    class Kind(models.TextChoices):
        UNREGISTERED_VERSION = "unregistered_version", _("Unregistered version")
        RUN_FAILED = "run_failed", _("Training failed")
        ARTIFACT_REFUSED = "artifact_refused", _("Artifact refused")
        NOT_DEPLOYED = "not_deployed", _("Champion is not deployed")
        ACCURACY = "accuracy", _("Errs too often")
        ROLLED_BACK = "rolled_back", _("Put back by itself")
        MLFLOW = "mlflow", _("MLflow does not know")
        INPUT_QUALITY = "input_quality", _("Unusual images")

    registered_model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="alerts")
    kind = models.CharField(max_length=40, choices=Kind)
    slice = models.CharField(max_length=120, blank=True)
    message = models.TextField()
    evidence = models.JSONField(default=dict, blank=True)
    opened_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["registered_model", "kind", "slice"],
                condition=Q(resolved_at__isnull=True),
                name="alert_one_open_per_kind_and_slice",
            ),
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "unregistered_version",
                        "run_failed",
                        "artifact_refused",
                        "not_deployed",
                        "accuracy",
                        "rolled_back",
                        "mlflow",
                        "input_quality",
                    ]
                ),
                name="alert_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(resolved_at__isnull=True) | Q(resolved_at__gte=F("opened_at")),
                name="alert_resolved_after_opened",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.registered_model}: {self.message}"
