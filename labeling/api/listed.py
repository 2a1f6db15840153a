"""The rows of lists, as clients get them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any

import msgspec
from django.urls import reverse

from labeling.models import DispositionRecord, GroundTruth, Inspection, Item, Outcome, Prediction, Review
from models_registry.models import ModelVersion


class Part(msgspec.Struct):
    """Which part, and where it was inspected."""

    inspection_id: str
    station: str
    serial: str
    attempt: int
    lot: str
    captured_at: datetime


class PredictionRow(Part):
    id: int
    model: str
    version: str
    label: str
    confidence: float | None
    scores: dict[str, float] | None
    findings: list[Any]
    predicted_at: datetime
    disposition: str | None


class ItemRow(msgspec.Struct):
    view: str
    source: str
    image: str | None
    width: int | None
    height: int | None


class InspectionRow(Part):
    id: int
    site: str
    recipe: str
    received_at: datetime
    day: date
    shift: str
    purpose: str
    withdrawn_at: datetime | None
    disposition: str | None
    items: list[ItemRow]


class ReviewRow(Part):
    id: int
    model: str
    round: int
    mode: str
    status: str
    created_at: datetime
    deadline: datetime | None
    default_disposition: str | None
    settled_at: datetime | None


class GroundTruthRow(Part):
    id: int
    model: str
    outcome: str
    label: str | None
    n_verdicts: int
    method: str
    decided_at: datetime


class DispositionRow(Part):
    id: int
    disposition: str
    origin: str
    reason: str
    created_at: datetime
    done_at: datetime | None
    revoked_at: datetime | None
    model: str | None
    version: str | None


class IncidentRow(Part):
    id: int
    label: str
    severity: int | None
    origin: str
    reference: str
    note: str
    observed_at: datetime


class VersionRow(msgspec.Struct):
    id: int
    model: str
    number: int
    version: str
    external_name: str
    origin: str
    score_kind: str
    stage: str
    created_at: datetime


def part(inspection: Inspection) -> dict[str, Any]:
    return {
        "inspection_id": inspection.inspection_id, "station": inspection.station.slug, "serial": inspection.serial,
        "attempt": inspection.attempt, "lot": inspection.lot, "captured_at": inspection.captured_at,
    }  # fmt: skip


def told(inspections: Iterable[int]) -> dict[int, str | None]:
    """What was done with each: what the line reports, else what it was told."""
    happened = DispositionRecord.objects.what_happened("pk")
    rows = Inspection.objects.filter(pk__in=list(inspections)).order_by().annotate(happened=happened)
    return dict(rows.values_list("pk", "happened"))


def prediction_rows(rows: list[Prediction]) -> list[PredictionRow]:
    dispositions = told(row.inspection_id for row in rows)
    return [
        PredictionRow(
            **part(row.inspection), id=row.pk, model=row.model_version.registered_model.slug,
            version=row.model_version.short_name, label=row.label.slug, confidence=row.confidence, scores=row.scores,
            findings=row.findings, predicted_at=row.predicted_at, disposition=dispositions.get(row.inspection_id),
        )
        for row in rows
    ]  # fmt: skip


def inspection_rows(rows: list[Inspection]) -> list[InspectionRow]:
    dispositions = told(row.pk for row in rows)
    return [
        InspectionRow(
            **part(row), id=row.pk, site=row.station.site.slug, recipe=row.recipe, received_at=row.received_at,
            day=row.day, shift=row.shift, purpose=row.purpose, withdrawn_at=row.withdrawn_at,
            disposition=dispositions.get(row.pk), items=[item_row(item) for item in row.items.all()],
        )
        for row in rows
    ]  # fmt: skip


def item_row(item: Item) -> ItemRow:
    image = reverse("item-image", args=[item.public_id]) if item.image else None
    return ItemRow(view=item.view, source=item.source.slug, image=image, width=item.width, height=item.height)


def review_rows(rows: list[Review], *, hidden: Collection[int]) -> list[ReviewRow]:
    """What was settled and is not out yet is told as open: it may be taken back unseen. ``hidden``: whether the part
    waits is not told either.
    """
    waiting = [row.inspection_id for row in rows if row.mode == Review.Mode.BLOCKING]
    secret = set(
        Review.objects.filter(inspection__in=waiting, release_at__isnull=False).values_list(
            "inspection_id", "registered_model_id"
        )
    )
    return [review_row(row, (row.inspection_id, row.registered_model_id) in secret, row.pk in hidden) for row in rows]


def review_row(row: Review, secret: bool, hidden: bool) -> ReviewRow:
    return ReviewRow(
        **part(row.inspection), id=row.pk, model=row.registered_model.slug, round=row.round,
        mode=Review.Mode.MEASURING if hidden else row.mode, status=Review.Status.OPEN if secret else row.status,
        created_at=row.created_at, deadline=None if hidden else row.deadline,
        default_disposition=None if hidden else row.default_disposition or None,
        settled_at=None if secret else row.settled_at,
    )  # fmt: skip


def ground_truth_rows(rows: list[GroundTruth]) -> list[GroundTruthRow]:
    return [
        GroundTruthRow(
            **part(row.inspection), id=row.pk, model=row.registered_model.slug, outcome=row.outcome,
            label=row.label.slug if row.label else None, n_verdicts=row.n_verdicts, method=row.method,
            decided_at=row.decided_at,
        )
        for row in rows
    ]  # fmt: skip


def disposition_rows(rows: list[DispositionRecord]) -> list[DispositionRow]:
    return [disposition_row(row) for row in rows]


def disposition_row(row: DispositionRecord) -> DispositionRow:
    version = row.prediction.model_version if row.prediction else None
    return DispositionRow(
        **part(row.inspection), id=row.pk, disposition=row.disposition, origin=row.origin, reason=row.reason,
        created_at=row.created_at, done_at=row.done_at, revoked_at=row.revoked_at,
        model=version.registered_model.slug if version else None, version=version.short_name if version else None,
    )  # fmt: skip


def incident_rows(rows: list[Outcome]) -> list[IncidentRow]:
    return [
        IncidentRow(
            **part(row.inspection), id=row.pk, label=row.label.slug, severity=row.label.severity, origin=row.origin,
            reference=row.reference, note=row.note, observed_at=row.observed_at,
        )
        for row in rows
        if row.inspection
    ]  # fmt: skip


def version_rows(rows: list[ModelVersion]) -> list[VersionRow]:
    return [
        VersionRow(
            id=row.pk, model=row.registered_model.slug, number=row.number, version=row.short_name,
            external_name=row.external_name, origin=row.origin, score_kind=row.score_kind, stage=row.stage,
            created_at=row.created_at,
        )
        for row in rows
    ]  # fmt: skip
