"""API keys: made once, shown once, stored as a hash."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from labeling.models import ApiKey

if TYPE_CHECKING:
    from django.contrib.auth.models import User

KEY = re.compile(r"rk_(?P<prefix>[0-9a-f]{8})_[A-Za-z0-9_-]{43}")
USED_EVERY = timedelta(minutes=1)  # how often a busy key's last use is written down


def issue_key(*, user: User, name: str, now: datetime, expires_at: datetime | None = None) -> tuple[ApiKey, str]:
    """A new key and its text, which cannot be shown again."""
    prefix, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    text = f"rk_{prefix}_{secret}"
    key = ApiKey.objects.create(
        user=user, name=name, prefix=prefix, digest=_digest(text), created_at=now, expires_at=expires_at
    )
    return key, text


def find_key(text: str, *, now: datetime) -> ApiKey | None:
    """The living key that ``text`` is, else None. 256 random bits need no slow hash."""
    shape = KEY.fullmatch(text)
    if shape is None:
        return None
    key = ApiKey.objects.select_related("user").filter(prefix=shape["prefix"]).first()
    if key is None or not hmac.compare_digest(key.digest, _digest(text)):
        return None
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now) or not key.user.is_active:
        return None
    if key.last_used_at is None or now - key.last_used_at > USED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
