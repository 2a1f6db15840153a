"""Who judges an audit: a person with the role, made when the installation has none yet."""

from __future__ import annotations

import secrets

from django.contrib.auth.models import User
from django.db import transaction

from labeling.access import reach
from labeling.models import Membership
from models_registry.models import RegisteredModel


@transaction.atomic
def let_judge(registered_model: RegisteredModel, *, username: str) -> str | None:
    """See to it that ``username`` may judge. Returns the password of an account that was made for it: told once."""
    user, is_new = User.objects.get_or_create(username=username, defaults={"first_name": username.capitalize()})
    password = None
    if is_new:
        password = secrets.token_urlsafe(9)
        user.set_password(password)
        user.save()
    if "review" not in reach(user, registered_model).everywhere:
        Membership.objects.get_or_create(
            user=user, registered_model=registered_model, role=Membership.Role.INSPECTOR, site=None
        )
    return password
