"""Opens what an import reads: a folder or file on the server, or an upload in the file store, fetched for the while."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.files.storage import default_storage

from labeling.exchange.errors import SourceRefused
from labeling.exchange.sources import Archive, Folder, OneFile, Source
from labeling.models import Import

BLOCK = 1 << 20


@contextmanager
def opened(job: Import) -> Iterator[Source]:
    """The source of an import. :raises SourceRefused: it is gone, or cannot be read."""
    if job.path:
        yield source_at(Path(job.path))
        return
    with tempfile.TemporaryDirectory(prefix="reviewapp-import-") as folder:
        path = Path(folder) / "upload"
        try:
            with default_storage.open(job.upload, "rb") as stored, path.open("wb") as file:
                shutil.copyfileobj(stored, file, BLOCK)
        except OSError as error:
            raise SourceRefused(
                "The upload is not in the store any more. Send it again.", code="source_missing"
            ) from error
        yield Archive(path) if zipfile.is_zipfile(path) else OneFile(path, job.file_name)


def source_at(path: Path) -> Source:
    """A folder, an archive, or a document with its folder's files in reach.

    :raises SourceRefused: there is nothing, or it cannot be read.
    """
    if path.is_dir():
        return Folder(path)
    if not path.is_file():
        raise SourceRefused(f"There is nothing at {path}.", code="source_missing", fields={"path": "Nothing there."})
    if zipfile.is_zipfile(path):
        return Archive(path)
    return Folder(path.parent, only=path.name)
