"""What the keeper (`serve`) must know about a server."""

from __future__ import annotations

import importlib.util
import platform
import pwd
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from reviewapp.embedded.errors import EngineError


@dataclass(frozen=True)
class Server:
    """A prepared server: its data exist, nothing runs yet."""

    title: str
    command: list[str]
    environment: dict[str, str]
    account: pwd.struct_passwd | None
    stop_signal: signal.Signals
    answers: Callable[[], bool]
    settle: Callable[[], None]  # once, when it answers
    count_clients: Callable[[], int]
    shorten: Callable[[str], str | None]  # a line of its log; None: not worth showing


def package_folder(package: str, program: str, *, setting: str) -> Path:
    """Where an installed wheel lies, found without running its code."""
    spec = importlib.util.find_spec(package)
    folder = Path(spec.origin).parent if spec and spec.origin else None
    if folder is None or not (folder / program).exists():
        raise EngineError(
            f"There is no embedded server for {platform.system()} {platform.machine()}: the package "
            f"{package.replace('_', '-')} has wheels for Linux and macOS only and is not installed here. "
            f"Set {setting} to a server of yours."
        )
    return folder
