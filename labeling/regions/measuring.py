"""Which regions of a part its predictions found: rows that reports add up, kept true whenever the truth changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, transaction

from labeling.models import GroundTruth, Inspection, Item, Prediction, RegionMatch
from labeling.regions.predicted import Size, predicted_regions
from labeling.regions.settling import as_box
from models_registry.estimation.matching import Box, Matched, match_regions
from models_registry.models import RegisteredModel

ALL = ""
DRAWS = """
SELECT prediction_id, day, source_id, is_certainty, edge, floor_pi, pi FROM labeling_measured(%s, '{}') WHERE is_drawn
"""


def measure_regions(*, inspection: int, registered_model: RegisteredModel) -> None:
    """Write the part's rows anew. Inside the transaction of what changed, with the part locked.

    Only detectors have any, of parts that were drawn and whose regions are settled.
    """
    if registered_model.kind != RegisteredModel.Kind.DETECTION:
        return
    predictions = list(
        Prediction.objects.filter(inspection=inspection, model_version__registered_model=registered_model)
    )
    RegionMatch.objects.filter(prediction__in=predictions).delete()
    truth = (
        GroundTruth.objects.filter(inspection=inspection, registered_model=registered_model, outcome="label")
        .exclude(findings=[])
        .first()
    )
    if truth is None or not predictions or not any("regions" in view for view in truth.findings):
        return
    sizes = sizes_of(inspection)
    draws = _draws(predictions)
    RegionMatch.objects.bulk_create(
        row for one in predictions if one.pk in draws for row in _rows(one, draws[one.pk], truth, sizes)
    )


def sizes_of(inspection: int) -> dict[str, Size | None]:
    """The views of a part with width and height of the original, where they are known."""
    items = Item.objects.filter(inspection=inspection).values_list("view", "width", "height")
    return {view: (width, height) if width and height else None for view, width, height in items}


def _draws(predictions: Sequence[Prediction]) -> dict[int, tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(DRAWS, [[one.pk for one in predictions]])
        return {row[0]: row[1:] for row in cursor.fetchall()}


def _rows(
    prediction: Prediction, draw: tuple[Any, ...], truth: GroundTruth, sizes: Mapping[str, Size | None]
) -> list[RegionMatch]:
    day, source, is_certainty, edge, floor_pi, pi = draw
    found = matches(prediction, truth, sizes)
    whole = Matched()
    for one in found.values():
        whole = whole.plus(one)
    return [
        RegionMatch(
            prediction=prediction, model_version_id=prediction.model_version_id, source_id=source, day=day,
            label=label, is_certainty=is_certainty, edge=edge, floor_pi=floor_pi, pi=pi,
            n_matched=one.n_matched, n_missed=one.n_missed, n_false=one.n_false,
        )
        for label, one in {ALL: whole, **found}.items()
    ]  # fmt: skip


def matches(prediction: Prediction, truth: GroundTruth, sizes: Mapping[str, Size | None]) -> dict[str, Matched]:
    """By class, over the views whose regions are settled; of a bad image none are."""
    found: dict[str, Matched] = {}
    for view in truth.findings:
        if "regions" not in view:
            continue
        true = [as_box(one) for one in view["regions"]]
        said = [_as_box(one) for one in predicted_regions(prediction.findings, view["view"], sizes.get(view["view"]))]
        for label, one in match_regions(true, said).items():
            found[label[:120]] = found.get(label[:120], Matched()).plus(one)
    return found


def _as_box(region: Any) -> Box:
    return as_box(region.as_finding(), confidence=region.confidence)


def rebuild_regions(registered_model: RegisteredModel) -> int:
    """Write the rows of all settled parts of a model anew, part by part. Returns of how many parts."""
    truths = GroundTruth.objects.filter(registered_model=registered_model).order_by("pk")
    n = 0
    for inspection in truths.values_list("inspection_id", flat=True).iterator():
        with transaction.atomic():
            Inspection.objects.select_for_update(no_key=True).filter(pk=inspection).values_list("pk").first()
            measure_regions(inspection=inspection, registered_model=registered_model)
        n += 1
    return n
