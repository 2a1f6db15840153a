"""What a person's shift leaves behind: pauses, notes for the next shift, and who agreed to figures about somebody."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from labeling.models.places import Station


class Pause(models.Model):
    """A person is away. Begun, it gave back what the person held; open until ``ended_at`` is written."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="pauses")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(ended_at__isnull=True), name="pause_one_open_per_person"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")), name="pause_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"Pause of {self.user}"


class HandoverNote(models.Model):
    """A word to the next shift at a station; shown there until that shift ends. Append-only."""

    station = models.ForeignKey(Station, on_delete=models.PROTECT, related_name="handover_notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="handover_notes")
    text = models.TextField(max_length=2000)
    day = models.DateField()
    shift = models.CharField(max_length=40, blank=True)
    written_at = models.DateTimeField()
    shown_until = models.DateTimeField()

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="handovernote_says_something"),
            models.CheckConstraint(
                condition=Q(shown_until__gt=F("written_at")), name="handovernote_shown_after_written"
            ),
        ]
        indexes = [
            # read by the station's page: what still stands there
            models.Index(fields=["station", "shown_until"], name="handovernote_standing"),
        ]

    def __str__(self) -> str:
        return f"{self.author} at {self.station}"


class PersonFigures(models.Model):
    """asked for ──another person approves──> on ──ended──> off
    Without a row that is on, nobody sees figures about a person.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="figures_about")
    purpose = models.CharField(max_length=400, help_text=_("What the figures are for; the person reads it"))
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    approver = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        verbose_name = "figures about a person"
        verbose_name_plural = "figures about people"
        constraints = [
            models.CheckConstraint(
                condition=Q(approver__isnull=True, approved_at__isnull=True)
                | Q(approver__isnull=False, approved_at__isnull=False),
                name="personfigures_approved_by_somebody_at_some_time",
            ),
            models.CheckConstraint(
                condition=Q(approver__isnull=True) | ~Q(approver=F("user")) & ~Q(approver=F("asked_by")),
                name="personfigures_four_eyes",
            ),
            models.CheckConstraint(condition=~Q(purpose=""), name="personfigures_have_a_purpose"),
            models.UniqueConstraint(
                fields=["user"], condition=Q(ended_at__isnull=True), name="personfigures_one_open_per_person"
            ),
        ]

    def __str__(self) -> str:
        return f"Figures about {self.user}"
