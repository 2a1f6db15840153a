"""What MLflow was told of a version."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from models_registry.models.versions import ModelVersion


class MlflowPush(models.Model):
    """The last that MLflow was told of a version, and what went wrong since. A version without one was never told of.

    ``state_sha256`` is the hash of what was told: what would be told now has another one, so it is told again.
    """

    version = models.OneToOneField(ModelVersion, on_delete=models.CASCADE, related_name="mlflow_push")
    state_sha256 = models.CharField(max_length=64, blank=True)
    experiment_id = models.CharField(max_length=64, blank=True)
    run_id = models.CharField(max_length=64, blank=True)
    mlflow_version = models.CharField(max_length=20, blank=True)
    aliases = models.JSONField(default=list, blank=True)
    n_failed = models.PositiveIntegerField(default=0, help_text=_("Attempts in a row"))
    problem = models.CharField(max_length=300, blank=True)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    pushed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        verbose_name = "push to MLflow"
        verbose_name_plural = "pushes to MLflow"
        constraints = [
            models.CheckConstraint(
                condition=Q(state_sha256="", pushed_at__isnull=True)
                | (~Q(state_sha256="") & Q(pushed_at__isnull=False)),
                name="mlflowpush_told_iff_pushed",
            ),
            models.CheckConstraint(
                condition=Q(n_failed=0, problem="", next_attempt_at__isnull=True)
                | (Q(n_failed__gte=1, next_attempt_at__isnull=False) & ~Q(problem="")),
                name="mlflowpush_failure_has_reason_and_retry",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version}: {self.problem or self.mlflow_version}"
