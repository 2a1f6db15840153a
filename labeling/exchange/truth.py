"""Reads a model's settled labels as they stood in one moment, streamed, whatever their number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import psycopg
from django.db import connection
from psycopg import IsolationLevel

from labeling.exchange import query
from labeling.exchange.rows import ExportLabel, TruthRow, decode_rows
from models_registry.models import RegisteredModel

BLOCK = 64 * 1024


@dataclass(frozen=True, slots=True)
class TruthFilter:
    """Which labels: settled in ``[since, until)``, with this label or method. ``sites`` None: of every site."""

    since: datetime | None = None
    until: datetime | None = None
    label: str | None = None
    method: str | None = None
    sites: tuple[int, ...] | None = None

    def where(self, registered_model_id: int) -> tuple[str, list[Any]]:
        """The condition and what fills it."""
        said: list[tuple[str, Any]] = [
            ("g.registered_model_id = %s", registered_model_id),
            ("g.decided_at >= %s", self.since),
            ("g.decided_at < %s", self.until),
            ("label.slug = %s", self.label),
            ("g.method = %s", self.method),
            ("station.site_id = ANY(%s)", None if self.sites is None else list(self.sites)),
        ]
        used = [(condition, value) for condition, value in said if value is not None]
        return "WHERE " + " AND ".join(condition for condition, _ in used), [value for _, value in used]


class TruthReader:
    """A model's truth in one moment: count, lines and rows agree, however long the reading takes.

    It has a connection of its own, since a download may take minutes, may go from thread to thread and may be broken
    off; closing it ends the query. ``n`` is known inside the ``with`` block.
    """

    def __init__(self, registered_model: RegisteredModel, chosen: TruthFilter) -> None:
        self.registered_model = registered_model
        self._where, self._values = chosen.where(registered_model.pk)
        self.n = 0

    def __enter__(self) -> Self:
        self._connection: psycopg.Connection[Any] = connection.get_new_connection(connection.get_connection_params())
        try:
            self._connection.isolation_level = IsolationLevel.REPEATABLE_READ
            self._connection.read_only = True
            self._connection.execute("SET TIME ZONE 'UTC'")
            self._connection.execute("SET jit = off")  # compiling a query that is run once takes as long as running it
            counted = self._connection.execute(query.COUNT.format(where=self._where).encode(), self._values).fetchone()
            self.n = int(counted[0]) if counted else 0
        except BaseException:
            self._connection.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._connection.close()

    def labels(self) -> dict[str, ExportLabel]:
        """The label set, in its order."""
        labels = self.registered_model.label_set.labels.values_list("slug", "is_defect")
        return {slug: ExportLabel(slug, is_defect) for slug, is_defect in labels}

    def json_lines(self) -> Iterator[bytes]:
        """A line of JSON per label, each ending in a line feed."""
        return self._copy(query.JSON_LINES.format(rows=self._rows))

    def csv_lines(self) -> Iterator[bytes]:
        """The header, then a record per label."""
        return self._copy(query.CSV_LINES.format(rows=self._rows))

    def rows(self) -> Iterator[TruthRow]:
        return decode_rows(self.json_lines())

    def image_keys(self) -> Iterator[str]:
        """The keys of all images, each once, sorted."""
        return (line.decode().rstrip("\n") for line in self._copy(query.IMAGE_KEYS.format(where=self._where)))

    @property
    def _rows(self) -> str:
        return f"{query.LINEAGE} {self._where} ORDER BY g.id"

    def _copy(self, statement: str) -> Iterator[bytes]:
        with self._connection.cursor() as cursor, cursor.copy(statement.encode(), self._values) as lines:
            yield from map(bytes, lines)


def in_blocks(lines: Iterator[bytes], *, size: int = BLOCK) -> Iterator[bytes]:
    """The same bytes in fewer pieces: each piece costs a system call on its way out."""
    waiting: list[bytes] = []
    n_bytes = 0
    for line in lines:
        waiting.append(line)
        n_bytes += len(line)
        if n_bytes >= size:
            yield b"".join(waiting)
            waiting, n_bytes = [], 0
    if waiting:
        yield b"".join(waiting)
