"""Evaluations: append-only. A number, its interval, its n, and how it was made."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from models_registry.models.versions import ModelVersion


class Evaluation(models.Model):
    """The accuracy of a version over the inspections that arrived in a window, and how it was estimated."""

    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="evaluations")
    method = models.CharField(max_length=40)
    slice = models.CharField(max_length=120, blank=True)
    window_start = models.DateTimeField()
    window_end = models.DateTimeField()
    n = models.PositiveIntegerField()
    n_found = models.PositiveIntegerField()
    n_arrived = models.PositiveIntegerField()
    value = models.FloatField(null=True, blank=True)
    ci_low = models.FloatField(null=True, blank=True)
    ci_high = models.FloatField(null=True, blank=True)
    lower_bound = models.FloatField(null=True, blank=True, help_text="One-sided, 95 %")
    bound_only = models.BooleanField(default=False, help_text="Too little for an estimate: show the bound")
    provisional = models.BooleanField(default=False, help_text="Some drawn inspections are not settled yet")
    response_rate = models.FloatField(null=True, blank=True)
    n_eff = models.FloatField(null=True, blank=True)
    naive_value = models.FloatField(null=True, blank=True, help_text="Reviewed only: biased, shown as what it is")
    naive_n = models.PositiveIntegerField(default=0)
    label_free = models.FloatField(null=True, blank=True, help_text="By the model's own word, without any review")
    confusion = models.JSONField(default=list, blank=True, help_text="[true, predicted, weighted count, n]")
    designs = models.JSONField(
        default=list, blank=True, help_text="Keys of the sampling designs by which its inspections were drawn"
    )
    inputs_hash = models.CharField(max_length=64)
    evaluated_at = models.DateTimeField()

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.CheckConstraint(
                condition=Q(n=0, value__isnull=True, ci_low__isnull=True, ci_high__isnull=True)
                | Q(n__gt=0, value__isnull=False, ci_low__isnull=False, ci_high__isnull=False),
                name="evaluation_value_iff_n",
            ),
            models.CheckConstraint(
                condition=Q(value__isnull=True)
                | Q(ci_low__gte=0, ci_high__lte=1, value__gte=F("ci_low"), value__lte=F("ci_high")),
                name="evaluation_low_value_high",
            ),
            models.CheckConstraint(condition=Q(n_found__lte=F("n")), name="evaluation_found_at_most_n"),
            models.CheckConstraint(condition=Q(n__lte=F("n_arrived")), name="evaluation_n_at_most_arrived"),
            models.CheckConstraint(
                condition=Q(label_free__isnull=True) | Q(label_free__gte=0, label_free__lte=1),
                name="evaluation_label_free_range",
            ),
            models.CheckConstraint(condition=Q(window_start__lte=F("window_end")), name="evaluation_window_in_order"),
        ]
        indexes = [
            # read by the model page (a version's accuracy over time) and by the fleet (its newest)
            models.Index(fields=["model_version", "slice", "-evaluated_at"], name="evaluation_over_time"),
        ]

    def __str__(self) -> str:
        return f"{self.model_version}: {self.value} (n {self.n})"
