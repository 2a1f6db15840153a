"""Features of images, kept by the hash of the image: a cache that all workers share, and may be emptied at any time."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.db.models.lookups import GreaterThan
from django.utils.translation import gettext_lazy as _


class ImageFeatures(models.Model):
    """What `training.features` of one version makes of one image: never changed, only forgotten."""

    sha256 = models.CharField(max_length=64, help_text=_("Of the image's bytes"))
    features_version = models.CharField(max_length=40)
    vector = models.BinaryField(help_text=_("float32, little-endian"))
    made_at = models.DateTimeField()

    class Meta:
        ordering = ("-pk",)
        verbose_name_plural = "image features"
        constraints = [
            # its index is read by features_of()
            models.UniqueConstraint(fields=["sha256", "features_version"], name="imagefeatures_image_version_unique"),
            models.CheckConstraint(condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="imagefeatures_sha256_hex"),
            models.CheckConstraint(condition=~Q(features_version=""), name="imagefeatures_version_said"),
            models.CheckConstraint(condition=GreaterThan(Length("vector"), 0), name="imagefeatures_vector_not_empty"),
        ]

    def __str__(self) -> str:
        return f"{self.sha256[:12]}, {self.features_version}"
