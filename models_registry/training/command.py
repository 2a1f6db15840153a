"""Another program as a trainer: started in a process group of its own, watched, and ended with all that it started.

It gets a minimal environment, a manifest and a folder to write to. It tells how far it is in lines of JSON on its
standard output, ``{"progress": 0.4, "message": "epoch 4 of 10", "metrics": {"loss": 0.3}}``; other lines go to the log
of which the end is kept.
At the end it leaves ``result.json`` in its folder: ``{"artifact": "model.onnx", "sha256": "…", "metrics": {…}}``.
"""

from __future__ import annotations

import hashlib
import os
import resource
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import msgspec
import psutil

from models_registry.training.declared import CommandTrainer
from reviewapp.embedded.lifeline import tied_to_this_process
from reviewapp.errors import ReviewAppError

MARK = "REVIEWAPP_TRAINING"
"""In the environment of everything that a run starts: by it whatever is left is found, wherever it went."""
TICK = 0.2  # seconds between two looks at the limits
GRACE = 5.0  # seconds between being asked to end and being ended
LONGEST_LINE = 8_192
MOST_RESULT_BYTES = 1_000_000
SUFFIXES = (".onnx", ".skops")
MB = 2**20
Report = Callable[[float, str], None]
Numbers = Callable[[Mapping[str, Any]], None]


class CommandFailed(ReviewAppError):
    """The program did not do what a trainer does. Says what, and what to do."""

    code = "trainer_failed"
    http_status = 409


class Result(msgspec.Struct, frozen=True):
    """What the program says that it made. ``artifact`` is a file in its folder."""

    artifact: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    metrics: dict[str, float | int | str | None] = {}


class Line(msgspec.Struct):
    progress: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    message: str = ""
    metrics: dict[str, Any] = {}


@dataclass(slots=True)
class _Watch:
    """What is watched while the program runs."""

    process: subprocess.Popen[bytes]
    mark: str
    trainer: CommandTrainer
    folder: Path
    tell: Callable[[str], None]
    report: Report
    numbers: Numbers
    started: float
    heard: float
    n_bytes: int = 0
    share: float = 0.0
    rest: bytes = field(default=b"")


def run(
    trainer: CommandTrainer,
    *,
    manifest: Path,
    folder: Path,
    seed: int,
    config: Mapping[str, Any],
    mark: str,
    tell: Callable[[str], None],
    report: Report,
    numbers: Numbers,
) -> tuple[Path, Result]:
    """Run the program to its end. Returns the verified artifact and what was said of it.

    ``mark`` names the run: what an attempt before left running under it is ended first. ``tell`` hears lines of the
    log, ``numbers`` what it measured, ``report`` the progress, and may raise to break off. :raises CommandFailed:
    """
    end_all(mark)
    settings = folder / "config.json"
    settings.write_bytes(msgspec.json.encode({"seed": seed, "config": {**trainer.config, **config}}))
    with _started(trainer, [str(manifest), str(folder), str(settings)], folder, mark) as process:
        now = time.monotonic()
        _follow(_Watch(process, mark, trainer, folder, tell, report, numbers, started=now, heard=now))
    if process.returncode != 0:
        raise CommandFailed(f"The trainer ended with {_ending(process.returncode)}. The end of its log says more.")
    return _result(folder, trainer)


@contextmanager
def _started(
    trainer: CommandTrainer, arguments: list[str], folder: Path, mark: str
) -> Iterator[subprocess.Popen[bytes]]:
    """The program in a group of its own; whatever happens, nothing of it runs afterwards."""
    environment = {"PATH": os.defpath, "HOME": str(folder), "TMPDIR": str(folder), "LANG": "C.UTF-8", MARK: mark}
    tie = tied_to_this_process(signal.SIGKILL)
    most = trainer.disk_mb * MB

    def prepare() -> None:
        tie()
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    try:
        process = subprocess.Popen(
            [*trainer.command, *arguments], cwd=folder, env=environment | trainer.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            preexec_fn=prepare, bufsize=0,
        )  # fmt: skip
    except OSError as error:
        raise CommandFailed(
            f"The trainer's program cannot be started: {error}. Look at the file of trainers."
        ) from error
    try:
        yield process
    finally:
        _end(process, mark)


def _follow(watch: _Watch) -> None:
    """Read what the program says until it ends, and look at its limits. :raises CommandFailed: one was passed."""
    stream = watch.process.stdout
    assert stream is not None  # noqa: S101 - it is a pipe
    os.set_blocking(stream.fileno(), False)
    looked = time.monotonic()
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while watch.process.poll() is None:
            if selector.select(TICK):
                _read(watch, stream.fileno())
            if time.monotonic() - looked >= TICK:
                _look(watch)
                looked = time.monotonic()
    while _read(watch, stream.fileno()):
        """What it said last."""
    _heard(watch, watch.rest)


