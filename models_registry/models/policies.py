"""Thresholds are rows, not settings: a change is dated and auditable."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from models_registry.models.versions import RegisteredModel


class RetrainingPolicy(models.Model):
    registered_model = models.OneToOneField(RegisteredModel, on_delete=models.CASCADE, related_name="retraining_policy")
    enabled = models.BooleanField(default=True)
    min_new_labels = models.PositiveIntegerField(default=200)
    min_total_labels = models.PositiveIntegerField(default=50)
    min_per_class = models.PositiveIntegerField(default=5)
    cooldown_minutes = models.PositiveIntegerField(default=24 * 60)
    monthly_budget = models.PositiveIntegerField(null=True, blank=True, help_text=_("Runs a month; empty: no limit"))
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "retraining policies"
        constraints = [
            models.CheckConstraint(condition=Q(min_new_labels__gte=1), name="retrainingpolicy_min_new_labels_from_1"),
            models.CheckConstraint(condition=Q(min_total_labels__gte=2), name="retrainingpolicy_min_total_from_2"),
            models.CheckConstraint(condition=Q(min_per_class__gte=1), name="retrainingpolicy_min_per_class_from_1"),
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
        ]

    def __str__(self) -> str:
        return f"Promotion of {self.registered_model}"
