"""Who gets looked at, and with what probability. Recorded once, never recomputed."""

from __future__ import annotations

import secrets

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from labeling.models.inspections import Inspection
from models_registry.models import ModelVersion, RegisteredModel


def new_secret() -> str:
    return secrets.token_hex(32)


class SamplingDesign(models.Model):
    """A versioned rule of the draw. To change it, make a new one: old selections keep theirs."""

    registered_model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="designs")
    number = models.PositiveIntegerField()
    budget = models.FloatField(default=0.05, help_text=_("Share of the sampled inspections that people look at"))
    audit_share = models.FloatField(default=0.8, help_text=_("Share of the budget drawn whatever the model says"))
    rules = models.JSONField(
        default=dict,
        blank=True,
        help_text=_('{"certainty_labels": [], "certainty_below": null, "blocking_labels": []}'),
    )
    secret = models.CharField(max_length=64, default=new_secret, editable=False)
    code_version = models.CharField(max_length=40, default="routing-1", editable=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("registered_model", "-number")
        constraints = [
            models.UniqueConstraint(fields=["registered_model", "number"], name="samplingdesign_number_unique"),
            models.UniqueConstraint(
                fields=["registered_model"], condition=Q(is_active=True), name="samplingdesign_one_active"
            ),
            models.CheckConstraint(condition=Q(budget__gt=0, budget__lte=1), name="samplingdesign_budget_range"),
            models.CheckConstraint(
                condition=Q(audit_share__gte=0.5, audit_share__lte=1), name="samplingdesign_audit_share_range"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.registered_model}, design {self.number}"


class RoutingState(models.Model):
    """The mean uncertainty of PAST inspections of a version: what the draw divides by (STATISTICS §1.1).

    Refreshed by the loop, never by the inspection that is being drawn, so the draw stays predictable.
    """

    model_version = models.OneToOneField(ModelVersion, on_delete=models.CASCADE, related_name="routing_state")
    mean_uncertainty = models.FloatField()
    n = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(mean_uncertainty__gt=0, mean_uncertainty__lte=0.5), name="routingstate_mean_range"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_version}: {self.mean_uncertainty:.3f}"


class Selection(models.Model):
    """The draw: one per inspection and design, immutable, whatever the number of versions."""

    class Stratum(models.TextChoices):
        CERTAINTY = "certainty", _("Always checked")
        SAMPLED = "sampled", _("Drawn by chance")

    # no indexes of their own: the two below begin with them, and each index costs every part that comes in
    inspection = models.ForeignKey(Inspection, on_delete=models.PROTECT, related_name="selections", db_index=False)
    registered_model = models.ForeignKey(
        RegisteredModel, on_delete=models.PROTECT, related_name="selections", db_index=False
    )
    design = models.ForeignKey(SamplingDesign, on_delete=models.PROTECT, related_name="selections")
    stratum = models.CharField(max_length=16, choices=Stratum)
    pi = models.FloatField(help_text=_("Inclusion probability in force when the dice were thrown"))
    floor_pi = models.FloatField(help_text=_("The smallest pi of the design then"))
    u = models.FloatField(help_text=_("The number drawn"))
    uncertainty = models.FloatField()
    error_guess = models.FloatField(help_text=_("The model's own probability of error"))
    drawn = models.BooleanField()
    reason = models.CharField(max_length=200)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["inspection", "registered_model", "design"], name="selection_one_draw_per_design"
            ),
            models.CheckConstraint(condition=Q(pi__gt=0, pi__lte=1), name="selection_pi_range"),
            models.CheckConstraint(condition=Q(floor_pi__gt=0, floor_pi__lte=1), name="selection_floor_pi_range"),
            models.CheckConstraint(condition=Q(u__gte=0, u__lt=1), name="selection_u_range"),
            models.CheckConstraint(
                condition=Q(stratum="certainty", pi=1) | Q(stratum="sampled"), name="selection_certainty_means_1"
            ),
            models.CheckConstraint(
                condition=Q(drawn=True, u__lt=models.F("pi")) | Q(drawn=False, u__gte=models.F("pi")),
                name="selection_drawn_iff_u_below_pi",
            ),
        ]
        indexes = [
            # read by the estimates: every draw of a model in a window, drawn or not
            models.Index(fields=["registered_model", "created_at"], name="selection_model_time"),
        ]

    def __str__(self) -> str:
        return f"{self.inspection}: {self.pi:.3f}"
