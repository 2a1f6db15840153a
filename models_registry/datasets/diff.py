"""What changed from one dataset to another, inspection by inspection. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from models_registry.manifest import ManifestHeader, ManifestRow

Kind = Literal["added", "removed", "relabelled", "moved", "image_changed"]
KINDS: tuple[Kind, ...] = ("relabelled", "moved", "image_changed", "removed", "added")


@dataclass(frozen=True, slots=True)
class Change:
    """One inspection that differs. ``before`` and ``after`` are labels, or partitions where it moved; ``item`` is an
    image to look at. ``why`` says of a removed one what it was left out for."""

    kind: Kind
    inspection: str
    part: str
    item: str
    before: str | None
    after: str | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class DatasetDiff:
    """``changes`` in the order of `KINDS`, then by inspection; one inspection may be relabelled and moved."""

    changes: list[Change]
    n_same: int

    @property
    def counts(self) -> dict[Kind, int]:
        """Every kind, those that did not occur too."""
        found = Counter(change.kind for change in self.changes)
        return {kind: found[kind] for kind in KINDS}


def diff(before: Sequence[ManifestRow], header: ManifestHeader, after: Sequence[ManifestRow]) -> DatasetDiff:
    """From ``before`` to ``after``, whose header tells what was left out."""
    old, new = ({row.inspection: row for row in rows} for rows in (before, after))
    left_out = {one.inspection: one.because_of for one in header.excluded}
    changes = [_there("added", row) for name, row in new.items() if name not in old]
    changes += [_there("removed", row, left_out.get(name, "")) for name, row in old.items() if name not in new]
    both = [(row, new[name]) for name, row in old.items() if name in new]
    found = [_changes(one, other) for one, other in both]
    changes += [change for some in found for change in some]
    changes.sort(key=lambda change: (KINDS.index(change.kind), change.inspection))
    return DatasetDiff(changes, n_same=sum(not some for some in found))


def _there(kind: Kind, row: ManifestRow, because_of: str = "") -> Change:
    before, after = (row.label, None) if kind == "removed" else (None, row.label)
    return Change(kind, row.inspection, row.part, _item(row), before, after, because_of)


def _changes(before: ManifestRow, after: ManifestRow) -> list[Change]:
    where = (after.inspection, after.part, _item(after))
    changes = []
    if before.label != after.label:
        changes.append(Change("relabelled", *where, before.label, after.label))
    if before.partition != after.partition:
        changes.append(Change("moved", *where, before.partition, after.partition))
    if {image.sha256 for image in before.images} - {image.sha256 for image in after.images}:
        changes.append(Change("image_changed", *where, before.label, after.label))
    return changes


def _item(row: ManifestRow) -> str:
    return row.images[0].item if row.images else ""
