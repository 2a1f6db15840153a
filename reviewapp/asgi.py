"""The one door: who waits is held by the event loop, everything else goes to Django in a pool of threads.

`python -m reviewapp.serve` serves it.
"""

from __future__ import annotations

import asyncio
import gc
import os
import re
from typing import Any

import psycopg

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewapp.settings")

from django.conf import settings
from django.db import close_old_connections, connection

from reviewapp import wsgi
from reviewapp.bridge import Bridge, Receive, Scope, Send
from reviewapp.waiting import Waits

# After Django was set up by `wsgi`: these have models.
from labeling.dispositions import CHANNEL  # isort: skip
from labeling.tasks import release_dispositions  # isort: skip

REVIEW = re.compile(r"/api/v1/reviews/0*([0-9]{1,19})/")
OF_PSYCOPG = ("dbname", "user", "password", "host", "port", "sslmode", "sslrootcert", "sslcert", "sslkey", "service")
ALIVE = {"connect_timeout": 5, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}


class Door:
    def __init__(self, bridge: Bridge, *, most_waits: int) -> None:
        self.bridge = bridge
        self.waits = Waits(
            bridge, connect=_connect, channel=CHANNEL, act=self._release, most=most_waits,
            asking=max(1, settings.WEB_THREADS // 2),
        )  # fmt: skip

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        review = REVIEW.fullmatch(scope["path"]) if b"wait=" in scope["query_string"] else None
        if review is not None and scope["method"] == "GET":
            return await self.waits(scope, receive, send, key=review[1])
        await self.bridge(scope, receive, send)

    def close(self) -> None:
        self.waits.close()

    async def _release(self) -> object:
        return await asyncio.get_running_loop().run_in_executor(self.bridge.pool, _release)


def _release() -> None:
    close_old_connections()
    try:
        release_dispositions()
    finally:
        close_old_connections()


async def _connect() -> psycopg.AsyncConnection:
    """A connection of the event loop's own, to the database that Django uses."""
    params: dict[str, Any] = connection.get_connection_params()
    named = {name: params[name] for name in OF_PSYCOPG if name in params}
    return await psycopg.AsyncConnection.connect(**ALIVE | named, autocommit=True)


application = Door(
    Bridge(wsgi.application, threads=settings.WEB_THREADS, max_bytes=settings.MAX_REQUEST_BYTES),
    most_waits=settings.MAX_WAITS,
)

# What is loaded by now lives as long as the process: the garbage collector need not walk over it again and again, which
# had cost a fifth of the time of a bulk request.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 50)
