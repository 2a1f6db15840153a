"""What a caller may send for a model, remembered by each process for a moment: a single part costs no look-ups.

What changes meanwhile (a design, a label, a membership) holds everywhere after `REVIEWAPP_CATALOG_SECONDS`. A refusal
is never remembered.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from django.conf import settings

from labeling.access import Reach, reach, require, scope_of
from labeling.catalog import ModelCatalog, SourceCatalog

if TYPE_CHECKING:
    from django.contrib.auth.models import User

T = TypeVar("T")
MOST_REMEMBERED = 2000
_remembered: dict[Hashable, tuple[float, object]] = {}


@dataclass(frozen=True, slots=True)
class Desk:
    """Where one caller hands in the rows of one model."""

    catalog: ModelCatalog
    reach: Reach


def desk(user: User, slug: str) -> Desk:
    """:raises NotFound, NotAllowed: not for this caller."""

    def read() -> Desk:
        registered_model = require(user, "ingest", slug)
        return Desk(ModelCatalog(registered_model), reach(user, registered_model))

    return _remember((user.pk, scope_of(user), slug), read)


def sources() -> SourceCatalog:
    return _remember("sources", SourceCatalog)


def forget() -> None:
    """Ask the database again: what was remembered here has changed."""
    _remembered.clear()


def _remember(key: Hashable, read: Callable[[], T]) -> T:
    now = time.monotonic()
    until, known = _remembered.get(key, (0.0, None))
    if known is not None and now < until:
        return known  # type: ignore[return-value]
    value = read()
    if len(_remembered) >= MOST_REMEMBERED:
        _remembered.clear()
    _remembered[key] = (now + settings.CATALOG_SECONDS, value)
    return value
