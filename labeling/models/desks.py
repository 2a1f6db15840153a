"""What makes a review station one's own: a person's keys, and the samples that hang beside it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from labeling.models.inspections import Item
from models_registry.models import Label, RegisteredModel


class KeyMap(models.Model):
    """The keys that a person has changed, by action (`labeling/keymap.py`). What is not there is as usual."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="key_map")
    keys = models.JSONField(default=dict)
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ("user",)

    def __str__(self) -> str:
        return f"Keys of {self.user}"


class GoldenSample(models.Model):
    """The factory's reference for a label: an image that is shown beside the one to judge."""

    registered_model = models.ForeignKey(RegisteredModel, on_delete=models.CASCADE, related_name="golden_samples")
    label = models.ForeignKey(Label, on_delete=models.PROTECT, related_name="golden_samples")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="golden_samples")
    caption = models.CharField(max_length=200, blank=True, help_text=_("What it shows, and since when it holds"))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("registered_model", "label__position", "pk")
        constraints = [
            # with the foreign key's index it is what the station reads: all of a model
            models.UniqueConstraint(fields=["registered_model", "label"], name="goldensample_one_per_label"),
        ]

    def __str__(self) -> str:
        return f"Golden sample of {self.label}"
