"""Frozen datasets: a hashed manifest in the file store, never the live tables."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

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
