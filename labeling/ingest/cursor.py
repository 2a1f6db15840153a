"""The database as psycopg sees it, below Django's cursors: COPY, pipelines, statements that are prepared once."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import psycopg
from django.db import connection


@contextmanager
def psycopg_cursor() -> Iterator[psycopg.Cursor[Any]]:
    """A cursor on Django's own connection, in its transaction. Errors are Django's.

    Values travel beside the statement, so a statement that is sent often is planned once a connection.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        yield cursor


HEARD_SECONDS = 2.0  # so long a connection that answered is taken to be alive
NAME = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True, slots=True)
class Statement:
    """A long statement in PostgreSQL's own numbering, made once: psycopg would take it apart each time it is sent."""

    text: bytes
    names: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Statement:
        """``text`` with ``%(name)s`` where values go, and no other percent sign."""
        names = tuple(dict.fromkeys(NAME.findall(text)))
        return cls(NAME.sub(lambda found: f"${names.index(found[1]) + 1}", text).encode(), names)

    def send(self, cursor: psycopg.RawCursor[Any], values: Mapping[str, Any]) -> psycopg.RawCursor[Any]:
        return cursor.execute(cast(Any, self.text), [values[name] for name in self.names], prepare=True)


@contextmanager
def statement_cursor() -> Iterator[psycopg.RawCursor[Any]]:
    """As `psycopg_cursor`, for a `Statement`. A connection that was silent for a while is tried first, as Django does;
    one that has just answered is not asked again with every request.
    """
    connection.ensure_connection()
    now = time.monotonic()
    if now - getattr(connection, "heard_at", 0.0) < HEARD_SECONDS:
        connection.health_check_done = True  # type: ignore[attr-defined]
    elif not connection.in_atomic_block:
        connection.close_if_health_check_failed()
        connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.RawCursor(connection.connection) as cursor:
        yield cursor
    connection.heard_at = now  # type: ignore[attr-defined]
