"""Settled labels as a document of bytes, in any format that the product writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from labeling.exchange.errors import ExportRefused
from labeling.exchange.truth import TruthReader

Write = Callable[[TruthReader, datetime], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Format:
    """How a format is called, what the file is named and what it is for a browser."""

    name: str
    extension: str
    content_type: str
    write: Write


FORMATS = {
    one.name: one
    for one in (
        Format("jsonl", "jsonl", "application/x-ndjson", lambda reader, now: reader.json_lines()),
        Format("csv", "csv", "text/csv; charset=utf-8", lambda reader, now: reader.csv_lines()),
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
