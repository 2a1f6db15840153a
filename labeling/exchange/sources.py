"""Where a foreign data set lies: a folder, a zip archive, one file. Names are relative, with slashes. Pure.

An archive is never unpacked to disk; names that would lead out of it are refused all the same, since they say that
somebody tries.
"""

from __future__ import annotations

import io
import lzma
import os
import stat
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from labeling.exchange.errors import SourceRefused

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"}
MAX_NAMES = 1_000_000
MAX_UNPACKED = 64 * 2**30
MAX_RATIO, RATIO_FROM = 200, 16 * 2**20  # of what is unpacked to what is packed, for members of some size
BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError)  # what a cut archive raises
MAX_DOCUMENT = 512 * 2**20  # of one annotation file that is read as a whole


class Source(Protocol):
    """What readers ask of it."""

    @property
    def names(self) -> list[str]: ...
    def open(self, name: str) -> IO[bytes]: ...


class Folder:
    """A folder and what is below it. Links are not followed out of it."""

    def __init__(self, root: Path, *, only: str | None = None) -> None:
        """``only``: of all files this one is the document; the others are there to be named by it."""
        self.root, self.only = root.resolve(), only
        if not self.root.is_dir():
            raise SourceRefused(f"There is no folder {root}.", code="source_missing", fields={"path": "No folder."})

    @cached_property
    def names(self) -> list[str]:
        if self.only is not None:
            return [self.only]
        found = []
        for folder, folders, files in os.walk(self.root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            at = Path(folder).relative_to(self.root)
            found += [(at / name).as_posix() for name in files if not name.startswith(".")]
            if len(found) > MAX_NAMES:
                raise too_many()
        return sorted(found)

    def open(self, name: str) -> IO[bytes]:
        real = (self.root / name).resolve()
        if not real.is_relative_to(self.root) or not real.is_file():
            raise FileNotFoundError(name)
        return real.open("rb")


class Archive:
    """A zip archive, read in place."""

    def __init__(self, path: Path) -> None:
        """:raises SourceRefused: not a zip, or one that nobody makes in good faith (``archive_refused``)."""
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
            raise SourceRefused(f"The file is not a zip archive that can be read: {error}.") from error
        members = [one for one in self._zip.infolist() if not one.is_dir()]
        if len(members) > MAX_NAMES:
            raise too_many()
        self._members = {one.filename: one for one in members if not _is_litter(one.filename)}
        for one in members:
            _refuse_bad_faith(one)
        if sum(one.file_size for one in members) > MAX_UNPACKED:
            raise _archive("would unpack to more than 64 GB")

    @cached_property
    def names(self) -> list[str]:
        return sorted(self._members)

    def open(self, name: str) -> IO[bytes]:
        if name not in self._members:
            raise FileNotFoundError(name)
        try:
            return self._zip.open(self._members[name])
        except (*BROKEN, RuntimeError, OSError) as error:
            raise _not_unpacked(name, error) from error


class OneFile:
    """A document without anything beside it."""

    def __init__(self, path: Path, name: str) -> None:
        self._path, self.names = path, [PurePosixPath(name.replace("\\", "/")).name or "file"]

    def open(self, name: str) -> IO[bytes]:
        if name != self.names[0]:
            raise FileNotFoundError(name)
        return self._path.open("rb")


def _is_litter(name: str) -> bool:
    return name.startswith("__MACOSX/") or PurePosixPath(name).name.startswith(".")


def _refuse_bad_faith(one: zipfile.ZipInfo) -> None:
    name = one.filename
    if name.startswith("/") or "\\" in name or ":" in name.split("/")[0] or ".." in name.split("/") or "\0" in name:
        raise _archive(f"holds the name {name[:100]!r}, which leads out of it")
    if stat.S_ISLNK(one.external_attr >> 16):
        raise _archive(f"holds a link, {name[:100]!r}")
    if one.flag_bits & 0x1:
        raise _archive("is encrypted")
    if one.file_size > RATIO_FROM and one.file_size > MAX_RATIO * max(one.compress_size, 1):
        raise _archive(
            f"holds {name[:100]!r}, which unpacks to {one.file_size / max(one.compress_size, 1):.0f} times its size"
        )


def _archive(what: str) -> SourceRefused:
    return SourceRefused(f"The archive {what}. Nothing was imported.", code="archive_refused")


def _not_unpacked(name: str, error: Exception) -> SourceRefused:
    return SourceRefused(f"{name[-200:]} cannot be unpacked: {error}.", code="archive_refused")


def too_many() -> SourceRefused:
    return SourceRefused(f"More than {MAX_NAMES:,} files in one source.", code="too_large", http_status=413)


def read_whole(source: Source, name: str, *, limit: int = MAX_DOCUMENT) -> bytes:
    """The bytes of a file.

    :raises SourceRefused: ``too_large``, or the archive is broken. :raises FileNotFoundError: there is none.
    """
    try:
        with source.open(name) as file:
            data = file.read(limit + 1)
    except BROKEN as error:
        raise _not_unpacked(name, error) from error
    if len(data) > limit:
        raise SourceRefused(f"{name} is larger than {limit // 2**20} MB.", code="too_large", http_status=413)
    return data


def read_text(source: Source, name: str) -> str:
    """A text file in UTF-8, with or without a mark. :raises SourceRefused: other bytes."""
    try:
        return read_whole(source, name).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceRefused(f"{name} is not in UTF-8 (byte {error.start}).", fields={"file": "Not UTF-8."}) from error


def lines(source: Source, name: str) -> Iterator[str]:
    """The lines of a text file, without reading it as a whole."""
    try:
        with source.open(name) as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
            yield from text
    except BROKEN as error:
        raise _not_unpacked(name, error) from error


def is_image(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES


class Finder:
    """Which file of a source an annotation means by a name: in full, below the document's folder, or by its end."""

    def __init__(self, source: Source) -> None:
        self._known = set(source.names)
        self._by_end: dict[str, list[str]] = defaultdict(list)
        for name in source.names:
            self._by_end[PurePosixPath(name).name].append(name)
        self._source = source

    def find(self, said: str, *, document: str = "") -> str | None:
        """The name in the source; None when there is none, or when several would do."""
        wanted = said.replace("\\", "/").lstrip("/").removeprefix("./")
        if ".." in wanted.split("/"):
            return None
        at = PurePosixPath(document).parent
        for candidate in (wanted, (at / wanted).as_posix(), f"images/{wanted}", (at / "images" / wanted).as_posix()):
            if candidate in self._known or self._lies_beside(candidate):
                return candidate
        ends = [name for name in self._by_end[PurePosixPath(wanted).name] if ("/" + name).endswith("/" + wanted)]
        ends = ends or self._by_end[PurePosixPath(wanted).name]
        return ends[0] if len(ends) == 1 else None

    def _lies_beside(self, name: str) -> bool:
        """A folder that shows only its document still holds the files that the document names."""
        if not isinstance(self._source, Folder) or self._source.only is None:
            return False
        real = (self._source.root / name).resolve()
        return real.is_relative_to(self._source.root) and real.is_file()
