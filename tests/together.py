"""Several calls in the same moment, each in its own thread with its own database connection."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

T = TypeVar("T")


def together(calls: Sequence[Callable[[], T]]) -> list[T | Exception]:
    """Start all at once. Returns what each returned, or what it raised (a test that expects none uses `all_done`)."""
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], T]) -> T | Exception:
        try:
            connection.ensure_connection()
            start.wait(20)
            return call()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def all_done(calls: Sequence[Callable[[], T]]) -> list[T]:
    """The same where nothing may be raised. :raises Exception: the first that was."""
    done: list[T] = []
    for found in together(calls):
        if isinstance(found, Exception):
            raise found
        done.append(found)
    return done
