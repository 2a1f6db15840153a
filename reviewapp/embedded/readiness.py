"""Wait for the engines, wherever they are."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import environ
import psycopg
import redis

from reviewapp.embedded.errors import EngineError

_DJANGO_ONLY = {"assume_role", "isolation_level", "pool", "server_side_binding"}


def wait_until_ready(
    database_url: str, redis_url: str, *, timeout: float = 60, still_starting: Callable[[], None] = lambda: None
) -> None:
    """Return when both engines answer and the database exists.

    ``still_starting`` is called between the tries and may raise if waiting has become pointless.
    Raises `EngineError` with the last error after ``timeout`` seconds.
    """
    deadline = time.monotonic() + timeout
    _try_until(
        deadline,
        "PostgreSQL",
        "DATABASE_URL",
        _without_password(database_url),
        lambda: _select(database_url),
        still_starting,
    )
    _try_until(deadline, "Redis", "REDIS_URL", _without_password(redis_url), lambda: _ping(redis_url), still_starting)


def _try_until(
    deadline: float,
    title: str,
    setting: str,
    where: str,
    attempt: Callable[[], None],
    still_starting: Callable[[], None],
) -> None:
    while True:
        try:
            return attempt()
        except (psycopg.OperationalError, redis.RedisError) as error:
            still_starting()
            if time.monotonic() > deadline:
                raise EngineError(
                    f"{title} does not answer at {where} (set by {setting}, else embedded): {error}"
                ) from error
        time.sleep(0.1)


def _select(database_url: str) -> None:
    """Read the URL as the settings do: what works here works there."""
    parsed: dict[str, Any] = environ.Env.db_url_config(database_url)
    named = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}
    address = {name: parsed[key] for name, key in named.items() if parsed.get(key)}
    options = {name: value for name, value in parsed.get("OPTIONS", {}).items() if name not in _DJANGO_ONLY}
    psycopg.connect(**{"connect_timeout": 3} | address | options).close()


def _ping(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url, socket_connect_timeout=3, socket_timeout=3) as client:
        client.ping()


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return url if not parts.password else url.replace(f":{parts.password}@", ":***@", 1)
