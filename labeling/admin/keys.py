"""API keys: the text is shown once, in the message after saving. A key is revoked, never changed or deleted."""

from __future__ import annotations

from datetime import datetime
from typing import Any, get_args

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectMultipleWidget

from labeling.access import VERB_WORDS, Verb
from labeling.keys import issue_key, revoke_keys
from labeling.models import ApiKey
from models_registry.admin.base import ModelAdmin, ModelForm
from models_registry.models import RegisteredModel

SHOWN = (
    "user", "name", "prefix", "models", "verbs", "limit",
    "created_at", "expires_at", "revoked_at", "last_used_at",
)  # fmt: skip
ASKED = ("user", "name", "models", "verbs", "requests_per_minute", "expires_at")


class ApiKeyForm(ModelForm):
    models = forms.ModelMultipleChoiceField(
        RegisteredModel.objects.all(),
        required=False,
        widget=UnfoldAdminSelectMultipleWidget,
        help_text=gettext_lazy("Only these models. None chosen: all that the user may use."),
    )
    verbs = forms.MultipleChoiceField(
        choices=[(verb, f"{verb}: {VERB_WORDS[verb]}") for verb in get_args(Verb)],
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=gettext_lazy("Only this. None chosen: all that the user may do."),
    )

    def clean_expires_at(self) -> datetime | None:
        expires_at: datetime | None = self.cleaned_data["expires_at"]
        if expires_at is not None and expires_at <= timezone.now():
            raise ValidationError(_("This moment is past: the key would never work."))
        return expires_at

    def clean_requests_per_minute(self) -> int | None:
        limit: int | None = self.cleaned_data["requests_per_minute"]
        if limit is not None and limit < 1:
            raise ValidationError(_("At least 1: a key that may never ask is better revoked."))
        return limit


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):
    form = ApiKeyForm
    list_display = ("name", "user", "prefix", "verbs", "created_at", "expires_at", "last_used_at", "revoked_at")
    list_select_related = ("user",)
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    search_fields = ("name", "prefix", "user__username")
    autocomplete_fields = ("user",)
    actions = ("revoke",)

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return SHOWN if obj else ASKED

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return SHOWN if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("labeling.change_apikey")

    @admin.display(description=gettext_lazy("models"))
    def models(self, key: ApiKey) -> str:
        if key.only_models is None:
            return _("all of the user's")
        return ", ".join(RegisteredModel.objects.filter(pk__in=key.only_models).values_list("slug", flat=True))

    @admin.display(description=gettext_lazy("may"))
    def verbs(self, key: ApiKey) -> str:
        return _("all that the user may") if key.only_verbs is None else ", ".join(key.only_verbs)

    @admin.display(description=gettext_lazy("requests per minute"))
    def limit(self, key: ApiKey) -> str:
        return str(key.requests_per_minute or _("as set for all"))

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        said = form.cleaned_data
        key, text = issue_key(
            user=obj.user, name=obj.name, now=timezone.now(), expires_at=obj.expires_at,
            models=said["models"], verbs=said["verbs"], requests_per_minute=obj.requests_per_minute,
        )  # fmt: skip
        obj.pk, obj.prefix = key.pk, key.prefix
        notice = _("Copy the key now, it is not shown again: %(text)s") % {"text": text}
        self.message_user(request, notice, messages.WARNING)

    @admin.action(description=_("Revoke"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        n_revoked = revoke_keys(queryset, now=timezone.now())
        if not n_revoked:
            self.message_user(request, _("Nothing to do: what you chose was revoked already."), messages.WARNING)
            return
        text = ngettext("%(n)s key revoked. It is refused from now on.", "%(n)s keys revoked.", n_revoked)
        self.message_user(request, text % {"n": n_revoked}, messages.SUCCESS)
