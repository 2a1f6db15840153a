"""Where the embedded servers keep their data and sockets, and the URLs that lead there. Nothing is created here."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, quote, urlsplit

Engine = Literal["postgres", "redis"]

POSTGRES_PORT = 5432  # no TCP: it is part of the socket's name
ROLE = DATABASE = "reviewapp"
SOCKET_NAMES: dict[Engine, str] = {"postgres": f".s.PGSQL.{POSTGRES_PORT}", "redis": "redis.sock"}
LONGEST_SOCKET_PATH = 103  # bytes: 107 on Linux, 103 on macOS
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")


def data_folder(var: Path, engine: Engine) -> Path:
    return _absolute(var) / engine


def socket_folder(var: Path, engine: Engine) -> Path:
    """``var/run/<engine>``, or a short folder of this user's under the temporary directory if that would be too long.

    Unusual characters move it too: libpq, redis-py and kombu do not agree on how to write them in a URL.
    """
    folder = _absolute(var) / "run" / engine
    if len(os.fsencode(folder / SOCKET_NAMES[engine])) <= LONGEST_SOCKET_PATH and PLAIN_PATH.fullmatch(str(folder)):
        return folder
    digest = hashlib.sha256(os.fsencode(_absolute(var))).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"reviewapp-{os.geteuid()}-{digest}-{engine}"


def database_url(var: Path) -> str:
    """In the form that libpq, psycopg and django-environ all read.

    The port is named so that a PGPORT in somebody's shell changes nothing.
    """
    return f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(socket_folder(var, 'postgres')))}&port={POSTGRES_PORT}"


def redis_socket(var: Path) -> Path:
    return socket_folder(var, "redis") / SOCKET_NAMES["redis"]


def redis_url(var: Path, db: int = 0) -> str:
    """For redis-py and Django's cache; Celery wants `celery_broker_url`."""
    return f"unix://{quote(str(redis_socket(var)))}?db={db}"


def celery_broker_url(redis_url: str) -> str:
    """The same Redis in kombu's words. A URL that is not of a Unix socket passes as it is."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    db = parse_qs(parts.query).get("db", ["0"])[0]
    return f"redis+socket://{parts.path}?virtual_host={db}"


def _absolute(var: Path) -> Path:
    return Path(os.path.abspath(var))  # noqa: PTH100  `Path.absolute` keeps "..", and two names would mean two sockets
