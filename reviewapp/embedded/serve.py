"""Keeps one server in the foreground: starts it, shows its log, passes on the wish to stop, never leaves it behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import psycopg
import redis

from reviewapp.embedded import postgres_server, redis_server
from reviewapp.embedded.addresses import Engine
from reviewapp.embedded.errors import EngineError
from reviewapp.embedded.lifeline import tied_to_this_process
from reviewapp.embedded.server import Server

# A process manager stops everything at once and kills after 5 s. The others need their server to finish what they do.
CLIENTS_MAY_TAKE_SECONDS = 3.5
PREPARE: dict[Engine, Callable[..., Server]] = {"postgres": postgres_server.prepare, "redis": redis_server.prepare}


def serve(engine: Engine, var: Path, *, durable: bool = True) -> int:
    """Run until the server ends or SIGTERM/SIGINT asks for it; the exit code is the server's.

    Raises `EngineError` if it cannot start.
    """
    started = time.monotonic()
    var.mkdir(parents=True, exist_ok=True)
    lock = _lock(var / f"{engine}.lock", data=var / engine)
    server = PREPARE[engine](var, durable=durable)
    asked_to_stop = threading.Event()

    def ask(signum: int, frame: FrameType | None) -> None:
        asked_to_stop.set()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    process = _start(server, lock)
    threading.Thread(target=_relay, args=(server, process), daemon=True).start()
    patience = CLIENTS_MAY_TAKE_SECONDS if durable else 0.0
    threading.Thread(target=_stop_when_asked, args=(asked_to_stop, server, process, patience), daemon=True).start()
    _settle(server, process, asked_to_stop, started)
    code = process.wait()
    return code if code >= 0 else 128 - code


def _lock(path: Path, *, data: Path) -> int:
    """Take the lock of a data folder. Every process of the server inherits it, so it is free only if none is left.

    A server whose keeper was killed needs a moment to leave: that is waited for.
    """
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except PermissionError as error:
        raise EngineError(f"{path}: {error.strerror}. The app was probably started as another user before.") from error
    deadline = time.monotonic() + 5
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            keeper = os.pread(lock, 20, 0).decode().strip()
            if _is_alive(keeper) or time.monotonic() > deadline:
                raise EngineError(
                    f"A server already runs on {data} (process {keeper or 'unknown'}). Stop that one first, "
                    f"or set REVIEWAPP_VAR to another folder."
                ) from None
            time.sleep(0.05)
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        pass
    return True


def _start(server: Server, lock: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        server.command,
        env=server.environment,
        cwd="/",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        pass_fds=(lock,),
        start_new_session=True,  # a signal to the keeper's group must not reach it before its clients have left
        preexec_fn=tied_to_this_process(server.stop_signal),
        **postgres_server.run_as(server.account),
    )


def _relay(server: Server, process: subprocess.Popen[str]) -> None:
    """Show the server's log. It goes on reading when nobody listens any more, or the server would block."""
    for line in process.stdout or ():
        if (text := server.shorten(line.rstrip())) is not None:
            with contextlib.suppress(OSError):
                print(text, flush=True)  # noqa: T201


def _stop_when_asked(asked: threading.Event, server: Server, process: subprocess.Popen[str], patience: float) -> None:
    asked.wait()
    deadline = time.monotonic() + patience
    with contextlib.suppress(psycopg.Error, redis.RedisError):
        while time.monotonic() < deadline and process.poll() is None and server.count_clients():
            time.sleep(0.1)
    process.send_signal(server.stop_signal)


def _settle(server: Server, process: subprocess.Popen[str], asked: threading.Event, started: float) -> None:
    while process.poll() is None and not server.answers():
        time.sleep(0.05)
    if process.poll() is not None or asked.is_set():
        return
    try:
        server.settle()
    except psycopg.Error as error:
        if not asked.is_set():
            process.send_signal(server.stop_signal)
            process.wait()
            raise EngineError(
                f"{server.title} answers, but the application's database could not be made: {error}"
            ) from error
        return
    sys.stdout.write(f"{server.title} ready after {time.monotonic() - started:.1f} s\n")
    sys.stdout.flush()
