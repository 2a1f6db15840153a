"""Every picture's table, as rows: shares between 0 and 1, empty where nothing can be said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from labeling.accuracy.evidence import watched
from labeling.accuracy.figures import Rate, standing
from labeling.accuracy.material import Material
from labeling.accuracy.matrix import escapes, matrix_labels
from labeling.accuracy.regions import detection
from labeling.accuracy.slices import slices
from labeling.accuracy.sureness import sureness
from labeling.charts import Share
from models_registry.estimation.counts import Measured
from models_registry.models import Evaluation

Row = Sequence[object]
MOST_ESTIMATES = 5_000


def figures_table(material: Material) -> list[Row]:
    found = standing(material)
    accuracy, naive = found.accuracy, found.naive
    rows: list[Row] = [
        ("figure", "value", "low", "high", "lower_bound", "upper_bound", "n", "n_found", "method"),
        (
            "accuracy", *_if(not accuracy.bound_only, accuracy.value, accuracy.ci_low, accuracy.ci_high),
            accuracy.lower_bound, None, accuracy.n, accuracy.n_found, accuracy.method,
        ),
        ("plain_share_biased", naive.value, naive.ci_low, naive.ci_high, None, None, naive.n, None, "plain"),
        ("label_free", accuracy.label_free, None, None, None, None, 0, None, "model's own word"),
    ]  # fmt: skip
    rates = {
        "escape_rate": found.escape, "overkill_rate": found.overkill, "first_pass_yield": found.first_pass,
        "missed_per_million": found.dpm,
    }  # fmt: skip
    if found.currency:
        rates |= {f"cost_a_day_{found.currency}": found.cost, f"cost_without_{found.currency}": found.cost_without}
    return [*rows, *(_rate(name, one) for name, one in rates.items())]


def over_time_table(material: Material) -> list[Row]:
    """The recorded 28-day estimates of the version, newest first."""
    rows = Evaluation.objects.filter(model_version=material.version, slice="").order_by("-evaluated_at", "-pk")
    return [
        (
            "at", "value", "low", "high", "lower_bound", "n", "n_found", "n_arrived", "plain_share_biased",
            "label_free", "method", "provisional",
        ),
        *(
            (
                _moment(row.evaluated_at), *_if(not row.bound_only, row.value, row.ci_low, row.ci_high),
                row.lower_bound, row.n, row.n_found, row.n_arrived, row.naive_value, row.label_free,
                row.method, row.provisional,
            )
            for row in rows.defer("confusion")[:MOST_ESTIMATES]
        ),
    ]  # fmt: skip


def confusion_table(material: Material) -> list[Row]:
    labels, found = matrix_labels(material), material.confusion
    return [
        ("true", "predicted", "share_of_true", "low", "high", "share_of_all", "low_of_all", "high_of_all", "n"),
        *(
            (true.slug, said.slug, *_ends(found.by_true[j][k]), *_ends(found.of_all[j][k]), found.counts[j][k])
            for j, true in enumerate(labels)
            for k, said in enumerate(labels)
        ),
    ]


def escapes_table(material: Material) -> list[Row]:
    return [
        ("defect", "share_of_escapes", "low", "high", "n"),
        *((label.slug, *_share(one), one.n) for label, one in escapes(material)),
    ]


def slices_table(material: Material) -> list[Row]:
    return [
        ("dimension", "slice", "accuracy", "low", "high", "lower_bound", "n", "n_found", "evidence_to_1", "state"),
        *(
            (
                row.dimension, row.key, *_if(not row.accuracy.bound_only, row.accuracy.value, row.accuracy.ci_low,
                row.accuracy.ci_high), row.accuracy.lower_bound, row.accuracy.n, row.accuracy.n_found, row.evidence,
                row.state,
            )
            for row in slices(material)
        ),
    ]  # fmt: skip


def reliability_table(material: Material) -> list[Row]:
    found = sureness(material)
    return [
        ("confidence_from", "confidence_to", "mean_confidence", "share_right", "low", "high", "n"),
        *(
            (one.low, one.high, one.confidence, *_share(one.right), one.right.n)
            for one in (found.tenths if found else ())
        ),
    ]


def regions_table(material: Material) -> list[Row]:
    found = detection(material)
    classes = [("", found.whole), *((one.label.slug, one.rates) for one in found.classes)] if found else []
    figures = [
        (label, name, rate, one)
        for label, one in classes
        for name, rate in (("precision", one.precision), ("recall", one.recall))
    ]
    return [
        ("class", "figure", "value", "low", "high", "lower_bound", "n", "matched", "missed", "false"),
        *(
            (
                label, name, *_if(not rate.bound_only, rate.value, rate.low, rate.high), rate.lower_bound, rate.n,
                one.n_matched, one.n_missed, one.n_false,
            )
            for label, name, rate, one in figures
        ),
    ]  # fmt: skip


def evidence_table(material: Material) -> list[Row]:
    return [
        ("guard", "limit", "at", "n_inspections", "evidence_to_1"),
        *(
            (one.monitor.guard, one.limit, _moment(point.at), point.n, point.evidence)
            for one in watched(material.version)
            for point in one.points
        ),
    ]


TABLES: dict[str, Callable[[Material], Iterable[Row]]] = {
    "figures": figures_table,
    "over-time": over_time_table,
    "confusion": confusion_table,
    "escapes": escapes_table,
    "slices": slices_table,
    "reliability": reliability_table,
    "regions": regions_table,
    "evidence": evidence_table,
}


def _ends(one: Measured) -> tuple[object, ...]:
    return one.value, one.low, one.high


def _share(one: Share) -> tuple[object, ...]:
    return _if(one.is_estimate, one.value, one.low, one.high)


def _if(holds: bool, *values: object) -> tuple[object, ...]:
    return values if holds else (None,) * len(values)


def _rate(name: str, one: Rate) -> Row:
    lower, upper = (one.bound, None) if one.is_floor else (None, one.bound)
    is_estimate = one.state == "estimate"
    return (name, *_if(is_estimate, one.value, one.low, one.high), lower, upper, one.n, one.n_found, one.method)


def _moment(at: datetime) -> str:
    return at.isoformat()
