"""Reports: what was said at a time, under a name, and stays as it was said. What changes later is an addendum."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from models_registry.models.evaluations import Evaluation
from models_registry.models.labels import LabelSet
from models_registry.models.versions import ModelVersion, RegisteredModel


class Report(models.Model):
    """Frozen: a trigger refuses every UPDATE and DELETE. ``sha256`` is that of ``content`` in canonical form."""

    class Kind(models.TextChoices):
        AUDIT = "audit", _("Audit of a file")
        PERIOD = "period", _("Production days")

    registered_model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="reports")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=8, choices=Kind)
    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="reports"
    )
    label_set = models.ForeignKey(LabelSet, on_delete=models.PROTECT, related_name="reports")
    evaluations = models.ManyToManyField(Evaluation, related_name="reports", blank=True)
    first_day = models.DateField(null=True, blank=True, help_text=_("Production days of the sites, both included"))
    last_day = models.DateField(null=True, blank=True)
    content = models.JSONField(help_text=_("Figures, sentences, designs, label set and code version, as issued"))
    sha256 = models.CharField(max_length=64)
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="signed_reports"
    )
    signed_at = models.DateTimeField()

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(fields=["registered_model", "number"], name="report_number_unique"),
            models.CheckConstraint(condition=Q(number__gte=1), name="report_number_from_1"),
            models.CheckConstraint(condition=Q(kind__in=["audit", "period"]), name="report_kind_known"),
            models.CheckConstraint(condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="report_sha256_is_one"),
            models.CheckConstraint(
                condition=Q(kind="audit")
                | Q(
                    kind="period", signed_by__isnull=False, model_version__isnull=False, first_day__isnull=False,
                    last_day__isnull=False,
                ),
                name="report_of_a_period_is_signed",
            ),
            models.CheckConstraint(
                condition=Q(first_day__isnull=True, last_day__isnull=True)
                | Q(first_day__isnull=False, last_day__isnull=False, first_day__lte=F("last_day")),
                name="report_days_in_order",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.registered_model}, report {self.number}"

    def get_absolute_url(self) -> str:
        return reverse("report", args=[self.pk])


class ReportAddendum(models.Model):
    """What has changed since: dated, append-only. ``content`` compares today's truth with the frozen counts."""

    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="addenda", db_index=False)
    number = models.PositiveIntegerField()
    message = models.TextField()
    content = models.JSONField()
    noted_at = models.DateTimeField()

    class Meta:
        ordering = ("report", "number")
        verbose_name_plural = "report addenda"
        constraints = [
            models.UniqueConstraint(fields=["report", "number"], name="reportaddendum_number_unique"),
            models.CheckConstraint(condition=Q(number__gte=1), name="reportaddendum_number_from_1"),
            models.CheckConstraint(condition=~Q(message=""), name="reportaddendum_says_something"),
        ]

    def __str__(self) -> str:
        return f"{self.report}, addendum {self.number}"
