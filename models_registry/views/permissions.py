"""Who may see and decide here. Asked through `has_perm`, so that the registry learns nothing about memberships."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from django.contrib.auth import get_backends
from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from models_registry.models import Dataset, RegisteredModel
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


def visible_models(user: User | AnonymousUser) -> list[RegisteredModel]:
    """Models with datasets, and so with runs, that ``user`` may see, by name. One query, however many there are.

    A backend that knows of all models at once says so by `models_with_perm(user, perm)`, a queryset.
    """
    asked = [ask(user, VIEW) for one in get_backends() if (ask := getattr(one, "models_with_perm", None))]
    allowed = reduce(or_, [Q(pk__in=rows.order_by().values("pk")) for rows in asked], Q(pk__in=[]))
    has_some = Exists(Dataset.objects.filter(registered_model=OuterRef("pk")))
    return list(RegisteredModel.objects.filter(allowed, has_some).order_by("name", "pk"))
