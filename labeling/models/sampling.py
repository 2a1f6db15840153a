"""Who gets looked at, and with what probability. Recorded once, never recomputed."""

from __future__ import annotations

import secrets

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from labeling.models.inspections import Inspection
from labeling.routing import CODE_VERSION
from models_registry.models import ModelVersion, RegisteredModel


def new_secret() -> str:
    return secrets.token_hex(32)


class SamplingDesign(models.Model):
    """A versioned rule of the draw. To change it, make a new one: old selections keep theirs.

    One main design of a model draws of every inspection. A campaign draws beside it, independently and with one chance
    for all, of the inspections that its rules let it concern, until a date or a number of draws: a part drawn by
    either is reviewed once, and its chance of that was that of the union.
    """

    class Kind(models.TextChoices):
        MAIN = "main", _("Main")
        CAMPAIGN = "campaign", _("Campaign")

    registered_model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="designs")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.MAIN, db_default=Kind.MAIN)
    name = models.CharField(
        max_length=80, blank=True, default="", db_default="", help_text=_("Of a campaign: what it is for")
    )
    budget = models.FloatField(default=0.05, help_text=_("Share of the sampled inspections that people look at"))
    audit_share = models.FloatField(default=0.8, help_text=_("Share of the budget drawn whatever the model says"))
    budget_feedback = models.BooleanField(
        default=False,
        db_default=False,
        help_text=_("Draw less while more were drawn than the budget: a steadier number, of which 2 to 3 % are lost"),
    )
    until = models.DateTimeField(null=True, blank=True, help_text=_("When a campaign ends"))
    max_draws = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text=_("After how many draws a campaign ends")
    )
    rules = models.JSONField(
        default=dict,
        blank=True,
        help_text=_(
            '{"certainty_labels": [], "certainty_below": null, "blocking_labels": [], "certainty_sources": [], '
            '"certainty_where": [{"recipe": "", "lot_prefix": "", "metadata": {}, "reason": ""}]}; of a campaign '
            '{"only": {"labels": [], "sources": [], "confidence_from": null, "confidence_to": null}}'
        ),
    )
    secret = models.CharField(max_length=64, default=new_secret, editable=False)
    code_version = models.CharField(max_length=40, default=CODE_VERSION, editable=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("registered_model", "-number")
        constraints = [
            models.UniqueConstraint(fields=["registered_model", "number"], name="samplingdesign_number_unique"),
            models.UniqueConstraint(
                fields=["registered_model"],
                condition=Q(is_active=True, kind="main"),
                name="samplingdesign_one_active",
            ),
            models.UniqueConstraint(
                fields=["registered_model", "name"],
                condition=Q(is_active=True, kind="campaign"),
                name="samplingdesign_one_active_of_a_name",
            ),
            models.CheckConstraint(condition=Q(budget__gt=0, budget__lte=1), name="samplingdesign_budget_range"),
            models.CheckConstraint(
                condition=Q(audit_share__gte=0.5, audit_share__lte=1), name="samplingdesign_audit_share_range"
            ),
            models.CheckConstraint(condition=Q(kind__in=["main", "campaign"]), name="samplingdesign_kind_known"),
            models.CheckConstraint(
                condition=Q(kind="main", name="", until__isnull=True, max_draws__isnull=True)
                | Q(kind="campaign") & ~Q(name="") & (Q(until__isnull=False) | Q(max_draws__isnull=False)),
                name="samplingdesign_campaign_has_name_and_end",
            ),
            models.CheckConstraint(
                condition=Q(kind="main") | Q(audit_share=1, budget_feedback=False),
                name="samplingdesign_campaign_has_one_chance",
            ),
            models.CheckConstraint(
                condition=Q(max_draws__isnull=True) | Q(max_draws__gte=1), name="samplingdesign_max_draws_from_1"
            ),
            models.CheckConstraint(
                condition=Q(code_version__in=["routing-1", "routing-2", "finite-1"]),
                name="samplingdesign_code_version_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.registered_model}, {self.name or _('design')} {self.number}"


class DesignState(models.Model):
    """What was counted of the PAST draws of a design: what its budget has left, and whether reviews pile up.

    Refreshed by the loop, never by the inspection that is being drawn, so the draw stays predictable. Counted from the
    draw `counted_to` on; nothing before the first count is ever scanned.
    """

    design = models.OneToOneField(SamplingDesign, on_delete=models.CASCADE, related_name="state")
    n_sampled = models.PositiveBigIntegerField(default=0)
    n_drawn = models.PositiveBigIntegerField(default=0)
    counted_to = models.BigIntegerField(default=0, help_text=_("The last draw that was counted"))
    thinning = models.FloatField(default=1.0, help_text=_("What is left of each chance while too many reviews wait"))
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(n_drawn__lte=models.F("n_sampled")), name="designstate_drawn_at_most"),
            models.CheckConstraint(condition=Q(thinning__in=[1, 0.5, 0.25, 0.125]), name="designstate_thinning_known"),
        ]

    def __str__(self) -> str:
        return f"{self.design}: {self.n_drawn} of {self.n_sampled}"


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
    """The draw: one per inspection and design, immutable, whatever the number of versions.

    Every inspection has one of the main design, and it is the first; those of campaigns follow. What people look at is
    the union of them: weights are 1/pi of all that there are (`labeling.routing.union_probability`).
    """

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
    thinning = models.FloatField(
        default=1.0, db_default=1.0, help_text=_("What was left of the chance while too many reviews waited; in pi")
    )
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
                condition=Q(stratum="certainty", thinning=1) | Q(stratum="sampled", thinning__gt=0, thinning__lte=1),
                name="selection_thinning_range",
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
