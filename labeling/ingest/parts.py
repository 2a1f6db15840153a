"""Rows gathered into parts: the views of one inspection and what one version said of it travel together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from labeling.ingest.submission import Submission, conflict

PartKey = tuple[int, str, int, int, str]
OF_THE_PART = ("serial", "lot", "recipe", "group", "metadata")


class Said(msgspec.Struct, frozen=True):
    """What the rows say of the whole part."""

    serial: str
    lot: str
    recipe: str
    group: str
    metadata: dict[str, Any]


class Part(msgspec.Struct, frozen=True):
    """One inspection as it came. `rows` in the order sent, `views` each view once, `lead` speaks for the part."""

    key: PartKey
    rows: Sequence[Submission]
    views: Sequence[Submission]
    lead: Submission
    said: Said
    digest: str


def gather(submissions: Iterable[Submission]) -> Mapping[PartKey, list[Submission]]:
    """Rows of one inspection and version, in the order in which each was first named."""
    parts: dict[PartKey, list[Submission]] = {}
    for one in submissions:
        parts.setdefault(key_of(one), []).append(one)
    return parts


def key_of(one: Submission) -> PartKey:
    version = one.version
    number, name = (version.number or 0, version.external_name) if version else (0, "")
    return (one.source.station_id, one.row.inspection_id, one.catalog.registered_model.id, number, name)


def part_of(key: PartKey, rows: Sequence[Submission]) -> Part:
    """:raises ContentConflict: one view, two contents."""
    views = rows if len(rows) == 1 else _one_per_view(rows)
    lead = views[0] if len(views) == 1 else max(views, key=_gravity)
    return Part(key, rows, views, lead, _said(views), _digest(views))


def _one_per_view(rows: Sequence[Submission]) -> list[Submission]:
    """The same row twice in one list is a resend. :raises ContentConflict: one view, two contents."""
    views: dict[str, Submission] = {}
    for one in rows:
        twin = views.setdefault(one.row.view, one)
        if (twin.row.digest(), twin.source.pk) != (one.row.digest(), one.source.pk):
            raise conflict("prediction", one)
        if one.image_address and twin.image_address and one.image_address != twin.image_address:
            raise conflict("image address", one)
        if (one.row.late, one.row.answered) != (rows[0].row.late, rows[0].row.answered):
            raise conflict("answered", one)
        if twin.image is None and one.image is not None:
            views[one.row.view] = one
        elif twin.image is not None and one.image is not None and twin.image.sha256 != one.image.sha256:
            raise conflict("image", one)
    return list(views.values())


def _said(views: Sequence[Submission]) -> Said:
    """What one row leaves out another may say. :raises ContentConflict: two rows differ."""
    row = views[0].row
    if len(views) == 1:
        return Said(row.serial, row.lot, row.recipe, row.group, row.metadata)
    said: dict[str, Any] = {name: getattr(row, name) for name in OF_THE_PART}
    for one in views[1:]:
        for name in OF_THE_PART:
            value = getattr(one.row, name)
            if value and said[name] and not same(value, said[name]):
                raise conflict(name, one)
            said[name] = said[name] or value
    return Said(**said)


def same(one: object, other: object) -> bool:
    """Equal as JSON: 1e30 comes back from the database as an integer."""
    return one == other or _as_floats(one) == _as_floats(other)


def _as_floats(value: object) -> object:
    return json.loads(json.dumps(value), parse_int=float)


def _gravity(one: Submission) -> tuple[bool, int, float]:
    """The gravest label, then the surest."""
    label = one.catalog.labels.get(str(one.row.label))
    return (bool(label and label.is_defect), label.severity if label else 0, one.confidence or 0.0)


def _digest(views: Sequence[Submission]) -> str:
    """A hash of all that was sent of the part. The same hash again is a resend, whatever else may be compared."""
    said = sorted((one.row for one in views), key=lambda row: row.view)
    return hashlib.sha256(msgspec.json.encode(said)).hexdigest()
