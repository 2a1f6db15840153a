"""Truth that arrives from elsewhere, later: an end-of-line test, a complaint, a rework. It trains, never measures."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from labeling.models.inspections import Inspection
from labeling.models.places import Station
from labeling.querysets import OutcomeQuerySet
from models_registry.models import Dataset, Label, RegisteredModel

NAMED = ("registered_model", "station", "named_id", "serial", "attempt")  # which part, for which model


class Outcome(models.Model):
    """Append-only. The newest by ``observed_at`` speaks for its inspection; nothing is overwritten.

    ``inspection`` is empty until the part it names has arrived: the beat joins the two then, once and for good.
    """

    class Origin(models.TextChoices):
        END_OF_LINE = "end_of_line", _("End-of-line test")
        COMPLAINT = "complaint", _("Customer complaint")
        REWORK = "rework", _("Rework")
        OTHER = "other", _("Other")

    registered_model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="outcomes")
    station = models.ForeignKey(Station, on_delete=models.PROTECT, related_name="outcomes")
    named_id = models.CharField(max_length=120, blank=True, help_text=_("The inspection_id that was named"))
    serial = models.CharField(max_length=120, blank=True)
    attempt = models.PositiveIntegerField(default=0, help_text=_("0: the latest before it was observed"))
    label = models.ForeignKey(Label, on_delete=models.PROTECT, related_name="outcomes")
    origin = models.CharField(max_length=16, choices=Origin)
    reference = models.CharField(max_length=120, blank=True, help_text=_("Number of the complaint or test"))
    note = models.TextField(blank=True)
    observed_at = models.DateTimeField()
    received_at = models.DateTimeField()
    submitted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    inspection = models.ForeignKey(Inspection, on_delete=models.PROTECT, null=True, blank=True, related_name="outcomes")
    frozen_in = models.ForeignKey(
        Dataset,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="outcomes",
        help_text=_("The first dataset that holds it"),
    )

    objects = OutcomeQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(
                fields=[*NAMED, "origin", "reference", "observed_at"],
                name="outcome_natural_key_unique",
            ),
            models.CheckConstraint(
                condition=Q(serial="", attempt=0) & ~Q(named_id="") | Q(named_id="") & ~Q(serial=""),
                name="outcome_names_one_part",
            ),
            models.CheckConstraint(
                condition=Q(origin__in=["end_of_line", "complaint", "rework", "other"]), name="outcome_origin_known"
            ),
            models.CheckConstraint(
                condition=Q(frozen_in__isnull=True) | Q(inspection__isnull=False), name="outcome_frozen_when_joined"
            ),
        ]
        indexes = [
            # read by join_outcomes(): what has not met its part yet
            models.Index(fields=["received_at"], condition=Q(inspection__isnull=True), name="outcome_unmatched"),
            # read by the loop (the newest of an inspection) and by the incident list
            models.Index(fields=["registered_model", "inspection", "-observed_at"], name="outcome_of_a_part"),
        ]

    def __str__(self) -> str:
        return f"{self.serial or self.named_id}: {self.label} ({self.get_origin_display()})"
