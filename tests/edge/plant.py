"""A line's PC with the real agent, the real server, and the network cable between them, which can be pulled."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.db import connection

from reviewapp.embedded.lifeline import tied_to_this_process
from tests.conftest import PROJECT

AGENT = PROJECT / "edge" / "agent.py"
DEFAULTS = {"ok": "pass", "scratch": "reject"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def soon(condition: Callable[[], Any], *, within: float = 15.0) -> bool:
    end = time.monotonic() + within
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.03)
    return bool(condition())


@contextmanager
def serving(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The product's web server on this test's database."""
    database = os.environ["DATABASE_URL"].replace("/reviewapp?", f"/{connection.settings_dict['NAME']}?", 1)
    command = [sys.executable, "-m", "reviewapp.serve"]
    environment = os.environ | {"DATABASE_URL": database, "PORT": str(port), "REVIEWAPP_WEB_PROCESSES": "1"}
    process = subprocess.Popen(
        command, cwd=PROJECT, env=environment, start_new_session=True, preexec_fn=tied_to_this_process()
    )
    try:
        assert soon(lambda: _is_healthy(port), within=40)
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _is_healthy(port: int) -> bool:
    with suppress(OSError):
        return _request(port, "GET", "/healthz")[0] == 200
    return False


def _request(port: int, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        client.request(method, path, body, {"Content-Type": "application/json"})
        answer = client.getresponse()
        return answer.status, answer.read()
    finally:
        client.close()


class Cable:
    """Carries bytes from a port of its own to the server's. Pulled, nothing answers; cut, packets are lost silently."""

    def __init__(self, to: int) -> None:
        self.to, self.port, self.delay, self.swallows = to, free_port(), 0.0, False
        self.listener: socket.socket | None = None
        self.plug()

    def plug(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def pull(self) -> None:
        if self.listener is not None:
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.listener = None

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        with suppress(OSError), near:
            if self.swallows:
                while near.recv(65536):
                    pass
                return
            with socket.create_connection(("127.0.0.1", self.to)) as far:
                back = threading.Thread(target=self._copy, args=(far, near, self.delay), daemon=True)
                back.start()
                self._copy(near, far, 0)
                back.join()

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket, delay: float) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                time.sleep(delay)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


class AgentProcess:
    """The agent on the line's PC: a process that can be started, asked and killed."""

    def __init__(self, folder: Path, *, server_port: int, api_key: str, python: str = sys.executable) -> None:
        self.folder, self.python, self.port = folder, python, free_port()
        self.spool = folder / "spool"
        self.config: dict[str, Any] = {
            "server": f"http://127.0.0.1:{server_port}/api/v1", "api_key": api_key, "folder": str(self.spool),
            "port": self.port, "defaults": DEFAULTS, "answer_ms": 300,
        }  # fmt: skip
        self.process: subprocess.Popen[str] | None = None

    def start(self, *, limit: Callable[[], None] | None = None, **config: Any) -> None:
        path = self.folder / "edge.json"
        path.write_text(json.dumps(self.config | config))
        tie = tied_to_this_process()

        def before() -> None:
            tie()
            if limit is not None:
                limit()

        command = [self.python, str(AGENT), "--config", str(path)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=before)
        assert self.process.stdout is not None
        assert self.process.stdout.readline().startswith("listening on")

    def stop(self, number: int = signal.SIGKILL) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(10)
            self.process = None

    def post(self, said: Any) -> dict[str, Any]:
        status, body = _request(self.port, "POST", "/predictions/", json.dumps(said).encode())
        return {"http_status": status, **json.loads(body)}

    def timed(self, said: Any) -> tuple[dict[str, Any], float]:
        begin = time.monotonic()
        answer = self.post(said)
        return answer, time.monotonic() - begin

    def status(self) -> dict[str, Any]:
        return dict(json.loads(_request(self.port, "GET", "/status")[1]))

    def is_drained(self) -> bool:
        return bool(self.status()["queue"] == 0)

    def dead_letters(self) -> list[dict[str, Any]]:
        path = self.spool / "dead-letter.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def copy_of_spool(self, name: str) -> Path:
        return Path(shutil.copytree(self.spool, self.folder / name))
