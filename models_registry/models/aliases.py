"""Names and notes that people give to versions, as in MLflow: an alias leads to one version, tags say more of one."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from models_registry.models.versions import ModelVersion, RegisteredModel

ALIAS = r"^[A-Za-z0-9_-]{1,80}$"
RESERVED = r"^(v[0-9]+|[0-9]+|latest|champion)$"
TAG_KEY = r"^[A-Za-z0-9_./ -]{1,120}$"


class ModelAlias(models.Model):
    """A name that leads to one version of a model and is moved by people: `staging`, `line-3`.

    A number, `latest` and `champion` are none: who the champion is, a promotion decides and not a name.
    """

    registered_model = models.ForeignKey(RegisteredModel, on_delete=models.CASCADE, related_name="aliases")
    name = models.CharField(max_length=80, validators=[RegexValidator(ALIAS)])
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="aliases")
    moved_at = models.DateTimeField()

    class Meta:
        ordering = ("registered_model", "name")
        verbose_name_plural = "model aliases"
        constraints = [
            models.UniqueConstraint(fields=["registered_model", "name"], name="modelalias_one_version"),
            models.CheckConstraint(condition=Q(name__regex=ALIAS), name="modelalias_name_shape"),
            models.CheckConstraint(condition=~Q(name__iregex=RESERVED), name="modelalias_name_not_reserved"),
        ]

    def __str__(self) -> str:
        return f"{self.registered_model}@{self.name}"


class VersionTag(models.Model):
    """A key and a value that people or systems note at a version."""

    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="tags")
    key = models.CharField(max_length=120, validators=[RegexValidator(TAG_KEY)])
    value = models.CharField(max_length=1000, blank=True, help_text=_("Empty is a value too"))

    class Meta:
        ordering = ("version", "key")
        constraints = [
            models.UniqueConstraint(fields=["version", "key"], name="versiontag_one_value"),
            models.CheckConstraint(condition=Q(key__regex=TAG_KEY), name="versiontag_key_shape"),
        ]

    def __str__(self) -> str:
        return f"{self.version}: {self.key}"


class NameChange(models.Model):
    """An alias that was moved or a tag that was changed: from what, to what, by whom. Append-only.

    ``before`` and ``after`` are a version's short name or a tag's value; None: there was none, or is none any more.
    """

    class Kind(models.TextChoices):
        ALIAS = "alias", _("Alias")
        TAG = "tag", _("Tag")

    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="name_changes")
    kind = models.CharField(max_length=8, choices=Kind)
    name = models.CharField(max_length=120)
    before = models.CharField(max_length=1000, null=True, blank=True)  # noqa: DJ001 - empty is a value of a tag
    after = models.CharField(max_length=1000, null=True, blank=True)  # noqa: DJ001 - the same
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["alias", "tag"]), name="namechange_kind_known"),
            models.CheckConstraint(
                condition=Q(before__isnull=True, after__isnull=False)
                | Q(before__isnull=False, after__isnull=True)
                | (Q(before__isnull=False, after__isnull=False) & ~Q(before=F("after"))),
                name="namechange_changes_something",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version}: {self.get_kind_display()} {self.name}"
