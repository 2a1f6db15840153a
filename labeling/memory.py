"""What a process has read and believes for a moment (`REVIEWAPP_CATALOG_SECONDS`), so that a request need not ask.

Only what may be told late by so much: rights, policies, names. A refusal is never remembered, nor anything of a part,
a review or a verdict.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from django.conf import settings
from django.db.models import Model, QuerySet

T = TypeVar("T")
M = TypeVar("M", bound=Model)
MOST_REMEMBERED = 4000
_remembered: dict[Hashable, tuple[float, object]] = {}


def remember(key: Hashable, read: Callable[[], T]) -> T:
    """What ``read`` returned within the last seconds, or returns now. None is not remembered."""
    now = time.monotonic()
    until, known = _remembered.get(key, (0.0, None))
    if known is not None and now < until:
        return known  # type: ignore[return-value]
    value = read()
    _keep(key, value, now)
    return value


def rows_of(rows: QuerySet[M], keys: Iterable[int | None]) -> dict[int, M]:
    """The rows with these keys, in one query for all that are not remembered. ``rows`` says what comes with them."""
    found: dict[int, M] = {}
    now, missing = time.monotonic(), []
    for key in {one for one in keys if one is not None}:
        until, known = _remembered.get((rows.model, key), (0.0, None))
        if known is not None and now < until:
            found[key] = known  # type: ignore[assignment]
        else:
            missing.append(key)
    if missing:
        for row in rows.filter(pk__in=missing):
            found[row.pk] = row
            _keep((rows.model, row.pk), row, now)
    return found


def forget(key: Hashable = None) -> None:
    """Ask the database again: for one thing, or for everything that was remembered here."""
    if key is None:
        _remembered.clear()
    else:
        _remembered.pop(key, None)


def _keep(key: Hashable, value: object, now: float) -> None:
    if len(_remembered) >= MOST_REMEMBERED:
        _remembered.clear()
    _remembered[key] = (now + settings.CATALOG_SECONDS, value)
