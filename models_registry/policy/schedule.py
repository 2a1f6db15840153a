"""Times at which a schedule asks for a run: a cron expression on a wall clock.

Wall-clock rules are those of Debian's cron: a time that the change to summer time skips comes right after the change,
one that the change back repeats comes once.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

N_FIELDS = 5
NO_TIME = (CronSimError, StopIteration, ValueError, OSError, KeyError)  # what cronsim and zoneinfo say of nonsense


def check_schedule(expression: str) -> None:
    """:raises ValueError: no cron expression of five fields, or a time that never comes."""
    if len(expression.split()) != N_FIELDS:
        raise ValueError("A schedule has five fields: minute, hour, day of the month, month, day of the week.")
    try:
        next(CronSim(expression, datetime(2024, 1, 1, tzinfo=UTC)))
    except NO_TIME as error:
        raise ValueError(f"“{expression}” is no schedule: {error}.") from error


def check_zone(zone: str) -> None:
    """:raises ValueError: no IANA time zone."""
    try:
        ZoneInfo(zone)
    except NO_TIME as error:
        raise ValueError(f"“{zone}” is no time zone.") from error


def last_time(expression: str, zone: str, *, now: datetime) -> datetime | None:
    """The last scheduled time up to ``now``; None where there is no schedule, or one that cannot be read."""
    return _last_time(expression, zone, now.astimezone(UTC).replace(second=0, microsecond=0)) if expression else None


@lru_cache(maxsize=4096)
def _last_time(expression: str, zone: str, minute: datetime) -> datetime | None:
    """The iterator goes back from before its start, so a time of this very minute needs a start after it."""
    try:
        after = (minute + timedelta(minutes=1)).astimezone(ZoneInfo(zone))
        return next(CronSim(expression, after, reverse=True)).astimezone(UTC)
    except NO_TIME:
        return None


def next_time(expression: str, zone: str, *, now: datetime) -> datetime | None:
    """The first scheduled time after ``now``; None as in `last_time`."""
    try:
        return next(CronSim(expression, now.astimezone(ZoneInfo(zone)))).astimezone(UTC) if expression else None
    except NO_TIME:
        return None
