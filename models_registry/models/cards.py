"""What people wrote about a version, beside the facts that the card gathers by itself."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from models_registry.models.versions import ModelVersion


class CardText(models.Model):
    """One part of a version's card as somebody wrote it. Append-only: the newest row of a part holds, the others are
    its history; an empty text takes the part back."""

    class Part(models.TextChoices):
        USE = "use", _("What it is meant for")
        NOT_FOR = "not_for", _("What it is not meant for")
        DATA = "data", _("About the data")
        LIMITS = "limits", _("Known limits and risks")
        CONTACT = "contact", _("Who to ask")

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="card_texts", db_index=False)
    part = models.CharField(max_length=8, choices=Part)
    text = models.TextField(blank=True)
    written_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField()

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.CheckConstraint(
                condition=Q(part__in=["use", "not_for", "data", "limits", "contact"]), name="cardtext_part_known"
            ),
        ]
        indexes = [
            # read by the card: the newest text of each part, and what it was before
            models.Index(fields=["version", "part", "-id"], name="cardtext_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.version}: {self.get_part_display()}"
