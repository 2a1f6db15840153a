"""What one person said the part is, and what was settled from it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from labeling.models.inspections import Inspection
from labeling.models.reviews import Review
from labeling.querysets import GroundTruthQuerySet, VerdictQuerySet
from models_registry.models import Dataset, Label, RegisteredModel


class Verdict(models.Model):
    """Append-only. A change or an undo is a new row that supersedes the old one, in a chain without branches."""

    class Kind(models.TextChoices):
        LABEL = "label", _("A label")
        UNSURE = "unsure", _("Unsure")
        BAD_IMAGE = "bad_image", _("Bad image")
        WITHDRAWN = "withdrawn", _("Taken back")

    class Phase(models.TextChoices):
        BLIND = "blind", _("Before the prediction was shown")
        SHOWN = "shown", _("With the prediction shown")
        REVEALED = "revealed", _("After the prediction was revealed")

    class Surface(models.TextChoices):
        STATION = "station", _("One by one")
        GRID = "grid", _("In a grid")
        ADJUDICATION = "adjudication", _("Among the open cases")
        API = "api", _("Elsewhere")

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="verdicts")
    # no index of its own: two below begin with it
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="verdicts", db_index=False
    )
    phase = models.CharField(max_length=16, choices=Phase)
    surface = models.CharField(
        max_length=16, choices=Surface, default=Surface.API, db_default=Surface.API, help_text=_("Where it was said")
    )
    kind = models.CharField(max_length=16, choices=Kind)
    label = models.ForeignKey(Label, on_delete=models.PROTECT, null=True, blank=True, related_name="verdicts")
    severity = models.PositiveSmallIntegerField(null=True, blank=True)
    note = models.TextField(blank=True)
    findings = models.JSONField(default=list, blank=True)
    shown = models.JSONField(default=dict, blank=True, help_text=_("What was on screen while it was said"))
    shown_at = models.DateTimeField(help_text=_("When the image was painted"))
    said_at = models.DateTimeField()
    received_at = models.DateTimeField()
    lease_lost = models.BooleanField(default=False, help_text=_("Said after the lease had gone to somebody else"))
    client_id = models.UUIDField(unique=True)
    supersedes = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="superseded_by"
    )

    objects = VerdictQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="label", label__isnull=False) | (~Q(kind="label") & Q(label__isnull=True)),
                name="verdict_label_iff_judged",
            ),
            # with the one-to-one `supersedes` this leaves exactly one current verdict per review, person and phase
            models.UniqueConstraint(
                fields=["review", "reviewer", "phase"],
                condition=Q(supersedes__isnull=True),
                name="verdict_one_chain_per_person_and_phase",
            ),
            models.CheckConstraint(
                condition=Q(supersedes__isnull=True) | ~Q(supersedes=F("pk")), name="verdict_supersedes_another"
            ),
            models.CheckConstraint(
                condition=~Q(kind="withdrawn") | Q(supersedes__isnull=False), name="verdict_withdraws_something"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["label", "unsure", "bad_image", "withdrawn"]), name="verdict_kind_known"
            ),
            models.CheckConstraint(condition=Q(phase__in=["blind", "shown", "revealed"]), name="verdict_phase_known"),
            models.CheckConstraint(
                condition=Q(surface__in=["station", "grid", "adjudication", "api"]), name="verdict_surface_known"
            ),
            # a grid says what was predicted of all of it: nothing in it is judged blind
            models.CheckConstraint(
                condition=~Q(surface="grid") | Q(phase="shown"), name="verdict_grid_shows_the_prediction"
            ),
            models.CheckConstraint(
                condition=Q(severity__isnull=True) | Q(severity__lte=3), name="verdict_severity_0_to_3"
            ),
        ]
        indexes = [
            # read by the station: how many of a person today
            models.Index(fields=["reviewer", "said_at"], name="verdict_of_a_person_by_day"),
            # read by the station: a person's last ten
            models.Index(fields=["reviewer", "-id"], name="verdict_of_a_person"),
        ]

    def __str__(self) -> str:
        return f"{self.review}: {self.label or self.get_kind_display()}"


class GroundTruth(models.Model):
    """The settled label of an inspection for a model. Derived: can be rebuilt from the verdicts."""

    class Outcome(models.TextChoices):
        LABEL = "label", _("A label")
        BAD_IMAGE = "bad_image", _("Not judgeable")

    registered_model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="ground_truths")
    inspection = models.ForeignKey(Inspection, on_delete=models.PROTECT, related_name="ground_truths")
    outcome = models.CharField(max_length=16, choices=Outcome)
    label = models.ForeignKey(Label, on_delete=models.PROTECT, null=True, blank=True, related_name="ground_truths")
    findings = models.JSONField(default=list, blank=True)
    n_verdicts = models.PositiveSmallIntegerField()
    method = models.CharField(max_length=40)
    by_grid = models.BooleanField(
        default=False, db_default=False, help_text=_("All that it rests on was said in a grid: weaker evidence")
    )
    decided_at = models.DateTimeField()
    frozen_in = models.ForeignKey(
        Dataset,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="ground_truths",
        help_text=_("The first dataset that holds it; a change of the label clears this"),
    )

    objects = GroundTruthQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["registered_model", "inspection"], name="groundtruth_model_inspection_unique"
            ),
            models.CheckConstraint(
                condition=Q(outcome="label", label__isnull=False) | Q(outcome="bad_image", label__isnull=True),
                name="groundtruth_label_iff_judgeable",
            ),
            models.CheckConstraint(condition=Q(n_verdicts__gte=1), name="groundtruth_has_verdicts"),
        ]
        indexes = [
            # read by the loop: new labels since the last dataset
            models.Index(fields=["registered_model"], condition=Q(frozen_in__isnull=True), name="groundtruth_new"),
        ]

    def __str__(self) -> str:
        return f"{self.inspection}: {self.label or self.get_outcome_display()}"
