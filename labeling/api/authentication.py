"""`Authorization: Bearer rk_…` for systems; people come with their session."""

from __future__ import annotations

import copy
import math
from typing import Any, cast

from django.contrib.auth.models import User
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request

from labeling.keys import find_key
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


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = ApiKeyAuthentication
    name = "ApiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
