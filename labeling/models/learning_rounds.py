"""Rounds of active learning: which unlabelled parts were picked to be labelled, how, and how sure the model was."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from labeling.models.inspections import Inspection
from labeling.models.reviews import Review
from models_registry.models import Label, ModelVersion, RegisteredModel


class LearningRound(models.Model):
    """One pick of parts that people are asked to label so that the next version learns more.

    queued ──a worker picks──> done (its reviews are open)
      │  ^────worker lost: swept
      └──nothing to pick, or every worker lost──> failed
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("Queued")
        DONE = "done", _("Picked")
        FAILED = "failed", _("Failed")

    class Method(models.TextChoices):
        MARGIN = "margin", _("Where the model is torn")
        COLD = "cold", _("Typical and odd parts, before there is a model")

    registered_model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="learning_rounds")
    number = models.PositiveIntegerField()
    n_asked = models.PositiveIntegerField(validators=[MinValueValidator(1), MaxValueValidator(500)])
    random_share = models.FloatField(
        default=0.2, help_text=_("Share drawn by chance, to know what picking is worth: 0.2 means 20 %")
    )
    seed = models.BigIntegerField()
    status = models.CharField(max_length=8, choices=Status, default=Status.QUEUED)
    method = models.CharField(max_length=8, choices=Method, blank=True)
    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="learning_rounds"
    )
    n_pool = models.PositiveIntegerField(default=0, help_text=_("Unlabelled parts that it picked from"))
    detail = models.TextField(blank=True)
    n_attempts = models.PositiveSmallIntegerField(default=0)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    requested_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(fields=["registered_model", "number"], name="learninground_number_unique"),
            models.UniqueConstraint(
                fields=["registered_model"], condition=Q(status="queued"), name="learninground_one_queued"
            ),
            models.CheckConstraint(condition=Q(n_asked__gte=1, n_asked__lte=500), name="learninground_n_range"),
            models.CheckConstraint(
                condition=Q(random_share__gte=0, random_share__lte=1), name="learninground_share_range"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["queued", "done", "failed"]), name="learninground_status_known"
            ),
            models.CheckConstraint(condition=Q(method__in=["", "margin", "cold"]), name="learninground_method_known"),
            models.CheckConstraint(
                condition=Q(status="queued", finished_at__isnull=True)
                | (~Q(status="queued") & Q(finished_at__isnull=False)),
                name="learninground_finished_at_iff_over",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.registered_model}, {self.number}"


class LearningPick(models.Model):
    """A part of a round. No estimate reads what was picked on purpose; ``pi`` is the chance of the random arm alone,
    among the round's pool, and is not that of a sampling design.
    """

    class Arm(models.TextChoices):
        ACTIVE = "active", _("Picked")
        RANDOM = "random", _("By chance")

    class Why(models.TextChoices):
        MARGIN = "margin", _("The model is torn")
        TYPICAL = "typical", _("Typical of its kind")
        OUTLIER = "outlier", _("Like nothing else")
        RANDOM = "random", _("By chance")

    round = models.ForeignKey(LearningRound, on_delete=models.PROTECT, related_name="picks", db_index=False)
    inspection = models.ForeignKey(Inspection, on_delete=models.PROTECT, related_name="learning_picks")
    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="learning_picks")
    arm = models.CharField(max_length=8, choices=Arm)
    why = models.CharField(max_length=8, choices=Why)
    pi = models.FloatField(null=True, blank=True, help_text=_("Chance of the random arm; none of what was picked"))
    margin = models.FloatField(null=True, blank=True, help_text=_("Between the two best scores"))
    predicted = models.ForeignKey(
        Label, on_delete=models.PROTECT, null=True, blank=True, related_name="+", help_text=_("What the model said")
    )

    class Meta:
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(fields=["round", "inspection"], name="learningpick_once_a_round"),
            models.CheckConstraint(
                condition=Q(arm="active", pi__isnull=True) | Q(arm="random", pi__isnull=False, pi__gt=0, pi__lte=1),
                name="learningpick_pi_iff_random",
            ),
            models.CheckConstraint(
                condition=Q(arm="random", why="random") | Q(arm="active", why__in=["margin", "typical", "outlier"]),
                name="learningpick_why_fits_its_arm",
            ),
            models.CheckConstraint(
                condition=Q(margin__isnull=True) | Q(margin__gte=0, margin__lte=1), name="learningpick_margin_range"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.inspection}: {self.get_why_display()}"
