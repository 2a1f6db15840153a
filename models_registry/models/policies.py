"""Thresholds are rows, not settings: a change is dated and auditable."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from models_registry.models.versions import RegisteredModel
from models_registry.policy.schedule import check_schedule, check_zone
from models_registry.training.config import MOST_SECONDS

MOST_HOUR_PRICE = 1_000_000.0


def cron_expression(value: str) -> None:
    """:raises ValidationError: no schedule."""
    try:
        check_schedule(value)
    except ValueError as error:
        raise ValidationError(str(error), code="schedule") from error


def time_zone(value: str) -> None:
    """:raises ValidationError: no time zone."""
    try:
        check_zone(value)
    except ValueError as error:
        raise ValidationError(str(error), code="time_zone") from error


class RetrainingPolicy(models.Model):
    registered_model = models.OneToOneField(RegisteredModel, on_delete=models.CASCADE, related_name="retraining_policy")
    enabled = models.BooleanField(default=True)
    min_new_labels = models.PositiveIntegerField(
        default=200, help_text=_("New labels that ask for a run by themselves, at least")
    )
    new_labels_share = models.FloatField(
        default=0.1,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text=_("And at least this share of what the last run learned from"),
    )
    rare_class_labels = models.PositiveIntegerField(
        null=True,
        blank=True,
        default=30,
        help_text=_("New labels of one rare defect class that ask for a run by themselves; empty: never"),
    )
    on_alarm = models.BooleanField(default=True, help_text=_("An alarm about accuracy asks for a run"))
    on_drift = models.BooleanField(
        default=True, help_text=_("Drift in two windows asks for a run, if the model also believes less of itself")
    )
    drift_fall = models.FloatField(
        default=0.02,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text=_("Fall of accuracy by the model's own word that counts: 0.02 is two points"),
    )
    on_calibration = models.BooleanField(
        default=True, help_text=_("Confidence that is off asks for a run that fits it anew and keeps the model")
    )
    schedule = models.CharField(
        max_length=100, blank=True, validators=[cron_expression], help_text=_("Cron, five fields; empty: no schedule")
    )
    schedule_zone = models.CharField(
        max_length=64, blank=True, validators=[time_zone], help_text=_("Empty: that of the site where it runs")
    )
    schedule_since = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("Scheduled times before it are not made up for")
    )
    on_request = models.BooleanField(default=True, help_text=_("Systems may ask for a run by the API"))
    min_total_labels = models.PositiveIntegerField(default=50)
    min_per_class = models.PositiveIntegerField(default=5)
    min_between = models.PositiveIntegerField(
        default=50, help_text=_("New labels since the last successful run, whatever asks for the next")
    )
    min_agreement = models.FloatField(
        null=True,
        blank=True,
        default=0.67,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text=_("Krippendorff's alpha of people who judged the same parts; empty: not asked for"),
    )
    hold_on_bad_images = models.BooleanField(
        default=True, help_text=_("No run while images of one of its cameras are unusual")
    )
    cooldown_minutes = models.PositiveIntegerField(default=24 * 60)
    monthly_budget = models.PositiveIntegerField(null=True, blank=True, help_text=_("Runs a month; empty: no limit"))
    balanced = models.BooleanField(
        default=False, help_text=_("The built-in trainer takes every class as equally common, however rare it is")
    )
    search_seconds = models.FloatField(
        default=30.0,
        validators=[MinValueValidator(0), MaxValueValidator(MOST_SECONDS)],
        help_text=_("How long the built-in trainer may search for hyper-parameters; 0: it takes the usual ones"),
    )
    hour_price = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(MOST_HOUR_PRICE)],
        help_text=_("What an hour of training costs, in the currency of the model's costs; empty: not reckoned"),
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "retraining policies"
        constraints = [
            models.CheckConstraint(
                condition=Q(search_seconds__gte=0, search_seconds__lte=MOST_SECONDS),
                name="retrainingpolicy_search_seconds_range",
            ),
            models.CheckConstraint(
                condition=Q(hour_price__isnull=True)
                | Q(hour_price__isnull=False, hour_price__gte=0, hour_price__lte=MOST_HOUR_PRICE),
                name="retrainingpolicy_hour_price_range",
            ),
            models.CheckConstraint(condition=Q(min_new_labels__gte=1), name="retrainingpolicy_min_new_labels_from_1"),
            models.CheckConstraint(condition=Q(min_total_labels__gte=2), name="retrainingpolicy_min_total_from_2"),
            models.CheckConstraint(condition=Q(min_per_class__gte=1), name="retrainingpolicy_min_per_class_from_1"),
            models.CheckConstraint(
                condition=Q(new_labels_share__gte=0, new_labels_share__lte=1), name="retrainingpolicy_share_range"
            ),
            models.CheckConstraint(
                condition=Q(rare_class_labels__isnull=True)
                | Q(rare_class_labels__isnull=False, rare_class_labels__gte=1),
                name="retrainingpolicy_rare_from_1",
            ),
            models.CheckConstraint(
                condition=Q(drift_fall__gte=0, drift_fall__lte=1), name="retrainingpolicy_drift_fall_range"
            ),
            models.CheckConstraint(
                condition=Q(min_agreement__isnull=True)
                | Q(min_agreement__isnull=False, min_agreement__gte=0, min_agreement__lte=1),
                name="retrainingpolicy_agreement_range",
            ),
            models.CheckConstraint(
                condition=Q(schedule="") | Q(schedule__regex=r"^\S+( +\S+){4}$"),
                name="retrainingpolicy_schedule_five_fields",
            ),
            models.CheckConstraint(
                condition=Q(schedule="") | Q(schedule_since__isnull=False), name="retrainingpolicy_schedule_has_a_start"
            ),
        ]

    def __str__(self) -> str:
        return f"Retraining of {self.registered_model}"


class PromotionPolicy(models.Model):
    registered_model = models.OneToOneField(RegisteredModel, on_delete=models.CASCADE, related_name="promotion_policy")
    automatic = models.BooleanField(default=False)
    margin = models.FloatField(
        default=0.01,
        validators=[MinValueValidator(0), MaxValueValidator(0.5)],
        help_text=_("The lower end of the gain must stay above minus this"),
    )
    require_superiority = models.BooleanField(default=False)
    class_margin = models.FloatField(default=0.05, validators=[MinValueValidator(0), MaxValueValidator(1)])
    guard_defects = models.BooleanField(
        default=True, help_text=_("No defect class may have more escapes than before, by more than the class margin")
    )
    min_items = models.PositiveIntegerField(default=30)
    min_first_accuracy = models.FloatField(
        null=True, blank=True, help_text=_("What a first version must reach on the hold-out")
    )
    guard_sources = models.BooleanField(
        default=True, help_text=_("No camera may lose accuracy by more than the margin of cameras")
    )
    source_margin = models.FloatField(default=0.05, validators=[MinValueValidator(0), MaxValueValidator(1)])
    max_latency_ms = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0.001)],
        help_text=_("Milliseconds an image that a candidate may take; empty: no limit"),
    )
    max_size_mb = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0.001)],
        help_text=_("Megabytes that its file may have; empty: no limit"),
    )
    min_live_items = models.PositiveIntegerField(
        default=0, help_text=_("Judged parts of the line on which both must be compared; 0: the hold-out is enough")
    )
    comparison_budget = models.FloatField(
        default=0.02,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text=_("Share of the arriving parts that people look at to compare a candidate; 0: none"),
    )
    rolls_back = models.BooleanField(
        default=False, help_text=_("Put the former champion back when the alarm of the new one is critical")
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "promotion policies"
        constraints = [
            models.CheckConstraint(condition=Q(margin__gte=0, margin__lte=0.5), name="promotionpolicy_margin_range"),
            models.CheckConstraint(
                condition=Q(class_margin__gte=0, class_margin__lte=1), name="promotionpolicy_class_margin_range"
            ),
            models.CheckConstraint(
                condition=Q(min_first_accuracy__isnull=True) | Q(min_first_accuracy__gte=0, min_first_accuracy__lte=1),
                name="promotionpolicy_first_accuracy_range",
            ),
            models.CheckConstraint(
                condition=Q(source_margin__gte=0, source_margin__lte=1), name="promotionpolicy_source_margin_range"
            ),
            models.CheckConstraint(
                condition=Q(comparison_budget__gte=0, comparison_budget__lte=1),
                name="promotionpolicy_comparison_budget_range",
            ),
            models.CheckConstraint(
                condition=Q(max_latency_ms__isnull=True) | Q(max_latency_ms__gt=0),
                name="promotionpolicy_latency_above_0",
            ),
            models.CheckConstraint(
                condition=Q(max_size_mb__isnull=True) | Q(max_size_mb__gt=0), name="promotionpolicy_size_above_0"
            ),
        ]

    def __str__(self) -> str:
        return f"Promotion of {self.registered_model}"
