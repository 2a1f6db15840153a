"""Settled labels as rows of a manifest: what a dataset is frozen from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from labeling.images.quality import flags_of
from labeling.models import GroundTruth, Inspection, Outcome
from labeling.routing_state import chances_of_drawn
from models_registry.manifest import ManifestImage, ManifestRow, Query
from models_registry.models import RegisteredModel
from models_registry.services.label_sets import Reading, readings_of

ELIGIBLE = (
    "Labels that people settled or that were imported, of inspections that were not withdrawn and have an image in the "
    "store; and outcomes from elsewhere of parts that nobody judged and that are not held out."
)


def eligible(registered_model: RegisteredModel, *, cutoff: datetime) -> Query:
    """The question that `rows_of` answers, for the manifest's header."""
    parameters: dict[str, str | int | float | bool | None] = {
        "model": registered_model.slug,
        "settled_until": cutoff.astimezone(UTC).isoformat(),
        "truth_outcome": "label",
        "withdrawn": False,
        "needs_image": True,
    }
    return Query(ELIGIBLE, parameters)


def rows_of(
    registered_model: RegisteredModel, truths: Iterable[GroundTruth], outcomes: Iterable[Outcome]
) -> list[ManifestRow]:
    """Every labelled, judgeable inspection with an image in the store, as rows of a manifest.

    Labels of older sets are read through the mappings of the model's label set; what has no counterpart is left out.
    ``pi`` is that of a person's verdict on what was drawn, by whatever design. An outcome has none, drawn or not: it
    came because of what the part was.
    """
    pis = chances_of_drawn(registered_model)
    read = readings_of([registered_model.label_set_id])[registered_model.label_set_id]
    truths, outcomes = list(truths), list(outcomes)
    told: list[GroundTruth | Outcome] = [*truths, *outcomes]
    unusual = flags_of({one.inspection_id for one in told if one.inspection_id is not None})
    rows = [_row(truth, pis.get(truth.inspection_id), read, unusual) for truth in truths]
    rows += [_row(outcome, None, read, unusual) for outcome in outcomes]
    return sorted((row for row in rows if row is not None and row.images), key=lambda row: row.inspection)


def _row(
    truth: GroundTruth | Outcome,
    pi: float | None,
    read: Reading,
    unusual: Mapping[int, Sequence[str]],
) -> ManifestRow | None:
    """None: the model's label set has no counterpart of the label any more."""
    inspection = truth.inspection
    assert truth.label is not None and inspection is not None  # noqa: PT018, S101 - trainable() leaves out what has none
    label = read.get(truth.label.pk, truth.label.slug)
    if label is None:
        return None
    return ManifestRow(
        inspection=f"{inspection.station_id}/{inspection.inspection_id}",
        part=inspection.part,
        group=inspection.group_id,
        partition=inspection.partition,  # type: ignore[arg-type]
        label=label,
        weight=1.0,
        pi=pi,
        images=_images(inspection),
        captured_at=inspection.captured_at.astimezone(UTC).isoformat(),
        arrived_at=inspection.received_at.astimezone(UTC).isoformat(),
        unusual=tuple(unusual[inspection.pk]) if inspection.pk in unusual else None,
        source=_camera(inspection),
    )


def _camera(inspection: Inspection) -> str:
    """Of the first view; empty for one that came without a camera."""
    views = sorted((item for item in inspection.items.all() if item.image), key=lambda item: item.pk)
    return views[0].source.slug if views and views[0].source else ""


def _images(inspection: Inspection) -> tuple[ManifestImage, ...]:
    return tuple(
        ManifestImage(key=item.image, sha256=item.sha256, item=str(item.public_id), phash=item.phash)
        for item in inspection.items.all()
        if item.image
    )
