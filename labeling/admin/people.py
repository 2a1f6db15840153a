"""People, groups and the roles they have on a model or a site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from unfold.forms import AdminPasswordChangeForm, PaginationInlineFormSet, UserChangeForm, UserCreationForm

from labeling.models import Membership
from models_registry.admin.base import ModelAdmin, ModelForm
from models_registry.models import RegisteredModel

if TYPE_CHECKING:
    BaseUserAdmin = DjangoUserAdmin[User]
    BaseMembershipFormSet = forms.BaseInlineFormSet[Membership, RegisteredModel, Any]
else:
    BaseUserAdmin = DjangoUserAdmin
    BaseMembershipFormSet = PaginationInlineFormSet


class MembershipForm(ModelForm):
    """A role holds for one model or for one site, and is given once."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "site" not in self.fields or "registered_model" not in self.fields:
            return cleaned  # inside a model's page, where the model is given
        if bool(cleaned.get("site")) == bool(cleaned.get("registered_model")):
            self.add_error("site", _("Choose a model or a site: one of the two, not both."))
        return cleaned


class MembershipFormSet(BaseMembershipFormSet):
    """The members of one model. Two new rows that say the same are told apart here, not by the database."""

    def clean(self) -> None:
        super().clean()
        kept = [form.cleaned_data for form in self.forms if form.cleaned_data and not form.cleaned_data.get("DELETE")]
        roles = [(row.get("user"), row.get("role")) for row in kept]
        if len(roles) != len(set(roles)):
            raise ValidationError(_("A person has the same role twice."))


@admin.register(Membership)
class MembershipAdmin(ModelAdmin):
    form = MembershipForm
    list_display = ("user", "role", "registered_model", "site", "created_at")
    list_select_related = ("user", "registered_model", "site")
    list_filter = ("role", "registered_model", "site")
    search_fields = ("user__username", "user__first_name", "user__last_name", "registered_model__name", "site__name")
    autocomplete_fields = ("user", "registered_model", "site")


admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(BaseUserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):
    """Django's groups, for permissions in this panel. Roles on models are memberships."""
