"""``python -m reviewapp.serve``: the web server. gunicorn keeps the processes, uvicorn speaks HTTP in each.

gunicorn binds the address, replaces a process that ends or no longer answers, and ends those that outlive the grace
period. In each process an event loop holds the connections and a pool of threads runs Django (`bridge.py`).
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import sys
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewapp.settings")

import uvicorn
from django.conf import settings
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.util import import_app
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn_worker import UvicornWorker

from reviewapp.embedded.lifeline import die_with_parent

APPLICATION = "reviewapp.asgi:application"
HEADER_BYTES = 65_536
HEADER_SECONDS = 20.0
KEEP_ALIVE_SECONDS = 30
CONNECTIONS = 4096  # of one process
GRACE_SECONDS = 3
SILENT_SECONDS = 60  # a process whose event loop does not turn for so long is replaced


class Protocol(HttpToolsProtocol):
    """uvicorn's, which bounds neither the size of a request's head nor the time in which it arrives."""

    _n_head = 0
    _in_head = True
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            self._n_head += len(data)
            if self._n_head > HEADER_BYTES:
                self._refuse_head(431)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._await_head()

    def on_headers_complete(self) -> None:
        self._head_arrived()
        super().on_headers_complete()

    def _await_head(self) -> None:
        self._in_head, self._n_head = True, 0
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEADER_SECONDS, self._refuse_head, 408)

    def _head_arrived(self) -> None:
        self._in_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse_head(self, status: int) -> None:
        if not self.transport.is_closing():
            self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
            self.transport.close()


class Server(uvicorn.Server):
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Whoever waits is answered before the grace period ends."""
        getattr(self.config.app, "close", lambda: None)()
        await super().shutdown(sockets)


class Worker(UvicornWorker):  # type: ignore[misc]
    CONFIG_KWARGS = {
        "loop": "uvloop", "http": Protocol, "ws": "none", "lifespan": "off", "proxy_headers": False,
        "server_header": False, "limit_concurrency": CONNECTIONS,
    }  # fmt: skip

    def init_process(self) -> None:
        die_with_parent()
        super().init_process()

    async def _serve(self) -> None:
        """uvicorn's, with our server."""
        self.config.app = self.wsgi
        server = Server(config=self.config)
        self._install_sigquit_handler()
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)

    async def callback_notify(self) -> None:
        """Every half a minute: say that the loop turns, and end with a parent that was killed (Linux tells at once)."""
        if os.getppid() != self.ppid:
            os.kill(os.getpid(), signal.SIGTERM)
        await super().callback_notify()


class WebServer(BaseApplication):  # type: ignore[misc]
    def __init__(self, application: str, options: dict[str, Any]) -> None:
        self.application, self.options = application, options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return import_app(self.application)


def main(arguments: list[str]) -> None:
    """Serve until SIGTERM. ``arguments`` may name another application, ``module:name``."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)  # a connection is an open file
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4 * CONNECTIONS)), hard))
    options = {
        "bind": f"{settings.WEB_BIND}:{settings.WEB_PORT}",
        "workers": settings.WEB_PROCESSES,
        "worker_class": Worker,
        "timeout": SILENT_SECONDS,
        "graceful_timeout": GRACE_SECONDS,
        "keepalive": KEEP_ALIVE_SECONDS,
        "loglevel": "warning",
        "control_socket_disable": True,
    }
    WebServer(arguments[0] if arguments else APPLICATION, options).run()


if __name__ == "__main__":
    main(sys.argv[1:])
