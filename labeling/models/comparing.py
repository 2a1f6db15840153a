"""Draws that compare a candidate with the champion: a design of its own, independent of those that measure."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from labeling.models.inspections import Inspection
from labeling.models.sampling import new_secret
from models_registry.models import ModelVersion


class ShadowDesign(models.Model):
    """By which rule parts are drawn to compare one candidate with one champion. Another champion: another design.

    The counts are those of PAST parts, so that no draw depends on itself. They are changed under a lock on the row.
    """

    candidate = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="shadow_designs")
    champion = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="shadow_defences")
    budget = models.FloatField(help_text=_("Share of the parts that people look at to compare"))
    secret = models.CharField(max_length=64, default=new_secret, editable=False)
    n_seen = models.PositiveBigIntegerField(default=0)
    n_disagree = models.PositiveBigIntegerField(default=0)
    sum_doubt = models.FloatField(default=0.0)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["candidate"], condition=Q(ended_at__isnull=True), name="shadowdesign_one_draws_of_a_candidate"
            ),
            models.CheckConstraint(condition=~Q(candidate=F("champion")), name="shadowdesign_two_versions"),
            models.CheckConstraint(condition=Q(budget__gt=0, budget__lte=1), name="shadowdesign_budget_range"),
            models.CheckConstraint(
                condition=Q(n_disagree__lte=F("n_seen"), sum_doubt__gte=0), name="shadowdesign_counts_in_order"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")),
                name="shadowdesign_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.candidate} / {self.champion.short_name}"


class ShadowDraw(models.Model):
    """One part's draw for a comparison: one per part and design, immutable, kept whether drawn or not.

    Not a `Selection`: it comes after the candidate has spoken, seconds after the part, and enters no estimate of the
    champion. What a comparison and a dataset weigh with is the union of both kinds.
    """

    design = models.ForeignKey(ShadowDesign, on_delete=models.PROTECT, related_name="draws", db_index=False)
    inspection = models.ForeignKey(Inspection, on_delete=models.PROTECT, related_name="shadow_draws")
    disagrees = models.BooleanField()
    pi = models.FloatField(help_text=_("Inclusion probability in force when the dice were thrown"))
    u = models.FloatField(help_text=_("The number drawn"))
    thinning = models.FloatField(default=1.0)
    drawn = models.BooleanField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(fields=["design", "inspection"], name="shadowdraw_once_per_design"),
            models.CheckConstraint(condition=Q(pi__gt=0, pi__lte=1), name="shadowdraw_pi_range"),
            models.CheckConstraint(condition=Q(u__gte=0, u__lt=1), name="shadowdraw_u_range"),
            models.CheckConstraint(condition=Q(thinning__gt=0, thinning__lte=1), name="shadowdraw_thinning_range"),
            models.CheckConstraint(
                condition=Q(drawn=True, u__lt=F("pi")) | Q(drawn=False, u__gte=F("pi")), name="shadowdraw_as_thrown"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.inspection}: {self.pi:.3f}"
