"""Who may do what: memberships give a role for a model or a site; API keys speak for a system."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from labeling.models.places import Site
from models_registry.models import RegisteredModel


class Membership(models.Model):
    class Role(models.TextChoices):
        INSPECTOR = "inspector", _("Inspector")
        ADJUDICATOR = "adjudicator", _("Adjudicator")
        LEAD = "lead", _("ML lead")
        AUDITOR = "auditor", _("Auditor")
        INTEGRATION = "integration", _("Integration")
        ADMIN = "admin", _("Administrator")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    registered_model = models.ForeignKey(
        RegisteredModel, on_delete=models.CASCADE, null=True, blank=True, related_name="memberships"
    )
    site = models.ForeignKey(Site, on_delete=models.CASCADE, null=True, blank=True, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("user", "role")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "registered_model", "role"],
                condition=Q(registered_model__isnull=False),
                name="membership_model_role_unique",
            ),
            models.UniqueConstraint(
                fields=["user", "site", "role"], condition=Q(site__isnull=False), name="membership_site_role_unique"
            ),
            models.CheckConstraint(
                condition=Q(registered_model__isnull=False, site__isnull=True)
                | Q(registered_model__isnull=True, site__isnull=False),
                name="membership_of_a_model_or_a_site",
            ),
            models.CheckConstraint(
                condition=Q(role__in=["inspector", "adjudicator", "lead", "auditor", "integration", "admin"]),
                name="membership_role_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()} of {self.registered_model or self.site}"


class ApiKey(models.Model):
    """A secret that a system sends with each request. Stored hashed, shown once.

    ``only_models`` and ``only_verbs`` narrow what the user may; null is no limit. Models are kept as numbers and not as
    relations, so that a key whose models are gone reaches nothing, rather than everything.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=120)
    prefix = models.CharField(max_length=12, unique=True)
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    only_models = ArrayField(models.BigIntegerField(), null=True, blank=True)
    only_verbs = ArrayField(models.CharField(max_length=16), null=True, blank=True)
    requests_per_minute = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("Empty: the setting REVIEWAPP_KEY_REQUESTS_PER_MINUTE")
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        verbose_name = "API key"
        constraints = [
            models.CheckConstraint(condition=Q(digest__regex=r"^[0-9a-f]{64}$"), name="apikey_digest_hex"),
            models.CheckConstraint(
                condition=Q(only_models__isnull=True) | Q(only_models__isnull=False, only_models__len__gte=1),
                name="apikey_models_null_or_some",
            ),
            models.CheckConstraint(
                condition=Q(only_verbs__isnull=True)
                | Q(
                    only_verbs__isnull=False,
                    only_verbs__len__gte=1,
                    only_verbs__contained_by=["view", "review", "adjudicate", "ingest", "retrain", "decide"],
                ),
                name="apikey_verbs_null_or_known",
            ),
            models.CheckConstraint(
                condition=Q(requests_per_minute__isnull=True) | Q(requests_per_minute__gte=1),
                name="apikey_limit_from_1",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
