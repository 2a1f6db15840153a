"""Audits: a file of predictions of which a simple random sample is judged once."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from labeling.models.places import Station
from labeling.models.sampling import SamplingDesign
from models_registry.models import ModelVersion, RegisteredModel, Report


class Audit(models.Model):
    """open ──every drawn part is judged, or a person closes it──> reported (``report`` is set, once)

    The file is its population. ``fingerprint`` is a hash of its rows: the same file is the same audit.
    """

    registered_model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="audits")
    model_version = models.ForeignKey(
        ModelVersion,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="audits",
        help_text=_("Empty: labels before a model"),
    )
    station = models.OneToOneField(Station, on_delete=models.PROTECT, related_name="audit")
    design = models.OneToOneField(SamplingDesign, on_delete=models.PROTECT, related_name="audit")
    file_name = models.CharField(max_length=300)
    fingerprint = models.CharField(max_length=64)
    n_population = models.PositiveIntegerField(_("parts in the file"))
    n_drawn = models.PositiveIntegerField(_("parts to judge"))
    seed = models.BigIntegerField(null=True, blank=True, help_text=_("Empty: drawn with a secret of its own"))
    created_at = models.DateTimeField()
    report = models.OneToOneField(Report, on_delete=models.PROTECT, null=True, blank=True, related_name="audit")

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(fields=["registered_model", "fingerprint"], name="audit_file_once"),
            models.CheckConstraint(
                condition=Q(n_drawn__gte=1, n_drawn__lte=F("n_population")), name="audit_drawn_within_population"
            ),
            models.CheckConstraint(condition=Q(fingerprint__regex=r"^[0-9a-f]{64}$"), name="audit_fingerprint_is_one"),
        ]

    def __str__(self) -> str:
        return f"{self.file_name}: {self.n_drawn} of {self.n_population}"
