"""API keys: the text is shown once, in the message after saving. A key is revoked, never changed or deleted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from labeling.keys import issue_key
from labeling.models import ApiKey
from models_registry.admin.base import ModelAdmin, ModelForm

SHOWN = ("user", "name", "prefix", "created_at", "expires_at", "revoked_at", "last_used_at")


class ApiKeyForm(ModelForm):
    def clean_expires_at(self) -> datetime | None:
        expires_at: datetime | None = self.cleaned_data["expires_at"]
        if expires_at is not None and expires_at <= timezone.now():
            raise ValidationError(_("This moment is past: the key would never work."))
        return expires_at


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):
    form = ApiKeyForm
    list_display = ("name", "user", "prefix", "created_at", "expires_at", "last_used_at", "revoked_at")
    list_select_related = ("user",)
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    search_fields = ("name", "prefix", "user__username")
    autocomplete_fields = ("user",)
    actions = ("revoke",)

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return SHOWN if obj else ("user", "name", "expires_at")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("labeling.change_apikey")

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        key, text = issue_key(user=obj.user, name=obj.name, now=timezone.now(), expires_at=obj.expires_at)
        obj.pk, obj.prefix = key.pk, key.prefix
        notice = _("Copy the key now, it is not shown again: %(text)s") % {"text": text}
        self.message_user(request, notice, messages.WARNING)

    @admin.action(description=_("Revoke"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        n_revoked = queryset.filter(revoked_at=None).update(revoked_at=timezone.now())
        if not n_revoked:
            self.message_user(request, _("Nothing to do: what you chose was revoked already."), messages.WARNING)
            return
        text = ngettext("%(n)s key revoked. It is refused from now on.", "%(n)s keys revoked.", n_revoked)
        self.message_user(request, text % {"n": n_revoked}, messages.SUCCESS)
