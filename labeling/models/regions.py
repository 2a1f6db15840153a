"""What detectors are measured by: per prediction and class, which regions were found. And heat maps of predictions."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from labeling.models.places import Source
from labeling.models.predictions import Prediction
from models_registry.models import ModelVersion


class RegionMatch(models.Model):
    """Derived: written anew, in the transaction of the fact, when the truth of a drawn part is settled or changes.

    ``label`` is a class by its slug; the row with an empty one is there for every prediction whose regions are settled
    and holds all classes together. The chance of the draw stands beside it, as in `Tally`, so that a report reads this
    table alone.
    """

    # no index of its own: the unique one below begins with it
    prediction = models.ForeignKey(Prediction, on_delete=models.CASCADE, related_name="region_matches", db_index=False)
    model_version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="+", db_index=False)
    source = models.ForeignKey(Source, on_delete=models.CASCADE, null=True, related_name="+", db_index=False)
    day = models.DateField(help_text=_("Production day"))
    label = models.CharField(max_length=120, blank=True)
    is_certainty = models.BooleanField()
    edge = models.FloatField(help_text=_("Lower edge of the bin of pi over its floor"))
    floor_pi = models.FloatField()
    pi = models.FloatField()
    n_matched = models.PositiveIntegerField()
    n_missed = models.PositiveIntegerField()
    n_false = models.PositiveIntegerField()

    class Meta:
        verbose_name_plural = "region matches"
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(fields=["prediction", "label"], name="regionmatch_prediction_label_unique"),
            models.CheckConstraint(
                condition=Q(floor_pi__gt=0, floor_pi__lte=1, pi__gt=0, pi__lte=1), name="regionmatch_pi_range"
            ),
        ]
        indexes = [
            # read by the model's page and the API: a version's regions in a window
            models.Index(fields=["model_version", "day"], name="regionmatch_version_window"),
        ]

    def __str__(self) -> str:
        return f"{self.prediction}: {self.label or _('all classes')}"
