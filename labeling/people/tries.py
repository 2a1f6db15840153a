"""How often somebody may guess. Counted in the database before the look, so parallel guesses count as well."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeVar

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from labeling.models import Pin, StationDevice
from reviewapp.errors import ReviewAppError

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(days=1)
MOST_DOUBLINGS = 12  # beyond it the wait is the longest one anyhow

Guessed = TypeVar("Guessed", Pin, StationDevice)


class TooManyTries(ReviewAppError):
    """Nothing was looked at."""

    code = "too_many_tries"
    http_status = 429


def wait_after(n_failed: int, *, free: int) -> timedelta | None:
    """How long nobody may try again: nothing for the first ``free`` failures, then a minute, doubled by each more.

    Four digits are 10,000 PINs: at most ``free`` + 11 guesses on the first day and one a day from then on.
    """
    if n_failed < free:
        return None
    doublings: int = min(n_failed - free, MOST_DOUBLINGS)
    return min(LONGEST_WAIT, FIRST_WAIT * (1 << doublings))


@transaction.atomic
def count_try(rows: QuerySet[Guessed], *, free: int, now: datetime) -> Guessed | None:
    """Count a try on the one row, as if it had failed; whoever was right clears it (`clear_tries`).

    None where there is no such row. :raises TooManyTries: locked; this try is not counted.
    """
    row = rows.select_for_update(of=("self",)).first()
    if row is None:
        return None
    if row.locked_until is not None and row.locked_until > now:
        minutes = -(-int((row.locked_until - now).total_seconds()) // 60)
        raise TooManyTries(_("Too many tries. Try again in %(n)s min, or sign in with your password.") % {"n": minutes})
    row.n_failed += 1
    wait = wait_after(row.n_failed, free=free)
    row.locked_until = now + wait if wait else None
    row.save(update_fields=["n_failed", "locked_until"])
    return row


def clear_tries(row: Pin | StationDevice) -> None:
    type(row)._default_manager.filter(pk=row.pk).update(n_failed=0, locked_until=None)
