"""Badges and PINs: given, taken away, and recognised. What they open is a shift at a station, nothing else."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib.auth.hashers import check_password, make_password
from django.db import IntegrityError, transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from labeling.models import Badge, Pin
from labeling.people.tries import clear_tries, count_try
from reviewapp.errors import Conflict, ReviewAppError

if TYPE_CHECKING:
    from django.contrib.auth.models import User

FREE_TRIES = 5
PIN_SHAPE = re.compile(r"[0-9]{4,8}")
UP, DOWN = "01234567890", "09876543210"
# Signs that readers send around the number: those of magnetic stripes, to which other readers can be set.
START, END = "%;", "?"
BADGE_SHAPE = re.compile(r"[\x21-\x7e]{6,64}")


class BadPin(ReviewAppError):
    code = "bad_pin"


def set_pin(*, user: User, pin: str, now: datetime) -> Pin:
    """The person's PIN from now on. :raises BadPin: not four to eight digits, or the first that anybody tries."""
    if not PIN_SHAPE.fullmatch(pin):
        raise BadPin(_("A PIN has four to eight digits."), fields={"pin": _("Four to eight digits.")})
    if len(set(pin)) == 1 or pin in UP or pin in DOWN:
        raise BadPin(_("That is the first PIN anybody tries. Choose another."), fields={"pin": _("Too easy.")})
    said = {"hash": make_password(pin), "changed_at": now, "n_failed": 0, "locked_until": None}
    return Pin.objects.update_or_create(user=user, defaults=said)[0]


def remove_pin(*, user: User) -> bool:
    return Pin.objects.filter(user=user).delete()[0] > 0


def person_by_pin(*, user_id: int, pin: str, now: datetime) -> User | None:
    """Who that is, None if the PIN is not theirs. As slow for people who have none, so that nobody learns who has.

    :raises TooManyTries: nothing was looked at.
    """
    mine = count_try(Pin.objects.filter(user=user_id, user__is_active=True), free=FREE_TRIES, now=now)
    right = check_password(pin, mine.hash if mine else make_password(""))
    if mine is None or not right:
        return None
    clear_tries(mine)
    user: User = mine.user
    return user


def badge_text(typed: str) -> str | None:
    """The number that a reader typed, without the signs around it; None for what no badge says."""
    text = typed.strip().lstrip(START).removesuffix(END)
    return text if BADGE_SHAPE.fullmatch(text) else None


def give_badge(*, user: User, typed: str, name: str, by: User, now: datetime) -> Badge:
    """:raises ReviewAppError: no badge's text. :raises Conflict: another person, or this one, has it already."""
    text = badge_text(typed)
    if text is None:
        why = _("A badge's number has 6 to 64 letters and digits, without spaces.")
        raise ReviewAppError(why, code="bad_badge", fields={"typed": why})
    try:
        with transaction.atomic():
            return Badge.objects.create(user=user, name=name, digest=badge_digest(text), created_by=by, created_at=now)
    except IntegrityError as error:
        raise Conflict(_("That badge is given out already."), code="badge_taken") from error


def badge_digest(text: str) -> str:
    """Keyed: badge numbers are short, and whoever reads the table alone must not find them by trying."""
    return salted_hmac("labeling.badge", text, algorithm="sha256").hexdigest()


def badge_of(typed: str) -> Badge | None:
    """The living badge with that text, of a person who may sign in."""
    text = badge_text(typed)
    if text is None:
        return None
    living = Badge.objects.filter(digest=badge_digest(text), revoked_at=None, user__is_active=True)
    return living.select_related("user").first()
