"""A zip archive written as a stream: nothing is kept but the table of contents. Pure."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from models_registry.atomic_file import AtomicFile

STORED = {".jpg", ".jpeg", ".png", ".webp"}  # compressed already
Member = tuple[str, Iterable[bytes]]


class Drain(io.RawIOBase):
    """What the archive writes, until it is taken."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._waiting.append(bytes(data))
        return len(self._waiting[-1])

    def take(self) -> bytes:
        taken = b"".join(self._waiting)
        self._waiting.clear()
        return taken


def zipped(members: Iterable[Member]) -> Iterator[bytes]:
    """The bytes of the archive, as its members come."""
    drain = Drain()
    with zipfile.ZipFile(drain, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, blocks in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_STORED if Path(name).suffix.lower() in STORED else zipfile.ZIP_DEFLATED
            with archive.open(info, "w", force_zip64=True) as file:
                for block in blocks:
                    file.write(block)
                    yield drain.take()
            yield drain.take()
    yield drain.take()


def into_folder(members: Iterable[Member], folder: Path) -> Iterator[str]:
    """Write each member below ``folder``, whole or not at all. The names, as they are written."""
    for name, blocks in members:
        with AtomicFile(folder / name) as file:
            for block in blocks:
                file.write(block)
        yield name
