"""``python -m reviewapp.up``: everything in the Procfile, in one terminal, until Ctrl-C or SIGTERM.

The embedded servers are left out where the operator named a server of theirs.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import environ
from honcho.environ import parse_procfile
from honcho.manager import Manager
from honcho.printer import Printer
from honcho.process import Popen, Process

from reviewapp.embedded.lifeline import die_with_parent

PROJECT = Path(__file__).resolve().parent.parent
EMBEDDED = {"postgres": "DATABASE_URL", "redis": "REDIS_URL"}
STOPPED_BY_REQUEST = {128 + signal.SIGINT, 128 + signal.SIGTERM}


def chosen_processes(procfile: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The Procfile's processes, without the servers that somebody else runs."""
    processes: dict[str, str] = parse_procfile(procfile).processes
    return {name: command for name, command in processes.items() if not environment.get(EMBEDDED.get(name, ""))}


class TiedProcess(Process):  # type: ignore[misc]
    """A process that is asked to stop even if this runner is killed."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._child_ctor = partial(Popen, preexec_fn=die_with_parent)

    def run(self, *args: Any, **options: Any) -> None:
        die_with_parent(signal.SIGKILL)
        super().run(*args, **options)


class PatientManager(Manager):  # type: ignore[misc]
    """honcho's manager, for which a signal may also come while the processes are being started."""

    def __init__(self, printer: Printer) -> None:
        super().__init__(printer)
        self._process_ctor = TiedProcess
        self._stop_wanted = False

    def terminate(self) -> None:
        if self._all_started():
            super().terminate()
        self._stop_wanted = True

    def _any_stopped(self) -> bool:
        return self._stop_wanted or super()._any_stopped()


def main() -> int:
    environ.Env.read_env(PROJECT / ".env")  # what the settings read; it decides here which servers are ours
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    os.environ["PYTHONUNBUFFERED"] = "1"
    manager = PatientManager(Printer(sys.stdout, colour=sys.stdout.isatty()))
    for name, command in chosen_processes((PROJECT / "Procfile").read_text(), os.environ).items():
        manager.add_process(name, command, cwd=str(PROJECT), env=dict(os.environ))
    manager.loop()
    return 0 if manager.returncode in STOPPED_BY_REQUEST else int(manager.returncode or 0)


if __name__ == "__main__":
    sys.exit(main())
