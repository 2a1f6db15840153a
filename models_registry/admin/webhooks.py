"""Webhooks, what was sent to them, and what they answered. A secret is shown once, when it is made."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminURLInputWidget

from models_registry.admin.base import HistoryAdmin, ModelAdmin, ModelForm, ReadOnly, TabularInline, attempt, person
from models_registry.models import Delivery, DeliveryAttempt, Event, EventName, Webhook
from models_registry.services.deliveries import change_secret, send_again

ASKED = ("name", "url", "events", "registered_model", "is_active")
STATE = ("created_by", "created_at", "n_failures", "failing_since", "rests_until", "former_secret_until")


class WebhookForm(ModelForm):
    url = forms.URLField(label="URL", max_length=500, assume_scheme="https", widget=UnfoldAdminURLInputWidget)
    events = forms.MultipleChoiceField(choices=EventName.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget)


@admin.register(Webhook)
class WebhookAdmin(ModelAdmin):
    """A webhook is switched off, never deleted: what was sent to it is on record."""

    form = WebhookForm
    list_display = ("name", "url", "registered_model", "events", "is_active", "failing_since")
    list_select_related = ("registered_model",)
    list_filter = ("is_active", "registered_model")
    search_fields = ("name", "url")
    autocomplete_fields = ("registered_model",)
    readonly_fields = STATE
    actions = ("change_secret",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*ASKED, *STATE) if obj else ASKED

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Webhook, form: Any, change: bool) -> None:
        if change:
            obj.save(update_fields=form.changed_data)  # a worker writes the rest
            return
        obj.created_by, obj.created_at = person(request), timezone.now()
        obj.save()
        self.message_user(request, _secret_notice(obj), messages.WARNING)

    @admin.action(description=_lazy("Change the signing secret"), permissions=["change"])
    def change_secret(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        for webhook in queryset:
            webhook.secret = change_secret(webhook=webhook, now=timezone.now())
            notice = _("For 24 hours the old secret signs too.")
            self.message_user(request, f"{_secret_notice(webhook)} {notice}", messages.WARNING)


def _secret_notice(webhook: Webhook) -> str:
    text = _("%(webhook)s: copy the signing secret now, it is not shown again: %(secret)s")
    return text % {"webhook": webhook, "secret": webhook.secret}


class DeliveryAttemptInline(ReadOnly, TabularInline):
    model = DeliveryAttempt
    fields = ("number", "started_at", "milliseconds", "status", "excerpt")
    extra = 0


@admin.register(Delivery)
class DeliveryAdmin(HistoryAdmin):
    list_display = (
        "event",
        "webhook",
        "status",
        "n_attempts",
        "last_status",
        "outcome",
        "next_attempt_at",
        "created_at",
    )
    list_select_related = ("event", "webhook")
    list_filter = ("status", "webhook", "event__name")
    search_fields = ("object_id", "event__uid")
    date_hierarchy = "created_at"
    inlines = (DeliveryAttemptInline,)
    actions = ("send_again",)

    @admin.action(description=_lazy("Send again"), permissions=["send_again"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        def deed(delivery: Delivery) -> str:
            send_again(delivery=delivery, now=timezone.now())
            return _("%(delivery)s is sent again, as the same event.") % {"delivery": delivery}

        attempt(self, request, queryset.order_by("event_id"), deed)

    def has_send_again_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("models_registry.change_delivery")


@admin.register(DeliveryAttempt)
class DeliveryAttemptAdmin(HistoryAdmin):
    list_display = ("delivery", "number", "started_at", "milliseconds", "status", "excerpt")
    list_select_related = ("delivery__event", "delivery__webhook")
    list_filter = ("status",)
    date_hierarchy = "started_at"


@admin.register(Event)
class EventAdmin(HistoryAdmin):
    list_display = ("name", "registered_model", "object_id", "uid", "created_at")
    list_select_related = ("registered_model",)
    list_filter = ("name", "registered_model")
    search_fields = ("object_id", "uid")
    date_hierarchy = "created_at"
