"""A verdict on its way into the tables: what a client reports, the columns of its row, and what came of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from labeling.models import Verdict


@dataclass(frozen=True, slots=True)
class Said:
    """What a client reports: what was said, when, and what was on screen."""

    client_id: uuid.UUID
    kind: str
    label: str | None
    phase: str
    shown_at: datetime
    said_at: datetime
    note: str = ""
    severity: int | None = None
    findings: list[Any] = field(default_factory=list)
    shown: Mapping[str, Any] = field(default_factory=dict)
    surface: str = Verdict.Surface.API


@dataclass(frozen=True, slots=True)
class Recorded:
    """The verdict on a ``part``, whether it is new, and what came of it."""

    verdict: Verdict
    is_new: bool
    settled: bool
    message: str = ""
    part: str | None = None  # None: as the verdict's review says


def by_our_clock(said: Said, now: datetime) -> Said:
    """A client's clock may run ahead. Nothing was said later than it came; how long the image was on screen stays."""
    ahead = max(said.said_at - now, timedelta())
    return replace(said, shown_at=said.shown_at - ahead, said_at=said.said_at - ahead) if ahead else said


def columns(said: Said, *, review_id: int, reviewer_id: int, label_id: int | None, now: datetime) -> dict[str, Any]:
    """The row of a verdict, but for what depends on the lease and on what the person said before."""
    return {
        "review_id": review_id,
        "reviewer_id": reviewer_id,
        "phase": said.phase,
        "surface": said.surface,
        "kind": said.kind,
        "label_id": label_id,
        "severity": said.severity,
        "note": said.note,
        "findings": said.findings,
        "shown": dict(said.shown),
        "shown_at": said.shown_at,
        "said_at": said.said_at,
        "received_at": now,
        "client_id": said.client_id,
    }


def message_of(*, lease_lost: bool) -> str:
    return "The part went to a colleague meanwhile. Your verdict is kept too." if lease_lost else ""
