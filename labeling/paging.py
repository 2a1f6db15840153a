"""Pages by key: each begins where the last one ended, costs the same however deep, and is stable while rows arrive.

Big tables have no index over all their rows in time, only one per lane (a station's inspections, a version's
predictions), since each index costs the ingest. A page reads the newest rows of every lane, which is a short walk down
each lane's index, and takes the newest of them.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from django.contrib.postgres.expressions import ArraySubquery
from django.db import OperationalError, connection, transaction
from django.db.models import Case, Model, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.lookups import Exact, IsNull
from psycopg.errors import QueryCanceled

from labeling.incoming import why_no_moment
from reviewapp.errors import ReviewAppError

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE, MOST = 50, 500
PATIENCE_MS = 5000


class Position(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The last row that was seen: its moment, where the list is in order of time, and its key."""

    pk: int
    moment: datetime | None = None

    def is_of(self, *, timed: bool) -> bool:
        return 0 < self.pk < 2**63 and (self.moment is not None) == timed and not why_no_moment(self.moment)

    def as_text(self) -> str:
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")

    @classmethod
    def from_text(cls, text: str, *, timed: bool) -> Position:
        """:raises ReviewAppError: not a cursor of such a list."""
        try:
            found = msgspec.json.decode(
                base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True), type=cls
            )
        except (binascii.Error, ValueError, msgspec.DecodeError):
            found = None
        if (
            found is None
            or not 0 < found.pk < 2**63
            or (found.moment is not None) != timed
            or why_no_moment(found.moment)
        ):
            raise ReviewAppError(
                "The cursor is not one of this list. Take it from `next` as it is.",
                code="invalid", fields={"cursor": "Not a cursor of this list."},
            )  # fmt: skip
        return found


def some(rows: QuerySet[Any]) -> Q:
    """Whether there is one of ``rows``, which refer to the outer row: looked up for each row that is passed.

    PostgreSQL may answer an EXISTS by reading the inner table from end to end, once, which is cheap for a whole answer
    and ruinous for a page of it. A scalar look-up leaves it no choice.
    """
    return Q(IsNull(Subquery(rows.order_by().values("pk")[:1]), False))


def none(rows: QuerySet[Any]) -> Q:
    """Whether there is none of ``rows``."""
    return likely(Q(IsNull(Subquery(rows.order_by().values("pk")[:1]), True)))


def likely(condition: Q) -> Q:
    """The condition, said so that the planner expects it to be true. For an equality or IS NULL it expects one row in
    two hundred, and would rather read and sort all rows than walk down an index until a page is full.
    """
    return ~Q(Exact(Case(When(condition, then=Value(1)), default=Value(0)), 0))


@dataclass(frozen=True, slots=True)
class Lanes:
    """Where the rows of one condition lie: ``owners`` (stations, versions), each with an index by ``moment``."""

    owners: Sequence[int]
    condition: Q


@dataclass(frozen=True, slots=True)
class InTime:
    """An order by ``moment`` that is indexed for each ``owner``."""

    owner: str  # the foreign key
    model: type[Model]  # of the owner
    moment: str


def newest_in_lanes(
    rows: QuerySet[Any], order: InTime, lanes: Sequence[Lanes], *, after: Position | None, size: int
) -> QuerySet[Any]:
    """The ``size`` newest rows, older than a position."""
    by = (f"-{order.moment}", "-pk")
    ids: list[int] = []
    for one in lanes:
        mine = rows.filter(one.condition, **{order.owner: OuterRef("pk")}).order_by(*by)
        if after is not None:
            same = Q(**{order.moment: after.moment, "pk__lt": after.pk})
            mine = mine.filter(
                same | Q(**{f"{order.moment}__lt": after.moment}), **{f"{order.moment}__lte": after.moment}
            )
        heads = ArraySubquery(mine.values("pk")[:size])
        owners = order.model._default_manager.filter(pk__in=one.owners).annotate(heads=heads)
        ids += [pk for found in owners.order_by().values_list("heads", flat=True) for pk in found or ()]
    found: QuerySet[Any] = rows.model._default_manager.filter(pk__in=ids).order_by(*by)[:size]
    return found


def newest(rows: QuerySet[Any], *, after: Position | None, size: int) -> QuerySet[Any]:
    """The ``size`` rows with the highest keys after a position."""
    return (rows if after is None else rows.filter(pk__lt=after.pk)).order_by("-pk")[:size]


@contextmanager
def patiently() -> Iterator[None]:
    """No list keeps the database busy for longer than this. :raises ReviewAppError: it was asked for too much."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {PATIENCE_MS}")
            yield
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        raise ReviewAppError(
            "So many rows have to be looked through that it takes too long. Ask for one model, a station or a shorter"
            " time.", code="too_broad",
        ) from error  # fmt: skip
