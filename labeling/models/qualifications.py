"""Who has learnt to judge what, and until when: asked for only where a model's review policy demands it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from labeling.models.places import Source
from models_registry.models import Label, RegisteredModel


class Qualification(models.Model):
    """A person may judge a model's parts: all of them, those of one camera, those that were predicted as one label, or
    both. The last narrows what is shown with a prediction; a blind part is in no class.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="qualifications")
    registered_model = models.ForeignKey(
        RegisteredModel, on_delete=models.CASCADE, related_name="qualifications", db_index=True
    )
    source = models.ForeignKey(
        Source,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Only parts of this camera; empty: of all"),
    )
    label = models.ForeignKey(
        Label,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Only parts that are shown as predicted so, hence never blind ones; empty: all"),
    )
    valid_until = models.DateField(help_text=_("The last day (UTC)"))
    proof = models.CharField(max_length=200, help_text=_("What shows it: a course, a test, a certificate"))
    granted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    granted_at = models.DateTimeField()

    class Meta:
        ordering = ("user", "registered_model", "pk")
        constraints = [
            # its index is read by claims where a policy demands a qualification
            models.UniqueConstraint(
                fields=["user", "registered_model", "source", "label"],
                nulls_distinct=False,
                name="qualification_once_for_the_same",
            ),
            models.CheckConstraint(condition=~Q(proof=""), name="qualification_has_a_proof"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.registered_model}, until {self.valid_until}"
