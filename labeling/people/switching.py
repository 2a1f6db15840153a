"""Another person takes the screen: recognised by badge or PIN, signed in with a new session, written down."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib.auth import login
from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from labeling.models import Badge, Pin, Review, StationDevice, Switch
from labeling.people import passes
from labeling.people.short_sessions import Opening, begin
from labeling.people.stations import works_at
from labeling.people.tries import clear_tries, count_try
from reviewapp.errors import NotAllowed

if TYPE_CHECKING:
    from django.http import HttpRequest

log = logging.getLogger(__name__)
DEVICE_TRIES = 20
BACKEND = "django.contrib.auth.backends.ModelBackend"


class NotRecognised(NotAllowed):
    """Wrong badge, wrong PIN, or nobody of this station: one answer for all three."""

    code = "not_recognised"


@dataclass(frozen=True, slots=True)
class Shown:
    """What somebody showed: a badge, or a name and a PIN."""

    badge: str = ""
    person: int | None = None
    pin: str = ""


def switch(
    request: HttpRequest, *, device: StationDevice, shown: Shown, now: datetime, keep: Collection[int] = ()
) -> Switch:
    """Sign in whoever ``shown`` is, at ``device``. Who leaves gives their parts back, but for those of ``keep``: their
    verdicts are on this screen and not sent yet.

    :raises TooManyTries: at this screen or for this person. :raises NotRecognised: nobody who judges at the station.
    """
    count_try(StationDevice.objects.filter(pk=device.pk), free=DEVICE_TRIES, now=now)
    came, opening = _recognised(device, shown, now)
    if came is None or opening is None or not works_at(came, device.station):
        log.warning("not recognised at device %s (%s)", device.pk, "badge" if shown.badge else "pin")
        raise NotRecognised(_("Badge or PIN is not known at this station."))
    clear_tries(device)
    left = request.user.pk if request.user.is_authenticated else None
    if left is not None and left != came.pk:
        give_back(user_id=left, but=keep)
    login(request, came, backend=BACKEND)  # a new session: nothing of the last person's is left in it
    begin(request.session, opening)
    return Switch.objects.create(
        device=device, station=device.station, left_id=left, came=came, method=opening.method, switched_at=now
    )


def _recognised(device: StationDevice, shown: Shown, now: datetime) -> tuple[User | None, Opening | None]:
    if shown.badge:
        badge = passes.badge_of(shown.badge)
        return (badge.user, _by_badge(device, badge)) if badge else (None, None)
    person = passes.person_by_pin(user_id=shown.person or 0, pin=shown.pin, now=now)
    return (person, _by_pin(device, person.pin)) if person else (None, None)


def _by_badge(device: StationDevice, badge: Badge) -> Opening:
    return Opening(device.pk, Switch.Method.BADGE.value, badge=badge.pk)


def _by_pin(device: StationDevice, pin: Pin) -> Opening:
    return Opening(device.pk, Switch.Method.PIN.value, pin_changed_at=pin.changed_at.isoformat())


def give_back(*, user_id: int, but: Collection[int] = ()) -> int:
    """What a person holds is free again. Returns how many that were."""
    held = Review.objects.open().filter(claimed_by=user_id).exclude(pk__in=but)
    return held.update(claimed_by=None, claim_expires_at=None)
