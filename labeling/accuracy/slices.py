"""Where it is worse: lines, cameras, shifts, lots and so on, those with the most evidence of harm first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from labeling.accuracy.material import Material
from labeling.models import Source
from labeling.windows import Slice, slice_cells
from models_registry.charts import Scale, accuracy_scale
from models_registry.estimation.counts import Measured
from models_registry.estimation.eprocess import alarms_e_bh
from models_registry.estimation.slices import slice_figures
from models_registry.templatetags.figures import shown_low

DIMENSIONS = ("source", "station", "shift", "lot", "recipe", "class", "flag", "shown", "attempt")
PARAMETERS = {"class": "said"}
"""What the list of reviews calls a dimension, where it is not the dimension's own name."""
STATES = (("critical", 100.0), ("alert", 20.0), ("watch", 5.0))
ROWS = 25


@dataclass(frozen=True, slots=True)
class SliceAccuracy:
    """A slice's accuracy as `{% accuracy %}` prints it."""

    value: float | None
    ci_low: float | None
    ci_high: float | None
    lower_bound: float | None
    n: int
    n_found: int
    bound_only: bool
    method: str
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class SliceRow:
    """``evidence``: so many to 1 that the target is missed here; None where too little is known, or without a target.

    ``state``: ok, watch, alert, critical, few (not measurable), or empty without a target. The rows by what the model
    said have none: they are how often it is right when it says so, which the target of the whole says nothing about.
    """

    dimension: str
    key: str
    kind: str
    name: str
    query: str
    accuracy: SliceAccuracy
    evidence: float | None
    state: str


def slices(material: Material) -> list[SliceRow]:
    """Every slice of every dimension that has more than one; small ones at the end, without a number."""
    target = material.asked.registered_model.target_accuracy
    rows = [row for dimension in DIMENSIONS for row in _of_dimension(material, dimension, target)]
    rows = _judged(rows) if target is not None else rows
    return sorted(rows, key=_urgency)


def slice_scale(rows: Sequence[SliceRow], target: float | None) -> Scale:
    return accuracy_scale([*(shown_low(row.accuracy) for row in rows), target])


def _of_dimension(material: Material, dimension: str, target: float | None) -> list[SliceRow]:
    asked = material.asked
    if dimension == "source" and asked.source is not None:
        return []
    _labels, found = slice_cells(material.version, asked.window, dimension, source=asked.source)
    if len(found) < 2 and dimension != "flag":  # one slice alone is everything; a flag is on a part of it
        return []
    keys = _keys(material, dimension, found)
    return [_row(material, dimension, one, keys[one.key], target) for one in found]


def _row(material: Material, dimension: str, one: Slice, key: str, target: float | None) -> SliceRow:
    figures = slice_figures(one.cells, allowed=1 - (target or 0.5), window=material.found.cells)
    accuracy = _accuracy(figures.accuracy)
    return SliceRow(
        dimension=dimension,
        key=key,
        kind=_kinds()[dimension],
        name=_name(dimension, one),
        query=urlencode({PARAMETERS.get(dimension, dimension): key}),
        accuracy=accuracy,
        evidence=figures.evidence if target is not None and dimension != "class" else None,
        state="few" if accuracy.value is None else "",
    )


def _accuracy(measured: Measured) -> SliceAccuracy:
    return SliceAccuracy(
        value=measured.value,
        ci_low=measured.low,
        ci_high=measured.high,
        lower_bound=measured.lower_bound,
        n=measured.n,
        n_found=measured.n_found,
        bound_only=measured.bound_only,
        method=measured.method,
    )


def _judged(rows: list[SliceRow]) -> list[SliceRow]:
    """With states that allow for looking at all of them at once (e-BH: of the alarms at most 1 in 20 is false)."""
    measured = [row for row in rows if row.evidence is not None]
    states = ["ok"] * len(measured)
    for state, limit in reversed(STATES):
        rings = alarms_e_bh([row.evidence or 0.0 for row in measured], alpha=1 / limit)
        states = [state if is_ringing else before for before, is_ringing in zip(states, rings, strict=True)]
    return [
        *(replace(row, state=state) for row, state in zip(measured, states, strict=True)),
        *(row for row in rows if row.evidence is None),
    ]


def _urgency(row: SliceRow) -> tuple[bool, float, float, int]:
    """Most evidence first; without a target the lowest interval; what cannot be measured last, the largest first."""
    high = row.accuracy.ci_high if row.accuracy.ci_high is not None else 1.0
    return (row.state == "few", -(row.evidence or 0.0), high, -row.accuracy.n)


def _keys(material: Material, dimension: str, found: Sequence[Slice]) -> dict[str, str]:
    """What the list of reviews calls each slice: a slug where the rollups hold a number."""
    if dimension == "class":
        return {str(label.pk): label.slug for label in material.labels} | {
            one.key: one.name for one in found if one.key not in {str(label.pk) for label in material.labels}
        }
    if dimension == "source":
        known = Source.objects.filter(pk__in=[int(one.key) for one in found])
        return {str(pk): slug for pk, slug in known.values_list("pk", "slug")}
    if dimension == "station":
        stations = Source.objects.filter(station__in=[int(one.key) for one in found])
        return {str(pk): slug for pk, slug in stations.values_list("station", "station__slug")}
    return {one.key: one.key for one in found}


def _kinds() -> dict[str, str]:
    return {
        "source": _("Camera"),
        "station": _("Line"),
        "shift": _("Shift"),
        "lot": _("Lot"),
        "recipe": _("Recipe"),
        "class": _("Model said"),
        "flag": _("Image quality"),
        "shown": _("How it was judged"),
        "attempt": _("Attempt"),
    }


def _name(dimension: str, one: Slice) -> str:
    if dimension == "shown":
        names = {
            "blind": _("Before the prediction was shown"),
            "shown": _("With the prediction shown"),
            "grid": _("In a grid, with the prediction shown"),
        }
        return names[one.key]
    return capfirst(one.name) if dimension == "flag" else one.name
