"""Pauses and notes for the next shift are history; figures about a person are turned on here, by two people."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from labeling.models import HandoverNote, Pause, PersonFigures
from labeling.people.figures import approve_figures, ask_for_figures, end_figures
from models_registry.admin.base import HistoryAdmin, ModelAdmin, ModelForm, attempt, person


@admin.register(Pause)
class PauseAdmin(HistoryAdmin):
    list_display = ("user", "started_at", "ended_at")
    list_select_related = ("user",)
    search_fields = ("user__username",)


@admin.register(HandoverNote)
class HandoverNoteAdmin(HistoryAdmin):
    list_display = ("station", "author", "day", "shift", "written_at", "shown_until")
    list_select_related = ("station", "author")
    list_filter = ("station",)
    search_fields = ("text", "author__username")
    date_hierarchy = "written_at"


class PersonFiguresForm(ModelForm):
    def clean_user(self) -> User:
        user: User = self.cleaned_data["user"]
        if PersonFigures.objects.filter(user=user, ended_at__isnull=True).exists():
            raise ValidationError(_("Figures about this person are asked for already."))
        return user


@admin.register(PersonFigures)
class PersonFiguresAdmin(ModelAdmin):
    """Asked for by whoever adds a row; somebody else approves. Nothing is changed or deleted, only ended."""

    form = PersonFiguresForm
    list_display = ("user", "purpose", "asked_by", "asked_at", "approver", "approved_at", "ended_at")
    list_select_related = ("user", "asked_by", "approver")
    search_fields = ("user__username", "purpose")
    autocomplete_fields = ("user",)
    actions = ("approve", "end")

    def get_fields(self, request: HttpRequest, obj: PersonFigures | None = None) -> Any:
        return self.list_display if obj else ("user", "purpose")

    def get_readonly_fields(self, request: HttpRequest, obj: PersonFigures | None = None) -> Any:
        return self.list_display if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_decide_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("labeling.change_personfigures")

    def save_model(self, request: HttpRequest, obj: PersonFigures, form: Any, change: bool) -> None:
        row = ask_for_figures(user=obj.user, purpose=obj.purpose, by=person(request), now=timezone.now())
        obj.pk, obj.asked_by, obj.asked_at = row.pk, row.asked_by, row.asked_at

    @admin.action(description=gettext_lazy("Approve, under your name"), permissions=["decide"])
    def approve(self, request: HttpRequest, queryset: QuerySet[PersonFigures]) -> None:
        def deed(row: PersonFigures) -> str:
            approve_figures(row=row, by=person(request), now=timezone.now())
            return _("Figures about %(name)s are on, under your name.") % {"name": row.user}

        attempt(self, request, queryset, deed)

    @admin.action(description=gettext_lazy("End"), permissions=["decide"])
    def end(self, request: HttpRequest, queryset: QuerySet[PersonFigures]) -> None:
        n_ended = sum(end_figures(row=row, now=timezone.now()) for row in queryset)
        self.message_user(request, _("%(n)s ended.") % {"n": n_ended}, messages.SUCCESS)
