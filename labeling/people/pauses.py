"""A pause: what the person holds goes back, and a row says from when to when."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from labeling.models import Pause
from labeling.people.switching import give_back

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def begin_pause(*, user: User, now: datetime) -> Pause:
    """The open pause; a second click changes nothing. Parts that are held go back to the queue."""
    pause = Pause.objects.get_or_create(user_id=user.pk, ended_at=None, defaults={"started_at": now})[0]
    give_back(user_id=user.pk)
    return pause


def end_pause(*, user: User, now: datetime) -> bool:
    """Back at work. False where there was no pause."""
    return Pause.objects.filter(user_id=user.pk, ended_at__isnull=True, started_at__lte=now).update(ended_at=now) > 0


def open_pause(user: User) -> Pause | None:
    return Pause.objects.filter(user_id=user.pk, ended_at__isnull=True).first()