def _read(watch: _Watch, descriptor: int) -> bool:
    """Hear a piece of the output. False: there is nothing (now)."""
    try:
        piece = os.read(descriptor, 65_536)
    except BlockingIOError:
        return False
    if not piece:
        time.sleep(TICK / 4)  # it closed its output and works on
        return False
    watch.n_bytes += len(piece)
    if watch.n_bytes > watch.trainer.log_mb * MB:
        raise CommandFailed(f"The trainer wrote more than {watch.trainer.log_mb} MB of log and was ended.")
    watch.heard = time.monotonic()
    *lines, watch.rest = (watch.rest + piece).split(b"\n")
    for line in lines:
        _heard(watch, line)
    if len(watch.rest) > LONGEST_LINE:
        _heard(watch, watch.rest)
        watch.rest = b""
    return True


def _heard(watch: _Watch, line: bytes) -> None:
    if line.startswith(b"{"):
        with suppress(msgspec.DecodeError):
            said = msgspec.json.decode(line[:LONGEST_LINE], type=Line)
            watch.share = watch.share if said.progress is None else said.progress
            if said.metrics:
                watch.numbers(said.metrics)
            watch.report(watch.share, said.message[:200].replace("\x00", ""))
            return
    if line.strip():
        watch.tell(line[:LONGEST_LINE].decode("utf-8", "replace"))


def _look(watch: _Watch) -> None:
    trainer, now = watch.trainer, time.monotonic()
    watch.report(watch.share, "")  # raises when the run was cancelled
    if now - watch.started > 60 * trainer.minutes:
        raise CommandFailed(f"The trainer took more than {trainer.minutes} minutes and was ended.")
    if now - watch.heard > 60 * trainer.silent_minutes:
        raise CommandFailed(f"The trainer said nothing for {trainer.silent_minutes} minutes and was ended.")
    used = sum(_resident(one) for one in _family(watch.process, watch.mark)) / MB
    if used > trainer.memory_mb:
        raise CommandFailed(
            f"The trainer used {used:.0f} MB of memory, {trainer.memory_mb} MB are allowed: it was ended."
        )
    size = _size(watch.folder) / MB
    if size > trainer.disk_mb:
        raise CommandFailed(f"The trainer wrote {size:.0f} MB, {trainer.disk_mb} MB are allowed: it was ended.")


def _family(process: subprocess.Popen[bytes], mark: str) -> list[psutil.Process]:
    try:
        own = psutil.Process(process.pid)
        return [own, *own.children(recursive=True)]
    except psutil.Error:
        return _marked(mark)


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.lstat().st_size
    return total


def _end(process: subprocess.Popen[bytes], mark: str) -> None:
    """First ask, then insist; then look for what left the group."""
    if process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
    end_all(mark)


def end_all(mark: str) -> None:
    """End every process of a run on this machine, also what left its group or outlived a worker that was killed.

    Waits until the last has given back its memory, and with it the mark: a signal is sent before it is obeyed.
    """
    until = time.monotonic() + GRACE
    while (left := _marked(mark)) and time.monotonic() < until:
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        time.sleep(TICK / 10)


def _marked(mark: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARK) == mark:
                found.append(process)
    return found


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with suppress(ValueError):
        return f"signal {signal.Signals(-code).name}"
    return f"signal {-code}"


def _result(folder: Path, trainer: CommandTrainer) -> tuple[Path, Result]:
    """What was made, if it is what the program says. :raises CommandFailed:"""
    try:
        with (folder / "result.json").open("rb") as file:
            result = msgspec.json.decode(file.read(MOST_RESULT_BYTES), type=Result)
    except FileNotFoundError as error:
        raise CommandFailed("The trainer ended without a result.json in its folder (docs/trainers.md).") from error
    except (OSError, msgspec.DecodeError) as error:
        raise CommandFailed(f"The trainer's result.json cannot be read: {error}") from error
    path = folder / result.artifact
    if path.is_symlink() or not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
        raise CommandFailed(f"The trainer's artifact “{result.artifact}” is no file in its folder.")
    if path.suffix not in SUFFIXES:
        raise CommandFailed(f"The trainer's artifact “{result.artifact}” is neither .onnx nor .skops.")
    if path.stat().st_size > trainer.disk_mb * MB:
        raise CommandFailed(f"The trainer's artifact has more than {trainer.disk_mb} MB.")
    if hashlib.sha256(path.read_bytes()).hexdigest() != result.sha256:
        raise CommandFailed(
            f"The trainer's artifact “{result.artifact}” has another sha256 than it says. Nothing was taken."
        )
    return path, result
