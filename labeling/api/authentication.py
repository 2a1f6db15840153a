"""`Authorization: Bearer rk_…` for systems; people come with their session."""

from __future__ import annotations

import copy
import math
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone
from drf_spectacular.authentication import SessionScheme
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request

from labeling import memory
from labeling.keys import find_key
from labeling.people.short_sessions import Opening, is_living, opening_of
from labeling.rate_limit import seconds_to_wait


def person(request: Request) -> User:
    """Who asks. The default permission has let nobody in without a name."""
    return cast(User, request.user)


class RateLimited(Throttled):
    """The key asked too often. Its answer says in `Retry-After` when to come again."""

    default_code = "rate_limited"

    def __init__(self, seconds: float) -> None:
        wait = math.ceil(seconds)
        super().__init__(wait, f"This key has asked too often. Ask again in {wait} s.")


class ApiKeyAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        words = get_authorization_header(request).split()
        if len(words) != 2 or words[0].lower() not in {b"bearer", b"token"}:
            return None
        key = find_key(words[1].decode("latin-1"), now=timezone.now())
        if key is None:
            raise AuthenticationFailed("This API key is unknown, expired or revoked.", code="key_refused")
        if wait := seconds_to_wait(f"key:{key.pk}", per_minute=key.requests_per_minute):
            raise RateLimited(wait)
        return copy.copy(key.user), key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class RememberedSession(SessionAuthentication):
    """A person's session, believed for as long as rights are (`labeling.memory`), for what the station asks all day.

    A session that is ended, or whose person is deactivated, is therefore refused here within two seconds and at once
    everywhere else. Who came by badge or PIN is asked about as always. CSRF is checked each time.
    """

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        plain = request._request
        key = plain.COOKIES.get(settings.SESSION_COOKIE_NAME)
        if not key:
            return None
        user, opening = memory.remember(("session", key), lambda: _signed_in(plain)) or (None, None)
        if user is None or (opening is not None and not is_living(user.pk, opening)):
            return None
        self.enforce_csrf(request)
        return copy.copy(user), None


def _signed_in(plain: HttpRequest) -> tuple[User, Opening | None] | None:
    """Whose session it is, as the middlewares say, and what opened it. None for nobody, who is not remembered."""
    if not plain.user.is_authenticated or not plain.user.is_active:
        return None
    return copy.copy(plain.user), opening_of(plain.session)


class RememberedSessionScheme(SessionScheme):  # type: ignore[no-untyped-call]
    target_class = "labeling.api.authentication.RememberedSession"


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = ApiKeyAuthentication
    name = "ApiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
