"""How well a detector finds regions: precision and recall of a window, per class and of all together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Count, F, FloatField, Max, Q, QuerySet, Sum

from labeling.accuracy.material import Material
from labeling.models import RegionMatch
from labeling.regions.measuring import ALL
from models_registry.estimation.cells import Cells, Ints
from models_registry.estimation.detection import Events, RegionCells, RegionRates, region_rates, response_share
from models_registry.models import Label, RegisteredModel

UNIT = ("prediction__label__slug", "is_certainty", "edge", "floor_pi")
KINDS = ("matched", "missed", "false")
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ClassRegions:
    label: Label
    rates: RegionRates


@dataclass(frozen=True, slots=True)
class Detection:
    """``n``: reviews whose regions are settled; ``response``: their share of what was drawn and could be judged."""

    n: int
    response: float | None
    whole: RegionRates
    classes: tuple[ClassRegions, ...]


def detection(material: Material) -> Detection | None:
    """None where the model draws no regions, or nothing of them is settled in the window."""
    if material.asked.registered_model.kind != RegisteredModel.Kind.DETECTION:
        return None
    rows = list(_sums(_rows(material)))
    units = [row for row in rows if row["label"] == ALL]
    if not units:
        return None
    names = [ALL, *(label.slug for label in material.labels)]
    spoken, window = _spoken(units, material.labels), material.found.cells
    cells = _cells([row for row in rows if row["label"] in names], units, names, spoken)
    rates = region_rates(cells, window, n_labels=len(names))
    classes = [ClassRegions(label, one) for label, one in zip(material.labels, rates[1:], strict=True) if _any(one)]
    n = int(spoken.n.sum())
    return Detection(n, response_share(spoken, window), rates[0], tuple(classes))


def _any(rates: RegionRates) -> bool:
    return rates.n_matched + rates.n_missed + rates.n_false > 0


def _rows(material: Material) -> QuerySet[RegionMatch]:
    window = material.asked.window
    rows = RegionMatch.objects.filter(
        model_version=material.version, day__gte=window.first, day__lte=window.last,
        prediction__inspection__withdrawn_at__isnull=True,
    )  # fmt: skip
    return rows.filter(source=material.asked.source) if material.asked.source is not None else rows


def _sums(rows: QuerySet[RegionMatch]) -> Iterable[Row]:
    """One row for each class and cell of the draw: at most as many as there are cells, whatever the number of parts."""
    sums: dict[str, Any] = {"n": Count("pk"), "sum_pi": Sum("pi"), "w": _sum(1), "w2": _sum(1, power=2)}
    for kind in KINDS:
        x = F(f"n_{kind}")
        some = Q(**{f"n_{kind}__gt": 0})
        sums |= {
            f"{kind}_n": Count("pk", filter=some), f"{kind}_count": Sum(x), f"{kind}_largest": Max(x),
            f"{kind}_pi": Sum("pi", filter=some, default=0.0), f"{kind}_w": _sum(x), f"{kind}_w_sq": _sum(x * x),
            f"{kind}_w2_sq": _sum(x * x, power=2),
        }  # fmt: skip
    for other in ("false", "missed"):
        both = F("n_matched") * F(f"n_{other}")
        sums |= {f"w_{other}": _sum(both), f"w2_{other}": _sum(both, power=2)}
    sums["n_predicted"] = Count("pk", filter=Q(n_matched__gt=0) | Q(n_false__gt=0))
    sums["n_true"] = Count("pk", filter=Q(n_matched__gt=0) | Q(n_missed__gt=0))
    summed: Iterable[Row] = rows.order_by("label", *UNIT).values("label", *UNIT).annotate(**sums)
    return summed


def _sum(x: Any, *, power: int = 1) -> Sum:
    """The sum of x times w to the power, w = 1/pi."""
    by = F("pi") if power == 1 else F("pi") * F("pi")
    return Sum(x * 1.0 / by, output_field=FloatField())


def _spoken(units: Sequence[Row], labels: Sequence[Label]) -> Cells:
    """The cells of all reviews whose regions are settled; of their truth only that it is known matters here."""
    number, zeros = {label.slug: at for at, label in enumerate(labels)}, np.zeros(len(units))
    none = np.zeros(len(units), dtype=np.int64)
    return Cells(
        true=none, predicted=np.array([number[row[UNIT[0]]] for row in units], dtype=np.int64),
        is_certainty=np.array([row["is_certainty"] for row in units], dtype=bool),
        edge=_floats(units, "edge"), floor_pi=_floats(units, "floor_pi"), n_arrived=none, n_drawn=none,
        w_drawn=zeros, g=zeros, n=_counts(units, "n"), pi=_floats(units, "sum_pi"), w=_floats(units, "w"),
        w2=_floats(units, "w2"), wg=zeros, w2g=zeros, wg2=zeros, w2g2=zeros,
    )  # fmt: skip


def _cells(rows: Sequence[Row], units: Sequence[Row], names: Sequence[str], spoken: Cells) -> RegionCells:
    place = {tuple(row[name] for name in UNIT): at for at, row in enumerate(units)}
    number = {name: at for at, name in enumerate(names)}
    matched, missed, false = (_events(rows, kind) for kind in KINDS)
    return RegionCells(
        label=np.array([number[row["label"]] for row in rows], dtype=np.int64),
        unit=np.array([place[tuple(row[name] for name in UNIT)] for row in rows], dtype=np.int64),
        matched=matched, missed=missed, false=false,
        n_predicted=_counts(rows, "n_predicted"), n_true=_counts(rows, "n_true"),
        w_false=_floats(rows, "w_false"), w2_false=_floats(rows, "w2_false"), w_missed=_floats(rows, "w_missed"),
        w2_missed=_floats(rows, "w2_missed"), spoken=spoken,
    )  # fmt: skip


def _events(rows: Sequence[Row], kind: str) -> Events:
    n, count, largest = (_counts(rows, f"{kind}_{name}") for name in ("n", "count", "largest"))
    pi, w, w_sq, w2_sq = (_floats(rows, f"{kind}_{name}") for name in ("pi", "w", "w_sq", "w2_sq"))
    return Events(n, count, largest, pi, w, w_sq, w2_sq)


def _floats(rows: Sequence[Row], name: str) -> Any:
    return np.array([row[name] for row in rows], dtype=np.float64)


def _counts(rows: Sequence[Row], name: str) -> Ints:
    return np.array([row[name] for row in rows], dtype=np.int64)
