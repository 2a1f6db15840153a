"""What was measured of images, and what is usual at the camera that took them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from labeling.image_quality import FLAGS, MIN_REFERENCE
from labeling.models.inspections import Item
from labeling.models.places import Source


class QualityReference(models.Model):
    """What is usual at a camera: limits per feature, learned from its first images and then frozen.

    learning ──enough images──> frozen ──learn anew (another lens, another lamp)──> learning
    """

    source = models.OneToOneField(Source, on_delete=models.CASCADE, related_name="quality_reference")
    learning_since = models.DateTimeField(help_text=_("Images measured from then on are learned from"))
    n = models.PositiveIntegerField(_("images"), default=0)
    limits = models.JSONField(default=dict, blank=True, help_text=_("Feature: lowest and highest usual value"))
    frozen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(frozen_at__isnull=True, limits={})
                | Q(frozen_at__isnull=False, n__gte=MIN_REFERENCE) & ~Q(limits={}),
                name="qualityreference_limits_iff_frozen",
            ),
            models.CheckConstraint(
                condition=Q(frozen_at__isnull=True) | Q(frozen_at__gte=F("learning_since")),
                name="qualityreference_frozen_after_learning",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source}: {_('frozen') if self.frozen_at else _('learning')}"


class ItemQuality(models.Model):
    """The features of one image. ``flags`` is NULL while its camera's limits are being learned, and [] for none."""

    item = models.OneToOneField(Item, on_delete=models.CASCADE, related_name="quality")
    recipe = models.PositiveSmallIntegerField(help_text=_("Numbers of two recipes are not compared"))
    features = models.JSONField()
    flags = ArrayField(
        models.CharField(max_length=12, choices=[(flag, flag.capitalize()) for flag in FLAGS]), null=True, blank=True
    )
    measured_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "item qualities"
        ordering = ("-pk",)
        constraints = [
            models.CheckConstraint(
                condition=Q(flags__isnull=True) | Q(flags__contained_by=list(FLAGS)), name="itemquality_flags_known"
            ),
        ]
        indexes = [
            # read by drift: what was measured in some hours of each day
            models.Index(fields=["measured_at"], name="itemquality_time"),
        ]

    def __str__(self) -> str:
        return f"{self.item}: {', '.join(self.flags) if self.flags else '-'}"
