"""Who may do what: memberships give a role for a model or a site; API keys speak for a system."""

from __future__ import annotations

from django.conf import settings
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
    """A secret that a system sends with each request. Stored hashed, shown once."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=120)
    prefix = models.CharField(max_length=12, unique=True)
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        verbose_name = "API key"
        constraints = [
            models.CheckConstraint(condition=Q(digest__regex=r"^[0-9a-f]{64}$"), name="apikey_digest_hex"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
