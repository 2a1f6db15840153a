"""What every admin page of ours shares: the theme's classes with types, read-only history, and refusals as messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.forms import ActionForm
from unfold.widgets import UnfoldAdminTextInputWidget

from reviewapp.errors import ReviewAppError

if TYPE_CHECKING:
    from django.contrib import admin

    # The theme has no types of its own; its classes have Django's interface.
    ThemedModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
    StackedInline = admin.StackedInline[Any, Any]
    ModelForm = forms.ModelForm[Any]
else:
    from django.forms import ModelForm
    from unfold.admin import ModelAdmin as ThemedModelAdmin
    from unfold.admin import StackedInline, TabularInline

__all__ = [
    "HistoryAdmin",
    "ModelAdmin",
    "ModelForm",
    "ReadOnly",
    "ReasonForm",
    "StackedInline",
    "TabularInline",
    "attempt",
    "person",
]


class ModelAdmin(ThemedModelAdmin):
    """Lists that stay fast: no second count over the whole table, thirty rows a page, filters applied at once."""

    show_full_result_count = False
    list_per_page = 30


class ReadOnly:
    """A mixin: whoever may look may look, and nobody may add, change or delete, superusers included."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class HistoryAdmin(ReadOnly, ModelAdmin):
    """Rows that services wrote: evidence, not a form."""


class ReasonForm(ActionForm):  # type: ignore[misc]
    """The bar under a list, with a field for the reason that decisions are kept with."""

    reason = forms.CharField(
        label="",
        required=False,
        max_length=1000,
        widget=UnfoldAdminTextInputWidget(
            {"placeholder": _("Reason, kept with the decision"), "aria-label": _("Reason")}
        ),
    )


def person(request: HttpRequest) -> User:
    """Who is asking; the admin site has let nobody else in. :raises PermissionDenied: nobody."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def attempt(
    model_admin: ThemedModelAdmin, request: HttpRequest, rows: Iterable[Any], deed: Callable[[Any], str]
) -> None:
    """Do ``deed`` to each row: the sentence it returns becomes a message, its refusal an error message."""
    for row in rows:
        try:
            with transaction.atomic():
                message = deed(row)
        except ReviewAppError as error:
            model_admin.message_user(request, f"{row}: {error.message}", messages.ERROR)
        else:
            model_admin.message_user(request, message, messages.SUCCESS)
