"""A word to the next shift. It stands at the station until that shift is over, and for ever in the list of notes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from labeling.incoming import why_unstorable
from labeling.models import HandoverNote, Station
from reviewapp.errors import ReviewAppError

if TYPE_CHECKING:
    from django.contrib.auth.models import User

LONGEST = 2000
WITHOUT_SHIFTS = timedelta(days=1)
MOST_SHOWN = 5


def write_note(*, station: Station, author: User, text: str, now: datetime) -> HandoverNote:
    """:raises ReviewAppError: nothing said, too much, or what no table can hold."""
    text = text.strip()
    why = _why_not(text)
    if why:
        raise ReviewAppError(why, code="invalid", fields={"text": why})
    day, shift = station.site.day_and_shift(now)
    return HandoverNote.objects.create(
        station=station, author_id=author.pk, text=text, day=day, shift=shift, written_at=now,
        shown_until=end_of_next_shift(station, now),
    )  # fmt: skip


def _why_not(text: str) -> str:
    if not text:
        return _("Nothing is written yet.")
    if len(text) > LONGEST:
        return _("At most %(n)s characters.") % {"n": LONGEST}
    return _("The note %(what)s.") % {"what": what} if (what := why_unstorable(text)) else ""


def end_of_next_shift(station: Station, now: datetime) -> datetime:
    """By the site's calendar; where it has none, a day later."""
    end = station.site.shift_end(now)
    after = station.site.shift_end(end) if end else None
    return after or now + WITHOUT_SHIFTS


def standing_notes(station: Station, *, now: datetime) -> QuerySet[HandoverNote]:
    """What is shown there now, newest first."""
    notes = station.handover_notes.filter(shown_until__gt=now)
    return notes.select_related("author", "station__site").order_by("-pk")[:MOST_SHOWN]
