"""Many parts at once: arrived, predicted, drawn with one chance, and settled if they were drawn."""

from __future__ import annotations

from typing import Any

from labeling.models import GroundTruth, Inspection, Item, Prediction, Selection, Source
from models_registry.models import Label, ModelVersion
from tests.factories.base import NOW, next_number, sha256
from tests.factories.inspections import make_station
from tests.factories.registry import label_of


def make_judged(
    *,
    version: ModelVersion,
    n: int,
    said: Label | str = "ok",
    truth: Label | str | None = "ok",
    pi: float = 0.5,
    drawn: bool = True,
    confidence: float | None = 0.9,
    source: Source | None = None,
    **fields: Any,
) -> list[Inspection]:
    """``n`` parts alike. ``truth`` None: drawn and not settled; not ``drawn``: they only arrived."""
    model, at = version.registered_model, fields.pop("captured_at", NOW)
    station = source.station if source else make_station()
    named = [f"judged-{next_number()}" for _ in range(n)]
    parts = Inspection.objects.bulk_create(
        Inspection(
            station=station, inspection_id=name, group_id=name, captured_at=at, received_at=at, partition="train",
            **{"day": at.date(), **fields},
        )
        for name in named
    )  # fmt: skip
    if source is not None:
        Item.objects.bulk_create(Item(inspection=part, source=source, created_at=at) for part in parts)
    label, stratum = label_of(model, said), "certainty" if pi == 1 else "sampled"
    design = model.designs.get(is_active=True, kind="main")
    Prediction.objects.bulk_create(
        Prediction(
            inspection=part, model_version=version, label=label, confidence=confidence, predicted_at=at,
            digest=sha256(f"{part.pk}-{version.pk}"),
        )
        for part in parts
    )  # fmt: skip
    Selection.objects.bulk_create(
        Selection(
            inspection=part, registered_model=model, design=design, stratum=stratum, pi=pi,
            floor_pi=min(pi, 0.05), u=0.0 if drawn else 0.99, uncertainty=0.2, error_guess=0.1, drawn=drawn,
            reason="drawn", created_at=at,
        )
        for part in parts
    )  # fmt: skip
    if drawn and truth is not None:
        true = label_of(model, truth)
        GroundTruth.objects.bulk_create(
            GroundTruth(
                registered_model=model, inspection=part, outcome="label", label=true, n_verdicts=1, method="votes",
                decided_at=at,
            )
            for part in parts
        )  # fmt: skip
    return parts
