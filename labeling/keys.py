"""API keys: made once, shown once, stored as a hash, narrowed by a scope.

A key that was found is remembered by its process for `REMEMBERED_SECONDS`, so a request costs no query for it. A key
that was revoked, or whose user was deactivated, therefore dies within that time everywhere, and at once in the process
that revoked it; one that expires dies on time.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from django.conf import settings
from django.db.models import Q

from labeling.access import ALL_VERBS, Scope, Verb, narrowed
from labeling.models import ApiKey

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet

    from models_registry.models import RegisteredModel

KEY = re.compile(r"rk_(?P<prefix>[0-9a-f]{8})_[A-Za-z0-9_-]{43}")
USED_EVERY = timedelta(minutes=1)  # how often a busy key's last use is written down
REMEMBERED_SECONDS = 5.0
MOST_REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A living key as plain data."""

    pk: int
    user: User  # narrowed already; copied for each request
    scope: Scope
    requests_per_minute: int
    expires_at: datetime | None

    def is_over(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


_remembered: dict[str, tuple[float, KnownKey]] = {}  # by digest: the texts themselves are kept nowhere


def issue_key(
    *,
    user: User,
    name: str,
    now: datetime,
    expires_at: datetime | None = None,
    models: Iterable[RegisteredModel] = (),
    verbs: Iterable[Verb] = (),
    requests_per_minute: int | None = None,
) -> tuple[ApiKey, str]:
    """A new key and its text, which cannot be shown again. No ``models`` and no ``verbs``: all that the user may."""
    prefix, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    text = f"rk_{prefix}_{secret}"
    key = ApiKey.objects.create(
        user=user, name=name, prefix=prefix, digest=_digest(text), created_at=now, expires_at=expires_at,
        only_models=sorted(one.pk for one in models) or None, only_verbs=sorted(verbs) or None,
        requests_per_minute=requests_per_minute,
    )  # fmt: skip
    return key, text


def find_key(text: str, *, now: datetime) -> KnownKey | None:
    """The living key that ``text`` is, else None. 256 random bits need no slow hash."""
    shape = KEY.fullmatch(text)
    if shape is None:
        return None
    digest, moment = _digest(text), time.monotonic()
    until, known = _remembered.get(digest, (0.0, None))
    if known is None or until <= moment:
        _remembered.pop(digest, None)
        known = _read(shape["prefix"], digest, now)
        if known is None:
            return None
        if len(_remembered) >= MOST_REMEMBERED:
            forget_keys()
        _remembered[digest] = (moment + REMEMBERED_SECONDS, known)
    return None if known.is_over(now) else known


def revoke_keys(keys: QuerySet[ApiKey], *, now: datetime) -> int:
    """Refuse them from now on. Returns how many were still alive."""
    n_revoked = keys.filter(revoked_at=None).update(revoked_at=now)
    forget_keys()
    return n_revoked


def forget_keys() -> None:
    """Ask the database again for every key: what was remembered here may have changed."""
    _remembered.clear()


def _read(prefix: str, digest: str, now: datetime) -> KnownKey | None:
    key = ApiKey.objects.select_related("user").filter(prefix=prefix, revoked_at=None, user__is_active=True).first()
    if key is None or not hmac.compare_digest(key.digest, digest):
        return None
    scope = scope_of_key(key)
    limit = key.requests_per_minute or settings.KEY_REQUESTS_PER_MINUTE
    known = KnownKey(key.pk, narrowed(key.user, scope), scope, limit, key.expires_at)
    if not known.is_over(now):
        long_ago = Q(last_used_at=None) | Q(last_used_at__lt=now - USED_EVERY)
        ApiKey.objects.filter(long_ago, pk=key.pk).update(last_used_at=now)
    return known


def scope_of_key(key: ApiKey) -> Scope:
    return Scope(
        models=None if key.only_models is None else frozenset(key.only_models),
        verbs=ALL_VERBS if key.only_verbs is None else frozenset(cast(list[Verb], key.only_verbs)),
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
