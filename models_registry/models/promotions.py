"""Comparisons and promotions: the evidence and the decision, both append-only."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from models_registry.models.datasets import Dataset
from models_registry.models.runs import TrainingRun
from models_registry.models.versions import ModelVersion, RegisteredModel


class Comparison(models.Model):
    """Candidate against champion on the same inspections, in named counts.

    On the hold-out of a dataset, or live: on parts of the line that both judged in a window of time, the candidate in
    the shadow. Each look at a live comparison has an interval of its own, wider than 95 % (`confidence`), so that all
    looks together keep what one would have kept.
    """

    class Kind(models.TextChoices):
        HOLDOUT = "holdout", _("On the hold-out")
        LIVE = "live", _("On the line, in the shadow")

    kind = models.CharField(max_length=8, choices=Kind, default=Kind.HOLDOUT, db_default=Kind.HOLDOUT)
    training_run = models.OneToOneField(
        TrainingRun, on_delete=models.PROTECT, null=True, blank=True, related_name="comparison"
    )
    candidate = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="comparisons")
    champion = models.ForeignKey(
        ModelVersion,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="defences",
        help_text=_("None: there was none yet"),
    )
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, null=True, blank=True, related_name="comparisons")
    window_start = models.DateTimeField(null=True, blank=True)
    window_end = models.DateTimeField(null=True, blank=True)
    look = models.PositiveSmallIntegerField(default=1, db_default=1, help_text=_("Which look at a live comparison"))
    confidence = models.FloatField(default=0.95, db_default=0.95, help_text=_("Of the intervals"))
    method = models.CharField(max_length=40)
    n = models.PositiveIntegerField()
    n_fixed = models.PositiveIntegerField(help_text=_("Champion wrong, candidate right"))
    n_broken = models.PositiveIntegerField(help_text=_("Champion right, candidate wrong"))
    n_both_wrong = models.PositiveIntegerField()
    n_both_right = models.PositiveIntegerField()
    gain = models.FloatField(null=True, blank=True)
    ci_low = models.FloatField(null=True, blank=True)
    ci_high = models.FloatField(null=True, blank=True)
    candidate_accuracy = models.FloatField(null=True, blank=True)
    champion_accuracy = models.FloatField(null=True, blank=True)
    classes = models.JSONField(default=list, blank=True)
    sources = models.JSONField(default=list, blank=True, help_text=_("The same for each camera"))
    calibration = models.JSONField(null=True, blank=True, help_text=_("How much worse the candidate's confidence is"))
    guards = models.JSONField(default=list, blank=True)
    examples = models.JSONField(default=list, blank=True, help_text=_("Broken and fixed inspections to look at"))
    pairs = models.CharField(
        max_length=200, blank=True, db_default="",
        help_text=_("Key in the file store: what both said of each inspection"),
    )  # fmt: skip
    verdict = models.CharField(max_length=8, help_text=_("promote, wait or refuse"))
    reason = models.TextField()
    compared_at = models.DateTimeField()

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.CheckConstraint(
                condition=Q(champion__isnull=True) | ~Q(candidate=F("champion")), name="comparison_two_versions"
            ),
            models.CheckConstraint(
                condition=Q(n=F("n_fixed") + F("n_broken") + F("n_both_wrong") + F("n_both_right")),
                name="comparison_counts_add_up",
            ),
            models.CheckConstraint(
                condition=Q(gain__isnull=True, ci_low__isnull=True, ci_high__isnull=True)
                | Q(
                    gain__isnull=False,
                    ci_low__isnull=False,
                    ci_high__isnull=False,
                    ci_low__lte=F("gain"),
                    ci_high__gte=F("gain"),
                ),
                name="comparison_interval_around_gain",
            ),
            models.CheckConstraint(
                condition=Q(verdict__in=["promote", "wait", "refuse"]), name="comparison_verdict_known"
            ),
            models.CheckConstraint(
                condition=Q(kind="holdout", dataset__isnull=False, window_start__isnull=True, window_end__isnull=True)
                | Q(
                    kind="live",
                    dataset__isnull=True,
                    champion__isnull=False,
                    window_start__isnull=False,
                    window_end__isnull=False,
                    window_end__gte=F("window_start"),
                ),
                name="comparison_of_a_dataset_or_a_window",
            ),
            models.CheckConstraint(condition=Q(look__gte=1), name="comparison_look_from_1"),
            models.CheckConstraint(condition=Q(confidence__gt=0, confidence__lt=1), name="comparison_confidence_range"),
        ]

    def __str__(self) -> str:
        return f"{self.candidate} against {self.champion or 'nothing'}"

    def get_absolute_url(self) -> str:
        return reverse("comparison", args=[self.pk])


class Promotion(models.Model):
    """A decision about a version: made champion, refused, or put back."""

    class Action(models.TextChoices):
        PROMOTE = "promote", _("Made champion")
        REFUSE = "refuse", _("Refused")
        ROLL_BACK = "roll_back", _("Put back")

    registered_model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="promotions")
    action = models.CharField(max_length=16, choices=Action)
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="promotions")
    replaced = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    comparison = models.ForeignKey(
        Comparison, on_delete=models.PROTECT, null=True, blank=True, related_name="promotions"
    )
    automatic = models.BooleanField(default=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.TextField()
    change_number = models.CharField(max_length=60, blank=True)
    decided_at = models.DateTimeField()
    effective_from = models.CharField(max_length=120, blank=True, help_text=_("Lot from which it holds, if any"))

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.CheckConstraint(
                condition=Q(automatic=True, decided_by__isnull=True) | Q(automatic=False, decided_by__isnull=False),
                name="promotion_by_policy_or_person",
            ),
            models.CheckConstraint(
                condition=Q(replaced__isnull=True) | ~Q(replaced=F("version")), name="promotion_replaces_another"
            ),
            models.CheckConstraint(
                condition=Q(action__in=["promote", "refuse", "roll_back"]), name="promotion_action_known"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="promotion_reason_said"),
        ]

    def __str__(self) -> str:
        return f"{self.version}: {self.get_action_display()}"
