"""The product as it runs: embedded engines that survive a power cut, the web server, people. In a folder of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from benchmarks.printed import ROOT
from reviewapp.embedded.lifeline import tied_to_this_process
from reviewapp.embedded.running import running

PASSWORD = "benchmark"  # noqa: S105 - of throw-away people


@dataclass(frozen=True)
class Stack:
    """A running product. ``api_key`` ingests; people are named inspector-0 … and share a password."""

    url: str
    api_key: str
    model: str
    server: psutil.Process
    database_url: str

    def rss_mb(self) -> float:
        """Resident memory of the largest web process."""
        family = [self.server, *self.server.children(recursive=True)]
        return round(max(one.memory_info().rss for one in family) / 1e6, 1)


@contextmanager
def stack(*, inspectors: int = 1, reviews: int = 0, budget: float = 0.05) -> Iterator[Stack]:
    """Start everything, seed it, yield it, end it."""
    folder = Path(tempfile.mkdtemp(prefix="reviewapp-bench-"))
    try:
        with running(folder, durable=True) as engines:
            os.environ |= {
                "DATABASE_URL": engines.database_url, "REDIS_URL": engines.redis_url, "REVIEWAPP_VAR": str(folder),
                "DJANGO_SETTINGS_MODULE": "reviewapp.settings", "REVIEWAPP_LOG_LEVEL": "ERROR",
            }  # fmt: skip
            key = _seed(inspectors, reviews, budget)
            with _server() as (url, process):
                yield Stack(
                    url=url,
                    api_key=key,
                    model="bench",
                    server=psutil.Process(process.pid),
                    database_url=engines.database_url,
                )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _seed(inspectors: int, reviews: int, budget: float) -> str:
    """In a process of its own, since Django reads its settings once."""
    command = [sys.executable, "-m", "benchmarks.seed", str(inspectors), str(reviews), str(budget)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise RuntimeError(answer.stderr[-2000:])
    return answer.stdout.strip().splitlines()[-1]


@contextmanager
def _server() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "reviewapp.serve"]
    environment = os.environ | {"PORT": str(port)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, preexec_fn=tied_to_this_process())
    try:
        _await(f"http://127.0.0.1:{port}/healthz")
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        process.wait(20)


def _await(url: str) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            if httpx.get(url, timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        if time.monotonic() > end:
            raise TimeoutError(f"{url} does not answer")
        time.sleep(0.2)
