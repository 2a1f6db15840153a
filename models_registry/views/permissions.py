"""Who may see and decide here. Asked through `has_perm`, so that the registry learns nothing about memberships."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from models_registry.models import RegisteredModel
from reviewapp.errors import NotAllowed, NotFound

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser
    from django.http import HttpRequest

VIEW = "models_registry.view_registeredmodel"
DECIDE = "models_registry.decide_registeredmodel"


def person(request: HttpRequest) -> User:
    """Who is signed in. :raises NotAllowed: nobody is, which `login_required` has ruled out before."""
    if not isinstance(request.user, User):
        raise NotAllowed(_("Log in first."))
    return request.user


def require_view(user: User | AnonymousUser, registered_model: RegisteredModel) -> None:
    """:raises NotFound: strangers do not learn that it exists."""
    if not user.has_perm(VIEW, registered_model):
        raise NotFound(_("There is nothing here for you."))


def require_decide(user: User | AnonymousUser, registered_model: RegisteredModel) -> None:
    """:raises NotFound: may not see the model. :raises NotAllowed: may see it, but not decide about its versions."""
    require_view(user, registered_model)
    if not user.has_perm(DECIDE, registered_model):
        raise NotAllowed(_("Your role on this model does not allow to decide about its versions."))


def visible_models(user: User | AnonymousUser) -> list[int]:
    """Models with runs that ``user`` may see."""
    with_runs = RegisteredModel.objects.filter(runs__isnull=False).order_by("pk").distinct()
    return [registered_model.pk for registered_model in with_runs if user.has_perm(VIEW, registered_model)]
