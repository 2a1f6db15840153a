"""CSV and JSON lines: a row per part. The columns are those that the export writes; docs/exchange.md lists them."""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from labeling.exchange.errors import SourceRefused
from labeling.exchange.labels import partition_of
from labeling.exchange.parts import ImportedPart, ImportedPrediction, short_id
from labeling.exchange.problems import Problems
from labeling.exchange.regions import regions_of_view
from labeling.exchange.rows import BAD_IMAGE
from labeling.exchange.sources import Source, lines

ALIASES = {
    "image": ("image", "image_path", "image_url", "file_name", "file", "path", "url"),
    "label": ("label", "class", "category"),
    "serial": ("serial", "part"),
    "captured_at": ("captured_at", "time", "timestamp"),
    "partition": ("partition", "split"),
    "prediction_label": ("prediction_label", "predicted"),
    "prediction_confidence": ("prediction_confidence", "score", "confidence"),
    "prediction_version": ("prediction_version", "version", "model_version"),
    "inspection_id": ("inspection_id", "id"),
}
OTHERS = {"outcome", "findings", "lot", "recipe", "group", "view", "metadata", "n_verdicts"}
OURS_ONLY = {  # what the export says and an import does not take: it is made anew
    "station", "source", "attempt", "day", "shift", "purpose", "n_reviewers", "method", "decided_at", "verdicts",
    "reviews", "pi", "stratum", "design", "n_predictions", "image_sha256", "image_width", "image_height", "n_images",
    "dataset", "dataset_sha256",
}  # fmt: skip
MAX_CELL = 1_000_000
ESCAPED = re.compile(r"^'(?=['=+@\t\r-])")  # what the export puts in front of what a spreadsheet would run

csv.field_size_limit(MAX_CELL)


def read_csv(source: Source, problems: Problems) -> Iterator[ImportedPart]:
    """The rows of every CSV file. :raises SourceRefused: there is none, or no header that can be used."""
    for name in _named(source, (".csv", ".tsv"), "CSV file"):
        text = lines(source, name)
        try:
            reader = csv.DictReader(text, dialect=_dialect(name), strict=True)
            _check_header(reader.fieldnames or [], name, problems)
            for row, cells in enumerate(reader):
                yield from _csv_part(cells, name, row, problems)
        except csv.Error as error:
            raise SourceRefused(f"{name}, line {reader.line_num}: {error}.", fields={"file": str(error)}) from error
        except UnicodeDecodeError as error:
            raise SourceRefused(f"{name} is not in UTF-8.", fields={"file": "Not UTF-8."}) from error


def _named(source: Source, suffixes: tuple[str, ...], what: str) -> list[str]:
    names = [name for name in source.names if name.lower().endswith(suffixes)]
    if not names:
        raise SourceRefused(f"There is no {what}.", code="nothing_found")
    return names


def _dialect(name: str) -> type[csv.Dialect]:
    return csv.excel_tab if name.lower().endswith(".tsv") else csv.excel


def _check_header(header: Iterable[str], name: str, problems: Problems) -> None:
    columns = {column.strip() for column in header if column}
    known = {alias for aliases in ALIASES.values() for alias in aliases} | OTHERS
    if not columns & {*ALIASES["image"], *ALIASES["inspection_id"]}:
        raise SourceRefused(
            f"{name} has neither a column inspection_id nor image. Its first line must name the columns.",
            fields={"header": ", ".join(sorted(columns))[:300]},
        )
    if strangers := sorted(columns - known - OURS_ONLY):
        problems.note(name, None, "header", f"these columns are not read: {', '.join(strangers)}", code="not_read")


def _csv_part(cells: Mapping[str | None, Any], name: str, row: int, problems: Problems) -> Iterator[ImportedPart]:
    if None in cells or None in cells.values():
        problems.refuse(name, row, "row", "has more or fewer cells than the header")
        return
    said = {str(key).strip(): ESCAPED.sub("", str(value)) for key, value in cells.items() if value}
    try:
        yield _from_cells(said, name, row)
    except _Wrong as error:
        problems.refuse(name, row, error.name, error.what)


class _Wrong(ValueError):
    def __init__(self, name: str, what: str) -> None:
        super().__init__(what)
        self.name, self.what = name, what


def _cell(said: Mapping[str, str], name: str) -> str:
    return next((said[alias] for alias in ALIASES.get(name, (name,)) if said.get(alias)), "")


