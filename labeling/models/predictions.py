"""What a version said of an inspection, and what was answered to the line."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from labeling.models.inspections import Inspection
from labeling.querysets import DispositionQuerySet, PredictionQuerySet
from models_registry.models import Label, ModelVersion
from models_registry.models.labels import Disposition


class Prediction(models.Model):
    # no indexes of their own: the two below begin with them, and each index costs every part that comes in
    inspection = models.ForeignKey(Inspection, on_delete=models.PROTECT, related_name="predictions", db_index=False)
    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, related_name="predictions", db_index=False
    )
    label = models.ForeignKey(Label, on_delete=models.PROTECT, related_name="predictions")
    confidence = models.FloatField(null=True, blank=True)
    scores = models.JSONField(null=True, blank=True)
    findings = models.JSONField(default=list, blank=True, help_text=_("Per view: label, regions"))
    digest = models.CharField(max_length=64, help_text=_("Hash of what was sent: a resend is told from a conflict"))
    predicted_at = models.DateTimeField()

    objects = PredictionQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["inspection", "model_version"], name="prediction_inspection_version_unique"
            ),
            models.CheckConstraint(
                condition=Q(confidence__isnull=True) | Q(confidence__gte=0, confidence__lte=1),
                name="prediction_confidence_0_to_1",
            ),
        ]
        indexes = [
            # read by the estimates: a version's predictions in a window
            models.Index(fields=["model_version", "predicted_at"], name="prediction_version_time"),
        ]

    def __str__(self) -> str:
        return f"{self.inspection}: {self.label}"


class DispositionRecord(models.Model):
    """What the line was told to do with the part, and what it reports that it did. Append-only.

    ``review``: the first round of the blocking review that it ends. ``done_at``: when the line did what it reports.
    """

    class Origin(models.TextChoices):
        ANSWERED = "answered", _("Answered by us")
        EDGE = "edge", _("Answered by the edge agent while we did not hear")
        REPORTED = "reported", _("Reported by the line")

    inspection = models.ForeignKey(Inspection, on_delete=models.PROTECT, related_name="dispositions")
    prediction = models.ForeignKey(Prediction, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    review = models.ForeignKey(
        "labeling.Review", on_delete=models.PROTECT, null=True, blank=True, related_name="dispositions", db_index=False
    )
    origin = models.CharField(max_length=16, choices=Origin, default=Origin.ANSWERED)
    disposition = models.CharField(max_length=8, choices=Disposition)
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    reported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )

    objects = DispositionQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        verbose_name = "disposition"
        constraints = [
            models.CheckConstraint(condition=Q(disposition__in=["pass", "reject", "hold"]), name="disposition_known"),
            models.CheckConstraint(
                condition=Q(origin__in=["answered", "edge", "reported"]), name="disposition_origin_known"
            ),
            models.UniqueConstraint(
                fields=["prediction"], condition=Q(origin="edge"), name="disposition_of_the_edge_once"
            ),
            models.UniqueConstraint(
                fields=["review"],
                condition=Q(review__isnull=False, revoked_at__isnull=True),  # out loud, or nearly every row is in it
                name="disposition_of_a_review_stands_once",
            ),
            models.UniqueConstraint(
                fields=["inspection", "done_at"], condition=Q(origin="reported"), name="disposition_reported_once"
            ),
            models.CheckConstraint(
                condition=Q(origin="reported", done_at__isnull=False)
                | (~Q(origin="reported") & Q(done_at__isnull=True)),
                name="disposition_done_at_iff_reported",
            ),
        ]
        indexes = [
            # read by what became of a review, and before a review or a person is deleted; empty in nearly every row
            models.Index(fields=["review"], condition=Q(review__isnull=False), name="disposition_of_a_review"),
            # read by what a person reported, and before a person is deleted
            models.Index(fields=["reported_by"], condition=Q(reported_by__isnull=False), name="disposition_reporter"),
        ]

    def __str__(self) -> str:
        return f"{self.inspection}: {self.disposition}"
