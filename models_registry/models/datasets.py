"""Frozen datasets: a hashed manifest in the file store, never the live tables."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from models_registry.models.labels import LabelSet
from models_registry.models.versions import RegisteredModel


class Dataset(models.Model):
    registered_model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="datasets")
    label_set = models.ForeignKey(LabelSet, on_delete=models.PROTECT, related_name="datasets")
    sha256 = models.CharField(max_length=64)
    manifest = models.CharField(max_length=200)
    cutoff = models.DateTimeField()
    n_train = models.PositiveIntegerField()
    n_holdout = models.PositiveIntegerField()
    n_excluded = models.PositiveIntegerField(
        default=0, db_default=0, help_text=_("Left out of training: they belong to held-out parts")
    )
    label_counts = models.JSONField(default=dict)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="children")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(fields=["registered_model", "sha256"], name="dataset_model_sha256_unique"),
            models.CheckConstraint(condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="dataset_sha256_hex"),
            models.CheckConstraint(condition=~Q(manifest=""), name="dataset_manifest_said"),
        ]

    def __str__(self) -> str:
        return f"{self.registered_model.name}, {self.n_train} + {self.n_holdout} held out ({self.sha256[:8]})"

    def get_absolute_url(self) -> str:
        return reverse("dataset", args=[self.pk])

    @property
    def short_name(self) -> str:
        return self.sha256[:12]
