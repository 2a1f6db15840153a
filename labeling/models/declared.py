"""A sample that this system did not draw, and the person who stands for it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from labeling.models.inspections import Inspection
from labeling.models.places import Station
from models_registry.models import RegisteredModel


class DeclaredSample(models.Model):
    """Imported labels that a named person declares to be a simple random sample of a population on a day.

    What is measured on it is shown as *declared*, with the name, and never joined with what was drawn. Which parts
    belong to it is fixed when it is declared. A mistake is withdrawn, not deleted.
    """

    registered_model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="declared_samples")
    station = models.ForeignKey(
        Station,
        on_delete=models.PROTECT,
        related_name="declared_samples",
        help_text=_("Where the labels were imported"),
    )
    lot = models.CharField(max_length=120, blank=True, help_text=_("Empty: all that was imported there"))
    population = models.PositiveIntegerField(help_text=_("How many parts the sample was drawn from"))
    n_sampled = models.PositiveIntegerField(_("parts in the sample"), editable=False)
    as_of = models.DateField(help_text=_("The day for which it speaks"))
    note = models.TextField(help_text=_("How the sample was drawn"))
    declared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, editable=False, related_name="declared_samples"
    )
    declared_at = models.DateTimeField(editable=False)
    withdrawn_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.CheckConstraint(
                condition=Q(n_sampled__gte=1, n_sampled__lte=F("population")), name="declaredsample_within_population"
            ),
            models.CheckConstraint(condition=~Q(note=""), name="declaredsample_note_said"),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True) | Q(withdrawn_at__gte=F("declared_at")),
                name="declaredsample_withdrawn_after",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.n_sampled} of {self.population}, {self.as_of}"

    @property
    def slice(self) -> str:
        """Under which its evaluations are kept: apart from what was drawn, which has none."""
        return f"declared/{self.pk}"


class DeclaredPart(models.Model):
    sample = models.ForeignKey(DeclaredSample, on_delete=models.CASCADE, related_name="parts")
    inspection = models.ForeignKey(Inspection, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(fields=["sample", "inspection"], name="declaredpart_once"),
        ]

    def __str__(self) -> str:
        return f"{self.inspection} in {self.sample}"
