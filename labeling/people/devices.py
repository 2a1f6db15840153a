"""Shared screens: a browser that was registered at a station carries a secret. Badge and PIN are good there only."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from labeling.models import Station, StationDevice
from reviewapp.errors import NotAllowed

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.http import HttpRequest, HttpResponse

COOKIE = "reviewapp_device"
COOKIE_AGE = timedelta(days=400)  # the most that browsers keep
USED_EVERY = timedelta(minutes=10)
SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


class NotAtADevice(NotAllowed):
    """Badge and PIN are good at a registered screen only."""

    code = "device_not_registered"


def register(*, station: Station, name: str, by: User, now: datetime) -> tuple[StationDevice, str]:
    """A device and its secret, which only the browser's cookie keeps."""
    secret = secrets.token_urlsafe(32)
    device = StationDevice.objects.create(
        station=station, name=name, digest=_digest(secret), registered_by=by, registered_at=now
    )
    return device, secret


def remember(response: HttpResponse, secret: str) -> None:
    """Put the secret into the browser, out of reach of scripts."""
    response.set_cookie(
        COOKIE, secret, max_age=COOKIE_AGE, httponly=True, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE
    )


def device_of(request: HttpRequest, *, now: datetime) -> StationDevice | None:
    """The living device that this request comes from."""
    secret = request.COOKIES.get(COOKIE, "")
    if not SECRET.fullmatch(secret):
        return None
    device = (
        StationDevice.objects.select_related("station__site")
        .filter(digest=_digest(secret), revoked_at__isnull=True)
        .first()
    )
    if device is not None:
        long_ago = Q(last_used_at=None) | Q(last_used_at__lt=now - USED_EVERY)
        StationDevice.objects.filter(long_ago, pk=device.pk).update(last_used_at=now)
    return device


def require_device(request: HttpRequest, *, now: datetime) -> StationDevice:
    """:raises NotAtADevice: this browser is none, or not any more."""
    device = device_of(request, now=now)
    if device is None:
        raise NotAtADevice(_("This screen is not registered at a station. Sign in with your password."))
    return device


def revoke(devices: QuerySet[StationDevice], *, now: datetime) -> int:
    """Nobody changes there from now on, and who came there by badge or PIN is out. Returns how many were alive."""
    return devices.filter(revoked_at__isnull=True).update(revoked_at=now)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
