"""The file of predictions: a row per part, read and checked as a whole before anything is written. Pure.

Lines are counted as a spreadsheet does: the header is line 1.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from labeling.audit.errors import FileRefused
from labeling.errors import RowRefused
from labeling.exchange.errors import SourceRefused
from labeling.exchange.sources import Folder, lines
from labeling.incoming import why_no_moment, why_unstorable

ALIASES = {
    "id": ("id", "inspection_id"),
    "image": ("image", "image_path", "file_name", "file", "path"),
    "label": ("label", "predicted", "prediction", "prediction_label", "class"),
    "score": ("score", "confidence", "prediction_confidence"),
    "part": ("part", "serial"),
    "time": ("time", "captured_at", "timestamp"),
}
REQUIRED = ("id", "image", "label")
MOST_ROWS, MOST_LABELS, MOST_PROBLEMS = 1_000_000, 200, 1000
LONGEST = {"id": 120, "image": 980, "label": 80, "part": 120}


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One part: what it is called, where its image lies below the folder, what the model said of it."""

    line: int
    id: str
    image: str
    label: str = ""  # empty: labels before a model
    score: float | None = None
    part: str = ""
    time: datetime | None = None


class _Wrong(ValueError):
    def __init__(self, column: str, what: str) -> None:
        super().__init__(what)
        self.column, self.what = column, what


def read_rows(path: Path, *, zone: ZoneInfo) -> list[AuditRow]:
    """Every row of a CSV file with the columns id, image, label and perhaps score, part, time.

    Commas, semicolons or tabs; UTF-8. A time without a zone is one of ``zone``.
    :raises FileRefused: names line and column of everything that is wrong.
    """
    problems: list[tuple[int | None, str, str]] = []
    rows: list[AuditRow] = []
    try:
        for line, cells in _cells(path):
            try:
                rows.append(_row(line, cells, zone))
            except _Wrong as error:
                problems.append((line, error.column, error.what))
            if len(rows) > MOST_ROWS or len(problems) >= MOST_PROBLEMS:
                break
    except (SourceRefused, RowRefused) as error:
        problems.append((None, "file", error.message))
    except OSError as error:
        problems.append((None, "file", f"cannot be read: {error.strerror}"))
    except UnicodeDecodeError:
        problems.append((None, "file", "is not in UTF-8"))
    if not problems:
        problems += _of_the_whole(rows)
    if problems:
        raise FileRefused(path.name, problems)
    return rows


def _cells(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line and cells by our names of the columns. :raises SourceRefused: the header does not name what is needed."""
    text = lines(Folder(path.parent, only=path.name), path.name)
    header = next(text, "")
    delimiter = max(",;\t", key=header.count)
    reader = csv.DictReader(_again(header, text), delimiter=delimiter, strict=True)
    try:
        columns = _columns([name or "" for name in reader.fieldnames or []])
        for cells in reader:
            if None in cells or None in cells.values():
                raise SourceRefused(f"line {reader.line_num} has more or fewer cells than the header")
            yield reader.line_num, {ours: str(cells[theirs]).strip() for ours, theirs in columns.items()}
    except csv.Error as error:
        raise SourceRefused(f"line {reader.line_num} is not CSV: {error}") from error


def _again(header: str, rest: Iterator[str]) -> Iterator[str]:
    yield header
    yield from rest


def _columns(header: list[str]) -> dict[str, str]:
    known = {name.strip().lower(): name for name in header}
    found = {ours: next((known[one] for one in names if one in known), None) for ours, names in ALIASES.items()}
    if missing := [name for name in REQUIRED if found[name] is None]:
        have = ", ".join(name for name in header if name)[:200] or "nothing"
        raise SourceRefused(f"the first line must name the columns id, image and label; {missing[0]} is not in: {have}")
    return {ours: theirs for ours, theirs in found.items() if theirs is not None}


def _row(line: int, cells: Mapping[str, str], zone: ZoneInfo) -> AuditRow:
    for column in REQUIRED:
        if not cells[column]:
            raise _Wrong(column, "is empty")
    for column, longest in LONGEST.items():
        if len(cells.get(column, "")) > longest:
            raise _Wrong(column, f"has more than {longest} characters")
        if what := why_unstorable(cells.get(column, "")):
            raise _Wrong(column, what)
    return AuditRow(
        line=line, id=cells["id"], image=cells["image"], label=cells["label"], score=_score(cells.get("score", "")),
        part=cells.get("part", ""), time=_time(cells.get("time", ""), zone),
    )  # fmt: skip


def _score(text: str) -> float | None:
    if not text:
        return None
    try:
        score = float(text)
    except ValueError:
        score = -1.0
    if not 0 <= score <= 1:
        raise _Wrong("score", f"is a number from 0 to 1, not “{text[:40]}”")
    return score


def _time(text: str, zone: ZoneInfo) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _Wrong("time", f"is a moment like 2026-11-24T06:00:00+01:00, not “{text[:40]}”") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    if what := why_no_moment(moment):
        raise _Wrong("time", what)
    return moment


def _of_the_whole(rows: list[AuditRow]) -> list[tuple[int | None, str, str]]:
    if not rows:
        return [(None, "file", "has no row")]
    if len(rows) > MOST_ROWS:
        return [(None, "file", f"has more than {MOST_ROWS:,} rows")]
    if len({row.label for row in rows}) > MOST_LABELS:
        return [(None, "label", f"more than {MOST_LABELS} different ones: is this the right column?")]
    return [(line, "id", f"“{value}” is the id of line {first} too") for line, value, first in twins(rows, _id)]


def _id(row: AuditRow) -> str:
    return row.id


def twins(rows: list[AuditRow], what: Callable[[AuditRow], str]) -> Iterator[tuple[int, str, int]]:
    """Rows that say the same as one before: line, what they say, and the line that said it first."""
    first: dict[str, int] = {}
    for row in rows:
        if (line := first.setdefault(what(row), row.line)) != row.line:
            yield row.line, what(row), line


def fingerprint(rows: list[AuditRow]) -> str:
    """What makes a file the same file: its rows, in whatever order."""
    said = sorted([*map(str, astuple(row)[1:])] for row in rows)
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()
