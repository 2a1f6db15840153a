"""What a request with an `Idempotency-Key` was answered the first time."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class IngestBatch(models.Model):
    """running ──answered──> finished; a running one whose process died may be taken over.

    A convenience for clients: what makes a resend harmless are the natural keys of what it brings.
    """

    submitted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="ingest_batches")
    key = models.CharField(max_length=200)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    body_sha256 = models.CharField(_("hash of the body"), max_length=64, blank=True)
    http_status = models.PositiveSmallIntegerField(_("status answered"), null=True, blank=True)
    answer = models.BinaryField(null=True, blank=True)  # JSON, gzip

    class Meta:
        ordering = ("-pk",)
        verbose_name_plural = "ingest batches"
        constraints = [
            models.UniqueConstraint(fields=["submitted_by", "key"], name="ingestbatch_key_unique"),
            models.CheckConstraint(condition=~Q(key=""), name="ingestbatch_key_said"),
            models.CheckConstraint(
                condition=Q(
                    finished_at__isnull=False,
                    http_status__isnull=False,
                    answer__isnull=False,
                    body_sha256__regex=r"^[0-9a-f]{64}$",
                )
                | Q(finished_at__isnull=True, http_status__isnull=True, answer__isnull=True, body_sha256=""),
                name="ingestbatch_finished_has_an_answer",
            ),
        ]
        indexes = [
            # read by forget_batches(): answers that are too old to be asked for again
            models.Index(fields=["started_at"], name="ingestbatch_started"),
        ]

    def __str__(self) -> str:
        return self.key
