"""Shared screens, badges and PINs: secrets are hashed and never shown; what is taken away stays in the list."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import UnfoldAdminTextInputWidget

from labeling import memory
from labeling.models import Badge, Pin, StationDevice, Switch
from labeling.people import devices
from labeling.people.passes import badge_digest, badge_text, give_badge
from models_registry.admin.base import HistoryAdmin, ModelAdmin, ModelForm, person


class Revocable(ModelAdmin):
    """Never changed or deleted. Who may change the table may revoke."""

    actions = ("revoke",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(f"labeling.change_{self.opts.model_name}")

    @admin.action(description=gettext_lazy("Revoke"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        n_revoked = devices.revoke(queryset, now=timezone.now())
        memory.forget()
        if not n_revoked:
            self.message_user(request, _("Nothing to do: what you chose was revoked already."), messages.WARNING)
            return
        text = ngettext("%(n)s revoked. It opens nothing from now on.", "%(n)s revoked.", n_revoked)
        self.message_user(request, text % {"n": n_revoked}, messages.SUCCESS)


@admin.register(StationDevice)
class StationDeviceAdmin(Revocable):
    """Made at the screen itself (Review → the station → This screen), since its browser keeps the secret."""

    list_display = ("name", "station", "registered_by", "registered_at", "last_used_at", "locked_until", "revoked_at")
    list_select_related = ("station", "registered_by")
    list_filter = ("station", ("revoked_at", admin.EmptyFieldListFilter))
    search_fields = ("name", "station__name")
    exclude = ("digest",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


class BadgeForm(ModelForm):
    typed = forms.CharField(
        label=gettext_lazy("badge"),
        max_length=80,
        widget=UnfoldAdminTextInputWidget({"autocomplete": "off"}),
        help_text=gettext_lazy("Put the badge on the reader, or type its number. It is not shown again."),
    )

    def clean_typed(self) -> str:
        typed: str = self.cleaned_data["typed"]
        text = badge_text(typed)
        if text is None:
            raise ValidationError(_("A badge's number has 6 to 64 letters and digits, without spaces."))
        if Badge.objects.filter(digest=badge_digest(text), revoked_at=None).exists():
            raise ValidationError(_("That badge is given out already."))
        return typed


@admin.register(Badge)
class BadgeAdmin(Revocable):
    form = BadgeForm
    list_display = ("user", "name", "created_by", "created_at", "revoked_at")
    list_select_related = ("user", "created_by")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    search_fields = ("user__username", "user__first_name", "user__last_name", "name")
    autocomplete_fields = ("user",)

    def get_fields(self, request: HttpRequest, obj: Badge | None = None) -> Any:
        return ("user", "name", "created_by", "created_at", "revoked_at") if obj else ("user", "name", "typed")

    def save_model(self, request: HttpRequest, obj: Badge, form: Any, change: bool) -> None:
        typed = form.cleaned_data["typed"]
        row = give_badge(user=obj.user, typed=typed, name=obj.name, by=person(request), now=timezone.now())
        obj.pk, obj.created_by, obj.created_at = row.pk, row.created_by, row.created_at


@admin.register(Pin)
class PinAdmin(ModelAdmin):
    """Set by the person on their own page. Here one can be taken away: deleted, it opens nothing any more."""

    list_display = ("user", "changed_at", "n_failed", "locked_until")
    list_select_related = ("user",)
    search_fields = ("user__username", "user__first_name", "user__last_name")
    exclude = ("hash",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Switch)
class SwitchAdmin(HistoryAdmin):
    list_display = ("station", "device", "left", "came", "method", "switched_at")
    list_select_related = ("station", "device__station", "left", "came")
    list_filter = ("method", "station")
    search_fields = ("came__username", "left__username", "device__name")
    date_hierarchy = "switched_at"
