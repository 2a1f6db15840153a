"""A candidate on a part of the line: some stations or some lots, each lot whole."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from labeling.models.places import Station
from labeling.models.sampling import new_secret
from models_registry.models import ModelVersion, RegisteredModel


class Canary(models.Model):
    """running ──stop──> stopped
         ├──the candidate is promoted──> promoted     ├──refused──> refused
         └──another version becomes champion──> overtaken

    Answers for the parts that it takes come from the candidate: those of ``stations`` (none: of all), and of them the
    ``lot_share`` of the lots (empty: every part). Which version a lot has is decided when its first part is asked
    about, and written down (`CanaryLot`).
    """

    class Outcome(models.TextChoices):
        STOPPED = "stopped", _("Stopped")
        PROMOTED = "promoted", _("Its candidate became champion")
        REFUSED = "refused", _("Its candidate was refused")
        OVERTAKEN = "overtaken", _("Another version became champion")

    registered_model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="canaries")
    candidate = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="canaries")
    champion = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+")
    stations = models.ManyToManyField(Station, blank=True, related_name="canaries")
    lot_share = models.FloatField(null=True, blank=True, help_text=_("Share of the lots; empty: every part"))
    secret = models.CharField(max_length=64, default=new_secret, editable=False)
    reason = models.TextField()
    change_number = models.CharField(max_length=60, blank=True)
    started_at = models.DateTimeField()
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    outcome = models.CharField(max_length=12, choices=Outcome, blank=True)
    end_reason = models.TextField(blank=True)

    class Meta:
        ordering = ("-pk",)
        verbose_name_plural = "canaries"
        constraints = [
            models.UniqueConstraint(
                fields=["registered_model"], condition=Q(ended_at__isnull=True), name="canary_one_runs"
            ),
            models.CheckConstraint(condition=~Q(candidate=F("champion")), name="canary_two_versions"),
            models.CheckConstraint(
                condition=Q(lot_share__isnull=True) | Q(lot_share__gt=0, lot_share__lte=1), name="canary_share_range"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="canary_reason_said"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, outcome="")
                | Q(
                    ended_at__isnull=False,
                    ended_at__gte=F("started_at"),
                    outcome__in=["stopped", "promoted", "refused", "overtaken"],
                ),
                name="canary_outcome_iff_ended",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.candidate} / {self.champion.short_name}"


class CanaryLot(models.Model):
    """Which version has a lot: decided with its first part, true to its last, whatever becomes of the canary."""

    canary = models.ForeignKey(Canary, on_delete=models.PROTECT, related_name="lots", db_index=False)
    lot = models.CharField(max_length=120)
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(fields=["canary", "lot"], name="canarylot_decided_once"),
            models.CheckConstraint(condition=~Q(lot=""), name="canarylot_named"),
        ]
        indexes = [
            # read by every part of a lot that `predict` answers for
            models.Index(fields=["lot"], name="canarylot_lot"),
        ]

    def __str__(self) -> str:
        return f"{self.lot}: {self.version}"
