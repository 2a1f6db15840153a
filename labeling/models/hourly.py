"""What decisions about retraining read, and what changes over hours: reckoned anew about once an hour."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from models_registry.models import RegisteredModel


class HourlyFacts(models.Model):
    """Of a model and its champion. Derived; `labeling.hourly` says how. None: not measurable.

    ``drift_windows``: how many of the last windows in a row had drifted, ``drift_of`` what did, in words.
    ``own_word_fall``: of the accuracy by the model's own word since the reference, in shares. ``ece``, ``ece_low``:
    mean distance of said and right, with the lower end of its interval. ``agreement``: Krippendorff's alpha over
    ``n_overlap`` parts that several people judged.
    """

    registered_model = models.OneToOneField(RegisteredModel, on_delete=models.CASCADE, related_name="hourly_facts")
    drift_windows = models.PositiveSmallIntegerField(null=True)
    drift_of = models.TextField(blank=True, default="")
    own_word_fall = models.FloatField(null=True)
    ece = models.FloatField(null=True)
    ece_low = models.FloatField(null=True)
    agreement = models.FloatField(null=True)
    n_overlap = models.PositiveIntegerField(default=0)
    measured_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "hourly facts"
        ordering = ("-pk",)
        constraints = [
            models.CheckConstraint(
                condition=Q(drift_of="") | Q(drift_windows__isnull=False, drift_windows__gte=1),
                name="hourlyfacts_drift_of_something",
            ),
            models.CheckConstraint(
                condition=Q(ece__isnull=True, ece_low__isnull=True)
                | Q(ece__isnull=False, ece_low__isnull=False, ece_low__gte=0, ece__gte=F("ece_low")),
                name="hourlyfacts_ece_and_its_low_end",
            ),
            models.CheckConstraint(
                condition=Q(agreement__isnull=True) | Q(agreement__isnull=False, agreement__lte=1),
                name="hourlyfacts_agreement_at_most_1",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.registered_model}, {self.measured_at:%Y-%m-%d %H:%M}"
