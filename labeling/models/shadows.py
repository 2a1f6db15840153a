"""What candidates say of the parts that the line judges: measured, never acted upon."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from labeling.models.inspections import Inspection
from labeling.models.predictions import Prediction
from models_registry.models import Label, ModelVersion


class ShadowPrediction(models.Model):
    """A candidate's word on an inspection beside the champion's ``prediction``.

    A table of its own, so that no estimate, list or disposition can take it for what the line said. Written once;
    ``problem`` says why there is no label.
    """

    # no index of its own: the unique one below begins with it
    inspection = models.ForeignKey(Inspection, on_delete=models.PROTECT, related_name="shadows", db_index=False)
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="shadows", db_index=False)
    prediction = models.ForeignKey(
        Prediction, on_delete=models.PROTECT, related_name="shadows", help_text=_("The champion's")
    )
    label = models.ForeignKey(Label, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    confidence = models.FloatField(null=True, blank=True)
    scores = models.JSONField(null=True, blank=True)
    disagrees = models.BooleanField(help_text=_("Another label than the champion's"))
    problem = models.CharField(max_length=300, blank=True)
    scored_at = models.DateTimeField()

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(fields=["inspection", "model_version"], name="shadow_inspection_version_unique"),
            models.CheckConstraint(
                condition=Q(confidence__isnull=True) | Q(confidence__gte=0, confidence__lte=1),
                name="shadow_confidence_0_to_1",
            ),
            models.CheckConstraint(
                condition=Q(label__isnull=False, scores__isnull=False, problem="")
                | (Q(label__isnull=True, scores__isnull=True, disagrees=False) & ~Q(problem="")),
                name="shadow_label_or_problem",
            ),
        ]
        indexes = [
            # read by the live comparison: what a candidate said, in order
            models.Index(fields=["model_version", "id"], name="shadow_of_version"),
        ]

    def __str__(self) -> str:
        return f"{self.inspection}: {self.label or self.problem}"
