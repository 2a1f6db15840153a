"""Shared screens at a station, how people say there who they are, and who changed places with whom."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from labeling.models.places import Station

HEX = r"^[0-9a-f]{64}$"


class StationDevice(models.Model):
    """A screen that stands at a station. Its secret lies in a cookie of that browser, here only the hash of it.

    People change by badge or PIN on living devices alone. ``n_failed`` counts tries since the last right one.
    """

    station = models.ForeignKey(Station, on_delete=models.PROTECT, related_name="devices")
    name = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, unique=True)
    registered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    registered_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    n_failed = models.PositiveIntegerField(default=0)
    locked_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("station", "name")
        constraints = [
            models.CheckConstraint(condition=Q(digest__regex=HEX), name="stationdevice_digest_hex"),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True) | Q(revoked_at__gte=F("registered_at")),
                name="stationdevice_revoked_after_registered",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} at {self.station}"


class Badge(models.Model):
    """What a reader types. A badge number is short, so the hash of it is keyed with the server's secret."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="badges")
    name = models.CharField(max_length=80, blank=True, help_text=_("To tell badges apart, for example: blue card"))
    digest = models.CharField(max_length=64)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.CheckConstraint(condition=Q(digest__regex=HEX), name="badge_digest_hex"),
            # also the index by which a badge is found
            models.UniqueConstraint(
                fields=["digest"], condition=Q(revoked_at__isnull=True), name="badge_of_one_person_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True) | Q(revoked_at__gte=F("created_at")),
                name="badge_revoked_after_created",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.name or _('badge')}"


class Pin(models.Model):
    """Four to eight digits, hashed as passwords are. Good for nothing but a change at a living device."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="pin")
    hash = models.CharField(max_length=200)
    changed_at = models.DateTimeField()
    n_failed = models.PositiveIntegerField(default=0)
    locked_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "PIN"
        constraints = [
            models.CheckConstraint(condition=Q(hash__contains="$"), name="pin_is_hashed"),
        ]

    def __str__(self) -> str:
        return f"PIN of {self.user}"


class Switch(models.Model):
    """One change of people at a device. Append-only."""

    class Method(models.TextChoices):
        BADGE = "badge", _("Badge")
        PIN = "pin", _("PIN")

    device = models.ForeignKey(StationDevice, on_delete=models.PROTECT, related_name="switches")
    station = models.ForeignKey(Station, on_delete=models.PROTECT, related_name="switches")
    left = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    came = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="switches")
    method = models.CharField(max_length=8, choices=Method)
    switched_at = models.DateTimeField()

    class Meta:
        ordering = ("-pk",)
        verbose_name_plural = "switches"
        constraints = [
            models.CheckConstraint(condition=Q(method__in=["badge", "pin"]), name="switch_method_known"),
        ]

    def __str__(self) -> str:
        return f"{self.came} at {self.station}"
