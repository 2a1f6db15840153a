"""Parquet, when pyarrow is installed (`pip install -r requirements-parquet.txt`). A row group at a time. Pure."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from labeling.exchange.errors import ExportRefused
from labeling.exchange.rows import TruthRow
from labeling.exchange.zipped import Drain

ROW_GROUP = 10_000


def write(rows: Iterable[TruthRow]) -> Iterator[bytes]:
    """The file as it grows; its end, without which no reader opens it, comes last.

    :raises ExportRefused: code ``parquet_missing``.
    """
    arrow, parquet = _library("pyarrow"), _library("pyarrow.parquet")
    schema = _schema(arrow)
    drain = Drain()
    with parquet.ParquetWriter(arrow.PythonFile(drain, mode="w"), schema, compression="zstd") as writer:
        for group in _batched(rows):
            columns = [_columns(row) for row in group]
            writer.write_table(arrow.Table.from_pylist(columns, schema=schema))
            yield drain.take()
    yield drain.take()


def _batched(rows: Iterable[TruthRow]) -> Iterator[list[TruthRow]]:
    rows = iter(rows)
    while group := list(itertools.islice(rows, ROW_GROUP)):
        yield group


def _library(name: str) -> Any:
    """Loaded only when it is asked for: it is large, and optional."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ExportRefused(
            "Parquet needs pyarrow, which is not installed here: pip install -r requirements-parquet.txt.",
            code="parquet_missing", http_status=501, fields={"format": "Not available here."},
        ) from error  # fmt: skip


def _columns(row: TruthRow) -> dict[str, Any]:
    """Findings are free, so they stay text."""
    said: dict[str, Any] = msgspec.structs.asdict(row)
    said["findings"] = msgspec.json.encode(row.findings).decode()
    said["images"] = [msgspec.structs.asdict(image) for image in row.images]
    said["predictions"] = [
        {name: getattr(one, name) for name in ("version", "number", "label", "confidence")} for one in row.predictions
    ]
    return said


def _schema(arrow: Any) -> Any:
    text, number, share = arrow.string(), arrow.int64(), arrow.float64()
    moment = arrow.timestamp("us", tz="UTC")
    image = dict.fromkeys(("view", "source", "key", "content_type", "sha256"), text)
    said = {"version": text, "number": number, "label": text, "confidence": share}
    kinds: dict[str, Any] = {
        "attempt": number, "captured_at": moment, "day": arrow.date32(), "n_verdicts": number, "n_reviewers": number,
        "decided_at": moment, "verdicts": arrow.list_(number), "reviews": arrow.list_(number), "pi": share,
        "design": number, "dataset": number,
        "predictions": arrow.list_(_struct(arrow, said)),
        "images": arrow.list_(_struct(arrow, image | {"width": number, "height": number})),
    }  # fmt: skip
    return arrow.schema([(name, kinds.get(name, text)) for name in TruthRow.__struct_fields__])


def _struct(arrow: Any, fields: dict[str, Any]) -> Any:
    return arrow.struct(list(fields.items()))
