"""Where images come from: site (time zone, shifts), station, source (camera)."""

from __future__ import annotations

import secrets
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from labeling.web_addresses import why_no_web_address
from models_registry.models import ModelVersion, RegisteredModel


def validate_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(_("%(name)s is no time zone, for example Europe/Berlin."), params={"name": name})


def validate_shifts(shifts: object) -> None:
    """A list of {"name": str, "start": "HH:MM"} in the order of the day."""
    try:
        starts = [time.fromisoformat(shift["start"]) for shift in shifts]  # type: ignore[attr-defined]
        names = [str(shift["name"]) for shift in shifts]  # type: ignore[attr-defined]
    except (TypeError, KeyError, ValueError) as error:
        raise ValidationError(_('Shifts are a list like [{"name": "early", "start": "06:00"}].')) from error
    if starts != sorted(set(starts)) or len(names) != len(set(names)):
        raise ValidationError(_("Shifts need different names and rising starts."))


def validate_image_address(address: str) -> None:
    if why := why_no_web_address(address):
        raise ValidationError(_("The address %(why)s."), params={"why": why})
    if not address.endswith("/") or "?" in address or "#" in address:
        raise ValidationError(_("The address ends with a / and has no query."))


def new_image_secret() -> str:
    return secrets.token_hex(32)


class Site(models.Model):
    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    shifts = models.JSONField(default=list, blank=True, validators=[validate_shifts])

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def day_and_shift(self, moment: datetime) -> tuple[date, str]:
        """The production day and shift of a moment. A night shift belongs to the day on which it began."""
        local = moment.astimezone(ZoneInfo(self.time_zone))
        if not self.shifts:
            return local.date(), ""
        begun = [shift for shift in self.shifts if time.fromisoformat(shift["start"]) <= local.time()]
        if begun:
            return local.date(), str(begun[-1]["name"])
        return local.date() - timedelta(days=1), str(self.shifts[-1]["name"])

    def shift_end(self, moment: datetime) -> datetime | None:
        """When the shift of a moment is over: the next start on the site's clock. None: the site has no shifts."""
        zone = ZoneInfo(self.time_zone)
        today = moment.astimezone(zone).date()
        starts = [time.fromisoformat(shift["start"]) for shift in self.shifts]
        ends = [
            datetime.combine(today + timedelta(days=days), start, zone).astimezone(UTC)
            for days in (0, 1, 2)  # an hour that the clock skips may push the last one of tomorrow out
            for start in starts
        ]
        return next((end for end in ends if end > moment), None)


class Station(models.Model):
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="stations")
    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    image_address = models.CharField(
        max_length=200,
        blank=True,
        db_default="",
        validators=[validate_image_address],
        help_text=_("Where browsers fetch images that stay here, for example http://line-3.plant:8088/images/"),
    )
    image_secret = models.CharField(
        max_length=64, default=new_image_secret, help_text=_("Signs those addresses; the station checks with it")
    )

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Source(models.Model):
    """A camera at a station."""

    station = models.ForeignKey(Station, on_delete=models.PROTECT, related_name="sources")
    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Deployment(models.Model):
    """What a line really runs, as seen in what it sends."""

    station = models.ForeignKey(Station, on_delete=models.PROTECT, related_name="deployments")
    registered_model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="deployments")
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="deployments")
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["station", "registered_model", "model_version"], name="deployment_seen_once"
            ),
            models.CheckConstraint(
                condition=Q(last_seen_at__gte=F("first_seen_at")), name="deployment_last_after_first"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_version} at {self.station}"
