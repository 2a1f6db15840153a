"""What is in a dataset, class by class and by partition. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models_registry.datasets.split import TimeSplit, time_split
from models_registry.manifest import ManifestHeader, ManifestRow, measuring


@dataclass(frozen=True, slots=True)
class ClassReport:
    """One label: rows and groups on each side, held-out rows that measure, and the parts that these stand for.

    ``stands_for`` is the sum of 1 / pi over the measuring rows that were drawn (None: none was).
    """

    label: str
    n_train: int
    n_holdout: int
    n_groups: int
    n_excluded: int
    n_measuring: int
    stands_for: float | None
    newest: str


@dataclass(frozen=True, slots=True)
class DatasetReport:
    classes: list[ClassReport]
    time: TimeSplit
    n_drawn: int
    lowest_pi: float | None
    """The lowest chance among the rows that measure: one of them stands for 1 / pi parts."""


def report(header: ManifestHeader, rows: Sequence[ManifestRow]) -> DatasetReport:
    """Labels in the order of the set, then those that the set does not know."""
    measures = measuring(rows)
    named = list(dict.fromkeys([*header.classes, *sorted({row.label for row in rows})]))
    pis = [row.pi for row, counts in zip(rows, measures, strict=True) if counts and row.pi is not None]
    train = [row for row in rows if row.partition == "train"]
    held = [row for row in rows if row.partition == "holdout"]
    return DatasetReport(
        classes=[_class(label, header, rows, measures) for label in named],
        time=time_split(train, held, cutoff=header.cutoff),
        n_drawn=sum(row.pi is not None for row in rows),
        lowest_pi=min(pis, default=None),
    )


def _class(label: str, header: ManifestHeader, rows: Sequence[ManifestRow], measures: Sequence[bool]) -> ClassReport:
    mine = [(row, counts) for row, counts in zip(rows, measures, strict=True) if row.label == label]
    weights = [1 / row.pi for row, counts in mine if counts and row.pi is not None]
    n_train = sum(row.partition == "train" for row, _ in mine)
    return ClassReport(
        label=label,
        n_train=n_train,
        n_holdout=len(mine) - n_train,
        n_groups=len({row.group for row, _ in mine}),
        n_excluded=sum(one.label == label for one in header.excluded),
        n_measuring=sum(counts for _, counts in mine),
        stands_for=sum(weights) if weights else None,
        newest=max((row.arrived_at for row, _ in mine), default=""),
    )
