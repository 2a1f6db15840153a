"""What imports take and answer, as types for the schema."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec


class ImportBody(msgspec.Struct, forbid_unknown_fields=True):
    """With a `path` on the server; with an upload as a form, where it is the `file`."""

    format: str
    path: str
    source: str = ""
    dry_run: bool | Literal["true", "false", "yes", "no", "1", "0", ""] = ""
    create_labels: bool | Literal["true", "false", "yes", "no", "1", "0", ""] = ""
    ok_label: str = ""


class ImportCounts(msgspec.Struct):
    total: int | None
    done: int
    new: int
    known: int
    conflicts: int
    refused: int


class ImportState(msgspec.Struct):
    id: int
    status: Literal["queued", "running", "done", "failed"]
    outcome: str
    format: str
    file_name: str
    source: str
    dry_run: bool
    progress: float | None
    counts: ImportCounts
    problems: list[dict[str, Any]]
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


FORM_OF_IMPORT: dict[str, Any] = {
    "type": "object",
    "required": ["format", "file"],
    "properties": {
        **{name: {"type": "string"} for name in ("format", "source", "dry_run", "create_labels", "ok_label")},
        "file": {"type": "string", "format": "binary"},
    },
}
