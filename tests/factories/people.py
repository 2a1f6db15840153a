"""People and their roles: alice (inspector), bob (second inspector), lena (ML lead), charlie (no rights)."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib.auth.models import User

from labeling.models import Membership, Qualification, Site
from models_registry.models import RegisteredModel
from tests.factories.base import NOW
from tests.factories.registry import make_model

PASSWORD = "a long enough password"


def make_user(name: str = "alice", *, is_staff: bool = False, is_superuser: bool = False, **fields: Any) -> User:
    """A person by name; asked for twice, the same one. Staff are staff, not superusers, unless asked for."""
    fields = {"first_name": name.capitalize(), "is_staff": is_staff, "is_superuser": is_superuser, **fields}
    user, is_new = User.objects.get_or_create(username=name, defaults=fields)
    if is_new:
        user.set_password(PASSWORD)
        user.save()
    return user


def make_member(
    role: str = "inspector",
    *,
    user: User | None = None,
    registered_model: RegisteredModel | None = None,
    site: Site | None = None,
) -> User:
    """The person who has ``role`` on a model (or a site): alice inspects, lena leads, unless a user is given."""
    user = user or make_user({"inspector": "alice", "lead": "lena"}.get(role, role))
    if site is None and registered_model is None:
        registered_model = make_model()
    Membership.objects.get_or_create(user=user, role=role, registered_model=registered_model, site=site)
    return user


def make_qualification(*, registered_model: RegisteredModel | None = None, **fields: Any) -> Qualification:
    """For all of a model's parts, to the end of time, unless said otherwise."""
    return Qualification.objects.create(
        registered_model=registered_model or make_model(),
        **{
            "user": make_user(), "valid_until": date.max, "proof": "Course 7", "granted_by": make_user("lena"),
            "granted_at": NOW, **fields,
        },
    )  # fmt: skip
