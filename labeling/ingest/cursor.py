"""The database as psycopg sees it, below Django's cursors: COPY, pipelines, statements that are prepared once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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
