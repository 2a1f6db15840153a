"""Both embedded engines as children of this process: for tests, benchmarks and scripts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from reviewapp.embedded.addresses import database_url, redis_url
from reviewapp.embedded.errors import EngineError
from reviewapp.embedded.lifeline import tied_to_this_process
from reviewapp.embedded.readiness import wait_until_ready

PROJECT = Path(__file__).resolve().parent.parent.parent
STOP_SECONDS = 15


@dataclass(frozen=True)
class Engines:
    """Started servers. They end with this process, whatever becomes of it."""

    var: Path
    database_url: str
    redis_url: str
    _keepers: list[subprocess.Popen[bytes]] = field(default_factory=list, repr=False)

    def wait(self, *, timeout: float = 60) -> None:
        wait_until_ready(self.database_url, self.redis_url, timeout=timeout, still_starting=self._check)

    def _check(self) -> None:
        for engine, keeper in zip(("postgres", "redis"), self._keepers, strict=True):
            if keeper.poll() is not None:
                said = (self.var / f"{engine}.log").read_text(errors="replace")[-2000:].strip()
                raise EngineError(f"The embedded {engine} ended with code {keeper.returncode}: {said}")

    def stop(self) -> None:
        for keeper in self._keepers:
            keeper.terminate()
        for keeper in self._keepers:
            try:
                keeper.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                keeper.kill()
                keeper.wait()


def start(var: Path, *, durable: bool = False) -> Engines:
    """Start both servers on data under ``var`` and return at once; call `Engines.wait` before the first use.

    Without ``durable`` a power cut loses data and Redis keeps nothing: fast, for data that are thrown away.
    """
    var = var.absolute()
    var.mkdir(parents=True, exist_ok=True)
    engines = Engines(var=var, database_url=database_url(var), redis_url=redis_url(var))
    for engine in ("postgres", "redis"):
        command = [
            sys.executable,
            "-m",
            "reviewapp.embedded",
            engine,
            "--var",
            str(var),
            *([] if durable else ["--fast"]),
        ]
        with (var / f"{engine}.log").open("wb") as log:
            keeper = subprocess.Popen(
                command,
                cwd=PROJECT,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us: we stop them when we are done
                preexec_fn=tied_to_this_process(),
            )
        engines._keepers.append(keeper)
    return engines


@contextmanager
def running(var: Path, *, durable: bool = False, timeout: float = 60) -> Iterator[Engines]:
    """Both engines, ready; stopped at the end. The data under ``var`` stay."""
    engines = start(var, durable=durable)
    try:
        engines.wait(timeout=timeout)
        yield engines
    finally:
        engines.stop()
