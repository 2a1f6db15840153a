"""From rollups to the cells that the estimators read: a version, a window of production days, maybe a slice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import F, QuerySet, Sum

from labeling.models import Source, Tally
from labeling.models.tallies import SUMS
from models_registry.estimation.cells import NOT_JUDGEABLE, UNSETTLED, Cells
from models_registry.models import Label, ModelVersion

FARTHEST_AHEAD = timedelta(hours=14)  # of UTC: there a production day begins first
KEY = ("is_certainty", "edge", "floor_pi", "predicted", "outcome", "true_label")
MOST_SLICES = 50  # of one dimension: those with the most verdicts
Dimension = Tally.Dimension
WHERE = {"source": "source", "station": "source__station", "class": "predicted"}
"""Slices that need no rows of their own: what they go by is in every row."""


@dataclass(frozen=True, slots=True)
class Window:
    """Production days of the sites, first and last included."""

    first: date
    last: date

    @classmethod
    def of_days(cls, n: int, *, now: datetime) -> Window:
        """The last n days, today of every site included."""
        last = (now + FARTHEST_AHEAD).date()
        return cls((now - timedelta(days=n)).date(), last)


@dataclass(frozen=True, slots=True)
class LabelledCells:
    """Cells, and what their class numbers stand for: labels in the order of the set, then those of older sets."""

    labels: tuple[Label, ...]
    cells: Cells

    @property
    def is_defect(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """(K,), in the order of ``labels``."""
        return np.array([label.is_defect for label in self.labels], dtype=bool)


@dataclass(frozen=True, slots=True)
class Slice:
    """One slice of a dimension: what names it in filters, what people call it, and its cells."""

    key: str
    name: str
    cells: Cells


def window_cells(version: ModelVersion, window: Window, *, source: Source | None = None) -> LabelledCells:
    """All that arrived in the window, with what is settled of it."""
    rows = _summed(_tallies(version, window, source))
    labels, number = _numbered(version, rows)
    return LabelledCells(labels, _cells(rows, number))


def window_designs(version: ModelVersion, window: Window, *, source: Source | None = None) -> list[int]:
    """Keys of the sampling designs by which what arrived in the window was drawn."""
    rows = _tallies(version, window, source).order_by("design")
    return list(rows.values_list("design", flat=True).distinct())


def slice_cells(
    version: ModelVersion, window: Window, dimension: str, *, source: Source | None = None
) -> tuple[tuple[Label, ...], list[Slice]]:
    """The slices of a dimension with the most verdicts, at most `MOST_SLICES`, the largest first; and the labels.

    ``dimension``: one of `Tally.Dimension`, whose slices hold what is settled only (the arrivals of a lot are not
    counted), or ``source``, ``station``, ``class`` (predicted), which know their arrivals too.
    Raises ValueError for another one.
    """
    column = WHERE.get(dimension, "key")
    if dimension not in WHERE and dimension not in Dimension.values[1:]:
        raise ValueError(f"there are no slices by {dimension!r}")
    rows = _tallies(version, window, source, dimension="" if dimension in WHERE else dimension)
    rows = rows.annotate(of=F(column)).filter(of__isnull=False)
    largest = rows.order_by().values("of").annotate(n_settled=Sum("n")).order_by("-n_settled", "of")[:MOST_SLICES]
    keys = [row["of"] for row in largest]
    summed = _summed(rows.filter(of__in=keys), "of")
    labels, number = _numbered(version, summed)
    parts: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for row in summed:
        parts[row["of"]].append(row)
    names = _names(dimension, keys)
    return labels, [Slice(str(key), names[key], _cells(parts[key], number)) for key in keys]


def _tallies(version: ModelVersion, window: Window, source: Source | None, *, dimension: str = "") -> QuerySet[Tally]:
    rows = Tally.objects.filter(model_version=version, dimension=dimension, day__gte=window.first, day__lte=window.last)
    return rows.filter(source=source) if source is not None else rows


def _summed(rows: QuerySet[Tally], *more: str) -> list[dict[str, Any]]:
    sums = {f"sum_{name}": Sum(name) for name in SUMS}
    return list(rows.order_by(*more, *KEY).values(*KEY, *more).annotate(**sums))


def _numbered(version: ModelVersion, rows: Iterable[Mapping[str, Any]]) -> tuple[tuple[Label, ...], dict[int, int]]:
    """The labels, and the number of each by its key. A label of an older set counts as the one of the same name."""
    own = list(version.registered_model.label_set.labels.all())
    named = {row[name] for row in rows for name in ("predicted", "true_label")} - {None, *(one.pk for one in own)}
    others = Label.objects.in_bulk(named) if named else {}
    labels: dict[str, Label] = {}
    for label in (*own, *(others[pk] for pk in sorted(others))):
        labels.setdefault(label.slug, label)
    place = {slug: number for number, slug in enumerate(labels)}
    return tuple(labels.values()), {label.pk: place[label.slug] for label in (*own, *others.values())}


def _cells(rows: Sequence[Mapping[str, Any]], number: Mapping[int, int]) -> Cells:
    def floats(name: str) -> Any:
        return np.array([row[f"sum_{name}"] for row in rows], dtype=np.float64)

    def counts(name: str) -> Any:
        return np.array([row[f"sum_{name}"] for row in rows], dtype=np.int64)

    return Cells(
        true=np.array([_true(row, number) for row in rows], dtype=np.int64),
        predicted=np.array([number[row["predicted"]] for row in rows], dtype=np.int64),
        is_certainty=np.array([row["is_certainty"] for row in rows], dtype=bool),
        edge=np.array([row["edge"] for row in rows], dtype=np.float64),
        floor_pi=np.array([row["floor_pi"] for row in rows], dtype=np.float64),
        n_arrived=counts("n_arrived"), n_drawn=counts("n_drawn"), n=counts("n"),
        **{name: floats(name) for name in ("w_drawn", "g", "pi", "w", "w2", "wg", "w2g", "wg2", "w2g2")},
    )  # fmt: skip


def _true(row: Mapping[str, Any], number: Mapping[int, int]) -> int:
    if row["outcome"] == Tally.Outcome.ARRIVED:
        return UNSETTLED
    return NOT_JUDGEABLE if row["true_label"] is None else number[row["true_label"]]


def _names(dimension: str, keys: Iterable[Any]) -> dict[Any, str]:
    keys = list(keys)
    if dimension == "class":
        return {label.pk: label.display_name for label in Label.objects.filter(pk__in=keys)}
    if dimension == "source":
        sources = Source.objects.filter(pk__in=keys).select_related("station")
        return {one.pk: f"{one.station.name}, {one.name}" for one in sources}
    if dimension == "station":
        return dict(Source.objects.filter(station__in=keys).values_list("station", "station__name"))
    return {key: str(key) for key in keys}
