"""One settled label with its lineage, as every writer gets it. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from labeling.exchange.regions import Region, regions_of_view

BAD_IMAGE = "bad_image"


class TruthImage(msgspec.Struct, frozen=True, kw_only=True):
    """One view: where the image lies in the store (empty: left at the station) and what it measures."""

    view: str
    source: str
    key: str = ""
    content_type: str = ""
    sha256: str = ""
    width: int | None = None
    height: int | None = None


class TruthPrediction(msgspec.Struct, frozen=True, kw_only=True):
    """What a version said: its name (as the sending system calls it, else v and the number), label, confidence."""

    version: str
    number: int
    label: str
    confidence: float | None = None
    findings: list[Any] = []


class TruthRow(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of `query.LINEAGE`."""

    inspection_id: str
    station: str
    source: str | None
    serial: str
    attempt: int
    lot: str
    recipe: str
    captured_at: dt.datetime
    day: dt.date
    shift: str
    purpose: str
    group: str
    partition: str
    label: str | None
    outcome: str
    findings: list[Any]
    n_verdicts: int
    n_reviewers: int
    method: str
    decided_at: dt.datetime
    verdicts: list[int]
    reviews: list[int]
    pi: float | None
    stratum: str | None
    design: int | None
    predictions: list[TruthPrediction]
    images: list[TruthImage]
    dataset: int | None
    dataset_sha256: str | None

    def views(self) -> Iterator[tuple[TruthImage, list[Region]]]:
        """The views that have an image in the store, each with the regions of its findings."""
        for image in self.images:
            if image.key:
                yield image, regions_of_view(self.findings, image.view, self.label)


class ExportLabel(msgspec.Struct, frozen=True):
    """A label of the model's set, in the order of the set."""

    slug: str
    is_defect: bool


Labels = Mapping[str, ExportLabel]
DECODER = msgspec.json.Decoder(TruthRow)


def decode_rows(lines: Iterable[bytes]) -> Iterator[TruthRow]:
    """Rows from PostgreSQL's JSON lines."""
    return (DECODER.decode(line) for line in lines)
