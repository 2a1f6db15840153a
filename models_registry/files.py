"""The file store that web and workers share: images, manifests, artifacts. Keys are content hashes.

A directory, or a bucket of an S3 server. Both give and take whole files: a put that is interrupted leaves nothing.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage, storages

from models_registry.atomic_file import AtomicFile
from reviewapp.errors import ReviewAppError

try:
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    S3_ERRORS: tuple[type[Exception], ...] = (Boto3Error, BotoCoreError, ClientError)
except ImportError:  # no S3 here (requirements-s3.txt)
    S3_ERRORS = ()

PIECE = 256 * 1024


class FileMissing(ReviewAppError):
    """A row names a file that the store does not hold."""

    code = "file_missing"
    http_status = 410


class FileChanged(ReviewAppError):
    """A file is not what its recorded hash says."""

    code = "file_changed"
    http_status = 409


class FileTooLarge(ReviewAppError):
    """More bytes than the reader takes."""

    code = "file_too_large"
    http_status = 413


class StoreUnavailable(ReviewAppError):
    """The store does not answer, or refuses us. It may later."""

    code = "store_unavailable"
    http_status = 503


@contextmanager
def _in_our_words(key: str) -> Iterator[None]:
    """What the two stores raise, as errors of ours."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise FileMissing(f"The file {key} is not in the store.") from error
    except S3_ERRORS as error:
        if _code(error) in {"404", "NoSuchKey"}:  # a bucket that is gone is not a file that is gone
            raise FileMissing(f"The file {key} is not in the store.") from error
        raise StoreUnavailable(f"The store does not give or take {key}: {error}") from error
    except OSError as error:
        raise StoreUnavailable(f"The store does not give or take {key}: {error}") from error


def _code(error: Any) -> str:
    """What the S3 server calls it; its answers to HEAD have a status only."""
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))


def put(key: str, data: bytes, *, sure: bool = False) -> None:
    """Store ``data`` under ``key``: whole or not at all. The same key always means the same bytes.

    ``sure``: a file of the same length that is there already is read and compared, not taken at its word. For what is
    made anew because it was damaged; images that arrive twice are not read again.

    :raises StoreUnavailable:
    """
    with _in_our_words(key):
        if _holds(key, len(data)) and not (sure and _bytes(key) != data):
            return
        if is_local():
            with AtomicFile(Path(default_storage.path(key))) as file:
                file.write(data)
        else:
            default_storage.save(key, ContentFile(data))  # S3 shows an object when all of it is there


def read(key: str, *, sha256: str | None = None, max_bytes: int | None = None) -> bytes:
    """The bytes under ``key``.

    :raises FileMissing: there are none. :raises FileTooLarge: more than ``max_bytes``, found before they are read.
    :raises FileChanged: they do not match ``sha256``. :raises StoreUnavailable:
    """
    with _in_our_words(key):
        if max_bytes is not None and size(key) > max_bytes:
            raise FileTooLarge(f"The file {key} has more than {max_bytes / 2**20:g} MB.")
        data = _bytes(key)
        if sha256 and hashlib.sha256(data).hexdigest() != sha256:
            raise FileChanged(f"The file {key} is not what was recorded: its hash differs.")
        return data


def delete(key: str) -> None:
    """Of a file that is not there nothing is said: it is gone, as was asked for. :raises StoreUnavailable:"""
    with _in_our_words(key):
        default_storage.delete(key)


def size(key: str) -> int:
    """In bytes. :raises FileMissing: :raises StoreUnavailable:"""
    with _in_our_words(key):
        return default_storage.size(key)


def exists(key: str) -> bool:
    """:raises StoreUnavailable:"""
    with _in_our_words(key):
        return default_storage.exists(key)


def pieces(key: str, *, start: int, length: int) -> Iterator[bytes]:
    """``length`` bytes from ``start``, a quarter of a megabyte at a time; nothing else is read.

    The file is opened before this returns, so that one that is missing is known then.

    :raises FileMissing: :raises StoreUnavailable:
    """
    with _in_our_words(key):
        if is_local():
            handle: Any = default_storage.open(key, "rb")
            handle.seek(start)
        else:
            last = start + max(length, 1) - 1
            handle = _object(key).get(Range=f"bytes={start}-{last}")["Body"] if length else ContentFile(b"")
        return _pieces(handle, length)


def _pieces(handle: Any, left: int) -> Iterator[bytes]:
    try:
        while left > 0 and (piece := handle.read(min(PIECE, left))):
            left -= len(piece)
            yield piece
    finally:
        handle.close()


def presigned_url(key: str, *, seconds: int) -> str | None:
    """An address at the S3 server that gives the file to anybody for a while; None where the store is a directory."""
    with _in_our_words(key):
        if is_local():
            return None
        storage: Any = storages["default"]
        return str(storage.url(key, expire=seconds))


def local_copy(key: str) -> Path:
    """A path on this machine for ``key``, fetched once when the store is elsewhere. The reader checks the hash.

    :raises FileMissing: where the store is elsewhere; of a directory the reader notices.
    """
    with _in_our_words(key):
        if is_local():
            return Path(default_storage.path(key))
        path: Path = settings.VAR / "cache" / key
        if not path.exists():
            with default_storage.open(key, "rb") as source, AtomicFile(path) as file:
                shutil.copyfileobj(source, file, PIECE)
        return path


def is_local() -> bool:
    return isinstance(storages["default"], FileSystemStorage)


def _holds(key: str, n_bytes: int) -> bool:
    """Whether the file is there and whole. (A directory that was restored from a backup may hold a part of one.)"""
    try:
        return default_storage.size(key) == n_bytes
    except FileNotFoundError:
        return False


def _bytes(key: str) -> bytes:
    with default_storage.open(key, "rb") as handle:
        data: bytes = handle.read()
    return data


def _object(key: str) -> Any:
    """The S3 object, below the folder of the bucket that the store lives in."""
    storage: Any = storages["default"]
    return storage.bucket.Object(storage._normalize_name(key))
