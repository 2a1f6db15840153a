"""The frozen dataset: one JSON line about it, then one per inspection, sorted by inspection, hashed as a file.

Training reads this file and never the live tables; the hash in the database says which bytes were meant.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from models_registry.atomic_file import AtomicFile
from reviewapp.errors import ReviewAppError

SCHEMA_VERSION = 1
Partition = Literal["train", "holdout"]


class ManifestError(ReviewAppError):
    """A manifest cannot be written or trusted. `line` counts from 1 (the header); None speaks of the whole file.

    Codes: `missing`, `hash_mismatch`, `bad_header`, `schema_version`, `bad_row`, `unsorted`.
    """

    code = "manifest"
    http_status = 409

    def __init__(self, code: str, line: int | None, message: str) -> None:
        super().__init__(message if line is None else f"Line {line}: {message}", code=code)
        self.line = line


@dataclass(frozen=True)
class Exclusion:
    """An inspection that could train and does not, since it belongs to the held-out one `because_of`."""

    inspection: str
    label: str
    because_of: str


@dataclass(frozen=True)
class Query:
    """What was eligible: in words for people, and the parameters for whoever asks the same again."""

    words: str
    parameters: dict[str, str | int | float | bool | None] = field(default_factory=dict)


@dataclass(frozen=True)
class ManifestHeader:
    """What the dataset is. Labels settled until `cutoff` (ISO 8601, UTC) are in it; `parent_sha256` is the manifest it
    grew from; `counts` are rows by partition and label, such as `train/dent`; `alike_within` is how many of 64 bits may
    differ between images that are taken for the same (None: the bytes alone told them apart).

    Fields below `parent_sha256` are empty in manifests that were frozen before they were known.
    """

    schema_version: int
    model: str
    label_set: int
    classes: tuple[str, ...]
    cutoff: str
    code_version: str
    parent_sha256: str | None = None
    query: Query | None = None
    counts: dict[str, int] = field(default_factory=dict)
    alike_within: int | None = None
    excluded: tuple[Exclusion, ...] = ()


@dataclass(frozen=True)
class ManifestImage:
    """Where an image is stored, the sha256 (hex) of its bytes, and the name under which people may look at it.

    `phash` is its 64-bit perceptual hash, 16 hex digits.
    """

    key: str
    sha256: str
    item: str = ""
    phash: str = ""


@dataclass(frozen=True)
class ManifestRow:
    """One inspection: `weight` for training, `pi` the probability with which it was drawn (None: not drawn).

    `part` is what people call it. `group` is what must not be split, near-duplicates included. `captured_at` and
    `arrived_at` are ISO 8601 moments in UTC, empty where they are not known, as is `source`, the first view's camera.
    `unusual` is what is unusual about its images at its camera; None: nobody measured them.
    """

    inspection: str
    group: str
    partition: Partition
    label: str
    weight: float
    pi: float | None
    images: tuple[ManifestImage, ...]
    part: str = ""
    captured_at: str = ""
    arrived_at: str = ""
    unusual: tuple[str, ...] | None = None
    source: str = ""


@dataclass(frozen=True)
class Check:
    """One question put to a dataset before it trains, and the answer in words."""

    name: str
    passed: bool
    detail: str


def write(path: Path, header: ManifestHeader, rows: Iterable[ManifestRow]) -> str:
    """Write the manifest as rows come, and return its sha256 (hex): the same for the same content.

    Rows must be sorted by inspection. A failure leaves no file. Raises ManifestError (`unsorted`, `bad_row`), OSError.
    """
    encoder = msgspec.json.Encoder()
    before: str | None = None
    with AtomicFile(path) as file:
        file.write(encoder.encode(header) + b"\n")
        for line, row in enumerate(rows, start=2):
            _refuse_disorder(before, row, line)
            if not _writable(row):
                raise ManifestError("bad_row", line, "weight and pi must be finite numbers.")
            file.write(encoder.encode(row) + b"\n")
            before = row.inspection
    return file.sha256


def read(path: Path, *, expected_sha256: str) -> tuple[ManifestHeader, list[ManifestRow]]:
    """Header and rows of a manifest whose bytes hash to `expected_sha256`. Raises ManifestError."""
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise ManifestError("missing", None, f"There is no manifest {path.name}.") from error
    if hashlib.sha256(content).hexdigest() != expected_sha256:
        raise ManifestError("hash_mismatch", None, f"The manifest {path.name} is not the one that was frozen.")
    first, *others = content.splitlines() or [b""]
    return _header(first), _rows(others)


def _header(line: bytes) -> ManifestHeader:
    try:
        header = msgspec.json.decode(line, type=ManifestHeader)
    except msgspec.DecodeError as error:
        raise ManifestError("bad_header", 1, str(error)) from error
    if header.schema_version != SCHEMA_VERSION:
        raise ManifestError("schema_version", 1, f"schema {header.schema_version}, this code reads {SCHEMA_VERSION}.")
    return header


def _rows(lines: Sequence[bytes]) -> list[ManifestRow]:
    decoder = msgspec.json.Decoder(ManifestRow)
    rows: list[ManifestRow] = []
    for number, line in enumerate(lines, start=2):
        try:
            row = decoder.decode(line)
        except msgspec.DecodeError as error:
            raise ManifestError("bad_row", number, str(error)) from error
        _refuse_disorder(rows[-1].inspection if rows else None, row, number)
        rows.append(row)
    return rows


def _refuse_disorder(before: str | None, row: ManifestRow, line: int) -> None:
    """Equal neighbours pass here: a doubled inspection is `check`'s to name."""
    if before is not None and row.inspection < before:
        raise ManifestError("unsorted", line, f"inspection {row.inspection} comes after {before}.")


