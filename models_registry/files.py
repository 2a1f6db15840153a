"""The file store that web and workers share: images, manifests, artifacts. Keys are content hashes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage, storages

from models_registry.atomic_file import AtomicFile
from reviewapp.errors import ReviewAppError


class FileMissing(ReviewAppError):
    """A row names a file that the store does not hold."""

    code = "file_missing"
    http_status = 410


class FileChanged(ReviewAppError):
    """A file is not what its recorded hash says."""

    code = "file_changed"
    http_status = 409


def put(key: str, data: bytes) -> None:
    """Store ``data`` under ``key``: whole or not at all. The same key always means the same bytes."""
    if _is_local() and _holds(key, len(data)):
        return
    if _is_local():
        _write_atomically(Path(default_storage.path(key)), data)
    elif not default_storage.exists(key):
        default_storage.save(key, ContentFile(data))


def read(key: str, *, sha256: str | None = None) -> bytes:
    """The bytes under ``key``.

    :raises FileMissing: there are none. :raises FileChanged: they do not match ``sha256``.
    """
    try:
        with default_storage.open(key, "rb") as handle:
            data: bytes = handle.read()
    except (FileNotFoundError, OSError) as error:
        raise FileMissing(f"The file {key} is not in the store.") from error
    if sha256 and hashlib.sha256(data).hexdigest() != sha256:
        raise FileChanged(f"The file {key} is not what was recorded: its hash differs.")
    return data


def local_copy(key: str) -> Path:
    """A path on this machine for ``key``, fetched once when the store is elsewhere. The reader checks the hash."""
    if _is_local():
        return Path(default_storage.path(key))
    path = settings.VAR / "cache" / key
    if not path.exists():
        _write_atomically(path, read(key))
    return path


def _is_local() -> bool:
    return isinstance(storages["default"], FileSystemStorage)


def _holds(key: str, size: int) -> bool:
    return default_storage.exists(key) and default_storage.size(key) == size


def _write_atomically(path: Path, data: bytes) -> None:
    with AtomicFile(path) as file:
        file.write(data)
