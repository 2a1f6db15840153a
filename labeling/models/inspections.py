"""Inspection: one presentation of one part. Item: one view of it."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from labeling.models.places import Source, Station
from labeling.querysets import InspectionQuerySet


class Inspection(models.Model):
    """The unit of every draw, verdict, disposition and estimate."""

    class Purpose(models.TextChoices):
        PRODUCTION = "production", _("Production")
        CHALLENGE = "challenge", _("Challenge part")
        IMPORT = "import", _("Imported")
        DEMO = "demo", _("Demo")

    class Partition(models.TextChoices):
        TRAIN = "train", _("Trains")
        HOLDOUT = "holdout", _("Held out, never trains")

    station = models.ForeignKey(
        Station, on_delete=models.PROTECT, related_name="inspections", db_index=False
    )  # the indexes below begin with it
    inspection_id = models.CharField(max_length=120)
    serial = models.CharField(max_length=120, blank=True)
    attempt = models.PositiveIntegerField(default=1)
    recipe = models.CharField(max_length=120, blank=True)
    lot = models.CharField(max_length=120, blank=True)
    captured_at = models.DateTimeField()
    received_at = models.DateTimeField()
    day = models.DateField(help_text=_("Production day in the site's time zone"))
    shift = models.CharField(max_length=40, blank=True)
    purpose = models.CharField(max_length=16, choices=Purpose, default=Purpose.PRODUCTION)
    metadata = models.JSONField(default=dict, blank=True)
    group_id = models.CharField(max_length=160, help_text=_("What must not be split between training and hold-out"))
    partition = models.CharField(max_length=8, choices=Partition)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = InspectionQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(fields=["station", "inspection_id"], name="inspection_station_id_unique"),
            models.UniqueConstraint(
                fields=["station", "serial", "attempt"], condition=~Q(serial=""), name="inspection_attempt_unique"
            ),
            models.CheckConstraint(condition=~Q(inspection_id=""), name="inspection_id_said"),
            models.CheckConstraint(condition=~Q(group_id=""), name="inspection_group_said"),
            models.CheckConstraint(condition=Q(attempt__gte=1), name="inspection_attempt_from_1"),
            models.CheckConstraint(
                condition=Q(purpose__in=["production", "challenge", "import", "demo"]), name="inspection_purpose_known"
            ),
            models.CheckConstraint(condition=Q(partition__in=["train", "holdout"]), name="inspection_partition_known"),
        ]
        indexes = [
            # read by imports: on which side of the split a group lies already
            models.Index(fields=["group_id"], condition=Q(purpose="import"), name="inspection_imported_group"),
            # read by the list of inspections: a station's newest, in a time range
            models.Index(fields=["station", "received_at"], name="inspection_station_time"),
            # read by lists and containment: what was made of one lot
            models.Index(fields=["lot"], condition=~Q(lot=""), name="inspection_lot"),
        ]

    def __str__(self) -> str:
        return self.serial or self.inspection_id

    @property
    def part(self) -> str:
        """What a person calls the part."""
        return self.serial or self.inspection_id


def public_id() -> uuid.UUID:
    return uuid.uuid4()


class Item(models.Model):
    """One view of an inspection: an image, at the source that took it.

    not_wanted ──drawn later──> wanted ──uploaded──> stored
         └──drawn later, address known──> fetching ──> stored
                                             └──> failed ──uploaded, or fetched again──> stored
    at_station: it stays there, and the browser fetches it there. (ImageFetch holds a fetch's attempts.)
    stored ──older than it has to be kept──> deleted: the row first, then the file (FileToDelete).
    """

    class ImageStatus(models.TextChoices):
        NOT_WANTED = "not_wanted", _("Not wanted")
        WANTED = "wanted", _("Wanted")
        FETCHING = "fetching", _("Being fetched")
        STORED = "stored", _("Stored")
        AT_STATION = "at_station", _("At the station")
        FAILED = "failed", _("Could not be had")
        DELETED = "deleted", _("Deleted after its time")

    # no index of its own: the unique one below begins with it
    inspection = models.ForeignKey(Inspection, on_delete=models.PROTECT, related_name="items", db_index=False)
    public_id = models.UUIDField(default=public_id, unique=True, editable=False)  # addresses say nothing
    view = models.CharField(max_length=40, default="main")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="items")
    image = models.CharField(max_length=200, blank=True, help_text=_("Key in the file store, once it is stored"))
    image_status = models.CharField(
        max_length=12, choices=ImageStatus, default=ImageStatus.NOT_WANTED, db_default=ImageStatus.NOT_WANTED
    )
    image_address = models.CharField(
        max_length=1000,
        blank=True,
        db_default="",
        help_text=_("Where it can be had: https://…, store:KEY, station:PATH"),
    )
    content_type = models.CharField(max_length=40, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    phash = models.CharField(max_length=16, blank=True)
    image_deleted_at = models.DateTimeField(null=True, blank=True)
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("inspection", "pk")
        constraints = [
            models.UniqueConstraint(fields=["inspection", "view"], name="item_inspection_view_unique"),
            models.CheckConstraint(condition=~Q(view=""), name="item_view_said"),
            models.CheckConstraint(
                condition=Q(image="")
                | (
                    Q(sha256__regex=r"^[0-9a-f]{64}$")
                    & Q(width__isnull=False, height__isnull=False, width__gte=1, height__gte=1)
                ),
                name="item_image_is_measured",
            ),
            models.CheckConstraint(
                condition=Q(
                    image_status__in=["not_wanted", "wanted", "fetching", "stored", "at_station", "failed", "deleted"]
                ),
                name="item_image_status_known",
            ),
            models.CheckConstraint(
                condition=Q(image_status="stored") & ~Q(image="") | ~Q(image_status="stored") & Q(image=""),
                name="item_image_there_iff_stored",
            ),
            models.CheckConstraint(
                condition=Q(image_status__in=["not_wanted", "wanted", "stored", "deleted"]) | ~Q(image_address=""),
                name="item_image_to_be_had_has_address",
            ),
            models.CheckConstraint(
                condition=Q(image_status="deleted", image_deleted_at__isnull=False)
                | ~Q(image_status="deleted") & Q(image_deleted_at__isnull=True),
                name="item_image_deleted_at_iff_deleted",
            ),
        ]
        indexes = [
            # read by training (features by image) and by the search for duplicates
            models.Index(fields=["sha256"], condition=~Q(sha256=""), name="item_sha256"),
        ]

    def __str__(self) -> str:
        return f"{self.inspection} · {self.view}"