def _from_cells(said: Mapping[str, str], name: str, row: int) -> ImportedPart:
    label, view, image = _cell(said, "label"), said.get("view", "main"), _cell(said, "image")
    findings, metadata = _json(said, "findings", list), _json(said, "metadata", dict)
    identity = _cell(said, "inspection_id") or (short_id(image) if image else "")
    if not identity:
        raise _Wrong("inspection_id", "is empty, and so is image")
    is_bad = said.get("outcome") == BAD_IMAGE
    return ImportedPart(
        row=row, file=name, inspection_id=identity, labels=(label,) if label else (),
        regions=tuple(regions_of_view(findings, view, label or None)), is_judged=bool(label or is_bad),
        is_bad_image=is_bad, n_said=_count(said.get("n_verdicts", "1")), image=image, view=view,
        serial=_cell(said, "serial"), lot=said.get("lot", ""), recipe=said.get("recipe", ""),
        group=said.get("group", ""), captured_at=_moment(said), partition=_partition(said), metadata=metadata,
        predictions=_prediction(said),
    )  # fmt: skip


def _json(said: Mapping[str, str], name: str, kind: type) -> Any:
    if not said.get(name):
        return kind()
    try:
        value = json.loads(said[name])
    except (ValueError, RecursionError) as error:
        raise _Wrong(name, f"is not JSON: {error}") from error
    if not isinstance(value, kind):
        raise _Wrong(name, "is a JSON list" if kind is list else "is a JSON object")
    return value


def _count(text: str) -> int:
    return max(1, min(int(text), 1000)) if text.isdecimal() else 1


def moment_of(said: Any) -> dt.datetime | None:
    """A moment in ISO 8601 with a time zone; None for anything else."""
    try:
        moment = dt.datetime.fromisoformat(str(said))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _moment(said: Mapping[str, str]) -> dt.datetime | None:
    text = _cell(said, "captured_at")
    moment = moment_of(text)
    if text and moment is None:
        raise _Wrong("captured_at", "is a moment in ISO 8601 with a time zone, for example 2026-11-24T06:00:00+01:00")
    return moment


def partition_word(said: Any) -> str:
    """`train`, `holdout` (also val, valid, test) or empty."""
    return partition_of(said) if isinstance(said, str) else ""


def _partition(said: Mapping[str, str]) -> str:
    text = _cell(said, "partition")
    if text and not partition_of(text):
        raise _Wrong("partition", "is train or holdout (val, valid and test mean the same)")
    return partition_of(text)


def _prediction(said: Mapping[str, str]) -> tuple[ImportedPrediction, ...]:
    label, score = _cell(said, "prediction_label"), _cell(said, "prediction_confidence")
    if not label:
        return ()
    try:
        confidence = float(score) if score else None
    except ValueError:
        raise _Wrong("prediction_confidence", "is a number from 0 to 1") from None
    return (ImportedPrediction(_cell(said, "prediction_version") or "imported", (label,), confidence),)


class LineImage(msgspec.Struct, frozen=True):
    view: str = "main"
    key: str = ""


class LinePrediction(msgspec.Struct, frozen=True):
    version: str
    label: str
    confidence: float | None = None
    findings: list[Any] = []


class Line(msgspec.Struct, frozen=True):
    """A line of our own export, as far as an import reads it."""

    inspection_id: str
    label: str | None = None
    outcome: str = "label"
    findings: list[Any] = []
    serial: str = ""
    lot: str = ""
    recipe: str = ""
    group: str = ""
    captured_at: dt.datetime | None = None
    partition: str = ""
    n_verdicts: int = 1
    predictions: list[LinePrediction] = []
    images: list[LineImage] = []


def read_jsonl(source: Source, problems: Problems) -> Iterator[ImportedPart]:
    """The lines of every JSONL file. :raises SourceRefused: there is none."""
    decoder = msgspec.json.Decoder(Line)
    for name in _named(source, (".jsonl", ".ndjson"), "JSONL file"):
        try:
            for row, text in enumerate(lines(source, name)):
                if not text.strip():
                    continue
                try:
                    line = decoder.decode(text)
                except (msgspec.DecodeError, RecursionError) as error:
                    problems.refuse(name, row, "line", str(error))
                    continue
                yield from _views(line, name, row)
        except UnicodeDecodeError as error:
            raise SourceRefused(f"{name} is not in UTF-8.", fields={"file": "Not UTF-8."}) from error


def _views(line: Line, name: str, row: int) -> Iterator[ImportedPart]:
    for image in line.images or [LineImage()]:
        yield ImportedPart(
            row=row, file=name, inspection_id=line.inspection_id, labels=(line.label,) if line.label else (),
            regions=tuple(regions_of_view(line.findings, image.view, line.label)),
            is_judged=bool(line.label) or line.outcome == BAD_IMAGE, is_bad_image=line.outcome == BAD_IMAGE,
            n_said=max(1, min(line.n_verdicts, 1000)), image=image.key, view=image.view, serial=line.serial,
            lot=line.lot, recipe=line.recipe, group=line.group, captured_at=line.captured_at,
            partition=partition_word(line.partition),
            predictions=tuple(_line_prediction(one, image.view) for one in line.predictions),
        )  # fmt: skip


def _line_prediction(said: LinePrediction, view: str) -> ImportedPrediction:
    regions = tuple(regions_of_view(said.findings, view, said.label))
    return ImportedPrediction(said.version, (said.label,), said.confidence, regions)
