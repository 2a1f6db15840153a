"""What a dataset's page shows: what is in it, how it is split, what changed, and who learned from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from models_registry.datasets import soundness
from models_registry.datasets.diff import DatasetDiff, diff
from models_registry.datasets.report import ClassReport, DatasetReport, report
from models_registry.datasets.split import split_checks
from models_registry.manifest import Check, ManifestHeader, check
from models_registry.models import Dataset, TrainingRun
from models_registry.services.dataset_files import open_dataset
from reviewapp.errors import ReviewAppError

SHOWN_EXCLUSIONS = 50


@dataclass(frozen=True, slots=True)
class ClassRow:
    name: str
    report: ClassReport
    n_before: int | None

    @property
    def n(self) -> int:
        return self.report.n_train + self.report.n_holdout

    @property
    def n_new(self) -> int | None:
        return None if self.n_before is None else self.n - self.n_before


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """What the manifest says: only where it can still be read."""

    header: ManifestHeader
    report: DatasetReport
    classes: Sequence[ClassRow]
    checks: Sequence[Check]
    questions: Sequence[Mapping[str, object]]
    newest_train: datetime | None

    @property
    def all_passed(self) -> bool:
        return all(one.passed for one in self.checks)


@dataclass(frozen=True, slots=True)
class DatasetPage:
    """``facts`` and ``changes`` are None where a manifest cannot be read; ``trouble`` then says why."""

    dataset: Dataset
    facts: DatasetFacts | None
    changes: DatasetDiff | None
    runs: Sequence[TrainingRun]
    trouble: str


def dataset_page(dataset: Dataset) -> DatasetPage:
    names = label_names(dataset)
    facts, changes, trouble = None, None, ""
    try:
        facts = _facts(dataset, names)
        changes = diff_to(dataset, dataset.parent) if dataset.parent else None
    except ReviewAppError as error:
        trouble = error.message
    runs = dataset.runs.select_related("registered_model", "version", "requested_by", "recalibrates").order_by("-pk")[
        :30
    ]
    return DatasetPage(dataset, facts, changes, list(runs), trouble)


def label_names(dataset: Dataset) -> dict[str, str]:
    return {label.slug: label.display_name for label in dataset.label_set.labels.all()}


def diff_to(dataset: Dataset, before: Dataset) -> DatasetDiff:
    """What changed from ``before`` to ``dataset``. :raises ReviewAppError: a manifest cannot be read."""
    header, rows = open_dataset(dataset)
    return diff(open_dataset(before)[1], header, rows)


def _facts(dataset: Dataset, names: Mapping[str, str]) -> DatasetFacts:
    header, rows = open_dataset(dataset)
    found = report(header, rows)
    before = dataset.parent.label_counts if dataset.parent else None
    classes = [
        ClassRow(names.get(one.label, one.label), one, None if before is None else before.get(one.label, 0))
        for one in found.classes
    ]
    newest = datetime.fromisoformat(found.time.newest_train) if found.time.newest_train else None
    checks = [*check(header, rows), *split_checks(header, rows)]
    questions = [one.as_check() for one in soundness.findings(header, rows)]
    return DatasetFacts(header, found, classes, checks, questions, newest)
