"""The work of getting an image: a row before it is a request."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from labeling.models.inspections import Item


class FileToDelete(models.Model):
    """A file whose image's row says already that it is gone: written with it, and removed when the file is."""

    key = models.CharField(max_length=200, primary_key=True, help_text=_("In the file store"))
    sha256 = models.CharField(max_length=64, help_text=_("Of the image; one that another part shows stays"))
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "files to delete"
        ordering = ("created_at", "key")

    def __str__(self) -> str:
        return self.key


class ImageFetch(models.Model):
    """waiting ──claimed──> running ──> done
    ^                   │ └──cannot be had──> failed ──asked for again──> waiting
    └──try again later──┘  (a claim that expired is found by the sweeper)
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    item = models.OneToOneField(Item, on_delete=models.CASCADE, related_name="fetch")
    status = models.CharField(max_length=8, choices=Status, default=Status.WAITING, db_default=Status.WAITING)
    n_attempts = models.PositiveSmallIntegerField(_("attempts"), default=0, db_default=0)
    next_attempt_at = models.DateTimeField(help_text=_("While running: when the claim expires"))
    code = models.CharField(max_length=40, blank=True, db_default="")
    reason = models.TextField(blank=True, db_default="", help_text=_("Why the last attempt failed"))
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "image fetches"
        ordering = ("-pk",)
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["waiting", "running", "done", "failed"]), name="imagefetch_status_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["done", "failed"], finished_at__isnull=False)
                | (~Q(status__in=["done", "failed"]) & Q(finished_at__isnull=True)),
                name="imagefetch_finished_at_iff_over",
            ),
        ]
        indexes = [
            # read by claim_fetches(): what is due, and claims that expired
            models.Index(
                fields=["next_attempt_at"], condition=Q(status__in=["waiting", "running"]), name="imagefetch_due"
            ),
        ]

    def __str__(self) -> str:
        return f"Image of {self.item}"
