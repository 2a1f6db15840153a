"""Settled labels as a document, or as a data set of several files, in every format that the product writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from labeling.exchange import coco, label_studio, parquet, yolo
from labeling.exchange.errors import ExportRefused
from labeling.exchange.truth import TruthReader
from labeling.exchange.zipped import Member, zipped
from models_registry import files

Write = Callable[[TruthReader, datetime], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Format:
    """How a format is called, what the file is named, what it is for a browser, and who writes the document.

    Without a writer it is a data set of several files.
    """

    name: str
    extension: str
    content_type: str
    write: Write | None


def _coco(reader: TruthReader, now: datetime) -> Iterator[bytes]:
    return coco.write(reader.rows(), reader.labels(), now=now)


FORMATS = {
    one.name: one
    for one in (
        Format("jsonl", "jsonl", "application/x-ndjson", lambda reader, _: reader.json_lines()),
        Format("csv", "csv", "text/csv; charset=utf-8", lambda reader, _: reader.csv_lines()),
        Format("coco", "coco.json", "application/json", _coco),
        Format("label-studio", "ls.json", "application/json", lambda reader, _: label_studio.write(reader.rows())),
        Format("parquet", "parquet", "application/vnd.apache.parquet", lambda reader, _: parquet.write(reader.rows())),
        Format("yolo", "yolo.zip", "application/zip", None),
    )
}


def format_named(name: str) -> Format:
    """:raises ExportRefused: code ``unknown_format``."""
    if name not in FORMATS:
        raise ExportRefused(
            f"There is no format “{name}”; there are {', '.join(FORMATS)}.", code="unknown_format",
            fields={"format": f"One of {', '.join(FORMATS)}."},
        )  # fmt: skip
    return FORMATS[name]


def document(written: Format, reader: TruthReader, *, images: bool, now: datetime) -> Iterator[bytes]:
    """One file; a zip archive when it holds images or the format has several files."""
    if written.write is not None and not images:
        return written.write(reader, now)
    return zipped(members(written, reader, images=images, now=now))


def members(written: Format, reader: TruthReader, *, images: bool, now: datetime) -> Iterator[Member]:
    """The files of a data set: the document and the images that it names, at the places that it names."""
    if written.write is None:
        yield from yolo.write(reader.rows(), reader.labels(), files.read if images else None)
        return
    yield f"truth.{written.extension}", written.write(reader, now)
    for key in reader.image_keys() if images else ():
        yield key, [files.read(key)]
