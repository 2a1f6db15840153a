"""A session that began with a badge or a PIN: narrower than one with a password, and over with what opened it.

Four digits must not open the admin or promote a version, so the person is narrowed to looking and judging
(`labeling.access.narrowed`, as API keys are). A revoked device or badge, and a changed PIN, end such sessions within
the moment for which every process believes what it read (`labeling.memory`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from labeling import memory
from labeling.access import Scope, Verb, narrowed
from labeling.models import Badge, Pin, StationDevice, Switch

if TYPE_CHECKING:
    from django.contrib.sessions.backends.base import SessionBase

VERBS: frozenset[Verb] = frozenset({"view", "review", "adjudicate"})
SCOPE = Scope(verbs=VERBS)
KEY = "opened_by"  # in the session


@dataclass(frozen=True, slots=True)
class Opening:
    """What opened a session. Lives in it as plain data."""

    device: int
    method: str
    badge: int = 0
    pin_changed_at: str = ""


def begin(session: SessionBase, opening: Opening) -> None:
    session[KEY] = [opening.device, opening.method, opening.badge, opening.pin_changed_at]


def opening_of(session: SessionBase) -> Opening | None:
    """None for sessions that began with a password."""
    said = session.get(KEY)
    return Opening(*said) if said else None


def is_living(user_id: int, opening: Opening) -> bool:
    """Whether the device, and the badge or PIN, are still good; a yes is believed for as long as rights are."""
    return memory.remember((opening, user_id), lambda: _look(user_id, opening) or None) is not None


def _look(user_id: int, opening: Opening) -> bool:
    if not StationDevice.objects.filter(pk=opening.device, revoked_at__isnull=True).exists():
        return False
    if opening.method == Switch.Method.BADGE:
        return Badge.objects.filter(pk=opening.badge, user=user_id, revoked_at__isnull=True).exists()
    changed_at = datetime.fromisoformat(opening.pin_changed_at)
    return Pin.objects.filter(user=user_id, changed_at=changed_at).exists()


class ShortSessions:
    """Middleware, after Django's authentication: narrows who came by badge or PIN. Lazy, as the user itself is."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.user = SimpleLazyObject(partial(_person, request, request.user))  # type: ignore[assignment]
        return self.get_response(request)


def _person(request: HttpRequest, user: Any) -> Any:
    opening = opening_of(request.session) if user.is_authenticated else None
    if opening is None:
        return user
    if not is_living(user.pk, opening):
        return AnonymousUser()
    one = narrowed(user, SCOPE)
    one.is_staff = False
    return one
