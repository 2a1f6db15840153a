"""Label sets: versioned, shared by models. A change is a new set version with a recorded mapping."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


class Disposition(models.TextChoices):
    """What happens to the part."""

    PASS = "pass", _("Pass")
    REJECT = "reject", _("Reject")
    HOLD = "hold", _("Hold")


class LabelSet(models.Model):
    slug = models.SlugField(max_length=80)
    version = models.PositiveIntegerField(default=1)
    name = models.CharField(max_length=120)
    replaces = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="replaced_by")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["slug", "version"], name="labelset_slug_version_unique"),
            models.CheckConstraint(condition=Q(version__gte=1), name="labelset_version_from_1"),
            models.CheckConstraint(
                condition=Q(replaces__isnull=True) | ~Q(replaces=F("pk")), name="labelset_replaces_another"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} (set {self.version})"


class Label(models.Model):
    label_set = models.ForeignKey(LabelSet, on_delete=models.PROTECT, related_name="labels")
    slug = models.CharField(max_length=80)  # as the model says it: class names with spaces or a dot exist
    name = models.CharField(max_length=120)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="children")
    is_defect = models.BooleanField(default=True)
    severity = models.PositiveSmallIntegerField(default=1, help_text=_("0 harmless … 3 safety relevant"))
    disposition = models.CharField(max_length=8, choices=Disposition, default=Disposition.REJECT)
    hotkey = models.CharField(max_length=1, blank=True)
    colour = models.CharField(max_length=7, blank=True, help_text=_("#rrggbb, for overlays"))
    position = models.PositiveSmallIntegerField(default=0)
    translations = models.JSONField(default=dict, blank=True, help_text=_('{"de": "Kratzer"}'))

    class Meta:
        ordering = ("position", "pk")
        constraints = [
            models.UniqueConstraint(fields=["label_set", "slug"], name="label_set_slug_unique"),
            models.UniqueConstraint(
                fields=["label_set", "hotkey"], condition=~Q(hotkey=""), name="label_set_hotkey_unique"
            ),
            models.CheckConstraint(condition=Q(severity__lte=3), name="label_severity_0_to_3"),
            models.CheckConstraint(condition=Q(disposition__in=Disposition.values), name="label_disposition_known"),
            models.CheckConstraint(condition=~Q(slug=""), name="label_slug_said"),
            models.CheckConstraint(
                condition=Q(colour="") | Q(colour__regex=r"^#[0-9a-fA-F]{6}$"), name="label_colour_rrggbb"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def display_name(self) -> str:
        """The name in the language of the page."""
        return str(self.translations.get((get_language() or "en")[:2]) or self.name)


class LabelMapping(models.Model):
    """How a label of an older set is read through a newer one. No target: it has no counterpart."""

    label_set = models.ForeignKey(LabelSet, on_delete=models.PROTECT, related_name="mappings")
    old_label = models.ForeignKey(Label, on_delete=models.PROTECT, related_name="mapped_by")
    new_label = models.ForeignKey(Label, on_delete=models.PROTECT, null=True, blank=True, related_name="maps_from")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["label_set", "old_label"], name="labelmapping_old_label_once"),
        ]

    def __str__(self) -> str:
        return f"{self.old_label} → {self.new_label or '∅'}"