def _writable(row: ManifestRow) -> bool:
    """JSON has no word for infinity: msgspec would write null."""
    return math.isfinite(row.weight) and (row.pi is None or math.isfinite(row.pi))


def counts(rows: Sequence[ManifestRow]) -> dict[str, int]:
    """Rows by partition and label, for the header."""
    return dict(sorted(Counter(f"{row.partition}/{row.label}" for row in rows).items()))


def measuring(rows: Sequence[ManifestRow]) -> list[bool]:
    """Which rows versions are compared on: held out, and drawn where any held-out row was.

    A label that nobody drew (imported, asked for by hand) would stand for itself among rows that stand for many; it
    measures only while there is nothing else.
    """
    held_out = [row.partition == "holdout" for row in rows]
    drawn = [held and row.pi is not None for held, row in zip(held_out, rows, strict=True)]
    return drawn if any(drawn) else held_out


def check(header: ManifestHeader, rows: Sequence[ManifestRow]) -> list[Check]:
    """The questions of the training step, all asked, in a fixed order."""
    return [
        _known_classes(header, rows),
        _two_classes(rows),
        _groups_apart(rows),
        _no_duplicates(rows),
        _counted(rows),
        _weights(rows),
    ]


def _known_classes(header: ManifestHeader, rows: Sequence[ManifestRow]) -> Check:
    unknown = sorted({row.label for row in rows} - set(header.classes))
    detail = (
        f"Outside the label set: {some(unknown)}."
        if unknown
        else f"All labels are among {len(header.classes)} classes."
    )
    return Check("known_classes", not unknown, detail)


def _two_classes(rows: Sequence[ManifestRow]) -> Check:
    counts = Counter(row.label for row in rows if row.partition == "train")
    listed = ", ".join(f"{label} {count}" for label, count in sorted(counts.items())) or "no row"
    return Check("two_classes_in_train", len(counts) >= 2, f"In train: {listed}.")


def _groups_apart(rows: Sequence[ManifestRow]) -> Check:
    train = {row.group for row in rows if row.partition == "train"}
    both = sorted(train & {row.group for row in rows if row.partition == "holdout"})
    detail = f"In both partitions: {some(both)}." if both else "No group is in both partitions."
    return Check("groups_apart", not both, detail)


def _no_duplicates(rows: Sequence[ManifestRow]) -> Check:
    twice = sorted(name for name, count in Counter(row.inspection for row in rows).items() if count > 1)
    detail = f"More than once: {some(twice)}." if twice else "Every inspection occurs once."
    return Check("no_duplicate_inspection", not twice, detail)


def _counted(rows: Sequence[ManifestRow]) -> Check:
    """Counts, and that every row can be looked at."""
    n_train = sum(row.partition == "train" for row in rows)
    blind = sorted(row.inspection for row in rows if not row.images)
    detail = f"{n_train} in train, {len(rows) - n_train} in hold-out"
    return Check(
        "counts", n_train > 0 and not blind, f"{detail}; without an image: {some(blind)}." if blind else f"{detail}."
    )


def _weights(rows: Sequence[ManifestRow]) -> Check:
    wrong = sorted(row.inspection for row in rows if not (math.isfinite(row.weight) and row.weight > 0 and _drawn(row)))
    detail = f"Weight or pi out of range: {some(wrong)}." if wrong else "All weights are finite and above 0."
    return Check("weights", not wrong, detail)


def _drawn(row: ManifestRow) -> bool:
    return row.pi is None or 0 < row.pi <= 1


def some(names: Sequence[str]) -> str:
    """The first five, and how many more."""
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
