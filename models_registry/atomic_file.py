"""A file that appears whole, on disk and hashed, or not at all."""

import hashlib
import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self


class AtomicFile:
    """Writes beside `path` under a temporary name; leaving the `with` block flushes, syncs and renames, an error
    removes.

    `sha256` is valid after the block. The folder is synced too, or a power cut could forget the new name. Raises
    OSError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._digest = hashlib.sha256()

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.", suffix=".part")
        self._temporary = Path(name)
        self._file = os.fdopen(descriptor, "wb")
        return self

    def write(self, content: bytes) -> None:
        """Append bytes."""
        self._digest.update(content)
        self._file.write(content)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            with self._file:
                if kind is None:
                    self._file.flush()
                    os.fsync(self._file.fileno())
            if kind is None:
                self._temporary.replace(self._path)
                _sync_folder(self._path.parent)
        finally:
            self._temporary.unlink(missing_ok=True)

    @property
    def sha256(self) -> str:
        """Hex digest of what was written."""
        return self._digest.hexdigest()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
