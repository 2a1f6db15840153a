"""Rollups: what reports read instead of predictions, draws and verdicts. Derived, and rebuilt by `rebuild_tallies`."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from labeling.models.places import Source
from labeling.models.predictions import Prediction
from labeling.models.sampling import SamplingDesign
from models_registry.models import Label, ModelVersion

CELL = (
    "model_version", "day", "dimension", "key", "source", "design", "is_certainty", "edge", "floor_pi", "predicted",
    "outcome", "true_label",
)  # fmt: skip
SUMS = ("n_arrived", "n_drawn", "w_drawn", "g", "n", "pi", "w", "w2", "wg", "w2g", "wg2", "w2g2")


class Tally(models.Model):
    """Sums over the inspections of one cell (`models_registry.estimation.cells.Cells` says which and why).

    The database writes these rows itself, by triggers on draws, predictions, ground truths and withdrawals, in the
    transaction of the fact: exactly once, whoever writes the fact. A change is two rows, what was and its opposite.
    Rows are only added, so nobody waits for anybody; `labeling.tallies.fold` adds them up later, one row a cell, and
    whoever reads sums over both kinds.
    """

    class Dimension(models.TextChoices):
        """What a row is a slice of; everything is in the rows of ``ALL``, the others hold what is settled only."""

        ALL = "", _("Everything")
        SHIFT = "shift", _("Shift")
        LOT = "lot", _("Lot")
        RECIPE = "recipe", _("Recipe")
        ATTEMPT = "attempt", _("Attempt")
        SHOWN = "shown", _("Judged before or after the prediction was shown")
        CONFIDENCE = "confidence", _("Confidence")
        FLAG = "flag", _("Image quality")

    class Outcome(models.TextChoices):
        ARRIVED = "arrived", _("Arrived")
        LABEL = "label", _("A label")
        BAD_IMAGE = "bad_image", _("Not judgeable")

    # No database constraints on what is referred to: the facts behind a row have them.
    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    day = models.DateField(help_text=_("Production day"))
    dimension = models.CharField(max_length=12, choices=Dimension, blank=True)
    key = models.CharField(max_length=120, blank=True)
    source = models.ForeignKey(
        Source, on_delete=models.CASCADE, null=True, related_name="+", db_constraint=False, db_index=False
    )
    design = models.ForeignKey(
        SamplingDesign, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    is_certainty = models.BooleanField()
    edge = models.FloatField(help_text=_("Lower edge of the bin of pi over its floor"))
    floor_pi = models.FloatField()
    predicted = models.ForeignKey(
        Label, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    outcome = models.CharField(max_length=12, choices=Outcome)
    true_label = models.ForeignKey(
        Label, on_delete=models.CASCADE, null=True, related_name="+", db_constraint=False, db_index=False
    )
    n_arrived = models.BigIntegerField()
    n_drawn = models.BigIntegerField()
    w_drawn = models.FloatField()
    g = models.FloatField()
    n = models.BigIntegerField()
    pi = models.FloatField()
    w = models.FloatField()
    w2 = models.FloatField()
    wg = models.FloatField()
    w2g = models.FloatField()
    wg2 = models.FloatField()
    w2g2 = models.FloatField()
    is_folded = models.BooleanField(default=False, db_default=False)

    class Meta:
        verbose_name_plural = "tallies"
        constraints = [
            models.UniqueConstraint(
                fields=CELL, condition=Q(is_folded=True), nulls_distinct=False, name="tally_one_folded_row_a_cell"
            ),
            models.CheckConstraint(
                condition=Q(dimension__in=["", "shift", "lot", "recipe", "attempt", "shown", "confidence", "flag"]),
                name="tally_dimension_known",
            ),
            models.CheckConstraint(
                condition=Q(outcome="label", true_label__isnull=False)
                | Q(outcome__in=["arrived", "bad_image"], true_label__isnull=True),
                name="tally_label_iff_settled_with_one",
            ),
            models.CheckConstraint(condition=Q(floor_pi__gt=0, floor_pi__lte=1), name="tally_floor_pi_range"),
        ]
        indexes = [
            # read by every report: a version's cells, or its slices, in a window
            models.Index(fields=["model_version", "dimension", "day"], name="tally_version_window"),
            # read by fold(): what came since the last time
            models.Index(fields=["id"], condition=Q(is_folded=False), name="tally_not_folded"),
        ]

    def __str__(self) -> str:
        return f"{self.model_version}, {self.day}: {self.predicted}"


class Arrival(models.Model):
    """Predictions that one statement brought, in order: what `fold` turns into `PendingDraw` rows. Then it is gone."""

    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    n = models.PositiveIntegerField()
    draws = models.JSONField(null=True, help_text=_("[place from 1, prediction, pi, floor_pi] of each drawn one"))

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.model_version}: {self.n}"


class PendingDraw(models.Model):
    """A queue for the monitors: drawn predictions of a version in the order of arrival (``pk``), until they are fed.

    ``n_before``: how many arrived since the one before without being drawn. A row without a prediction stands for
    such alone: they came after the last drawn one.
    """

    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    prediction = models.OneToOneField(Prediction, on_delete=models.PROTECT, null=True, related_name="+")
    n_before = models.PositiveIntegerField()
    pi = models.FloatField(null=True)
    floor_pi = models.FloatField(null=True)

    class Meta:
        ordering = ("pk",)
        constraints = [
            models.CheckConstraint(
                condition=Q(prediction__isnull=True, pi__isnull=True, floor_pi__isnull=True)
                | Q(prediction__isnull=False, pi__isnull=False, floor_pi__isnull=False)
                & Q(pi__gt=0, pi__lte=1, floor_pi__gt=0, floor_pi__lte=1),
                name="pendingdraw_pi_iff_drawn",
            ),
        ]
        indexes = [
            # read by the monitors: what of a version comes next
            models.Index(fields=["model_version", "id"], name="pendingdraw_of_a_version"),
        ]

    def __str__(self) -> str:
        return f"{self.model_version}: {self.prediction_id or self.n_before}"
