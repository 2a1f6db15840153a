"""What is known of parts, gathered for a page of predictions at once: as many queries for a hundred as for one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from labeling.api.listed import Part, item_row, part, told
from labeling.models import DispositionRecord, GroundTruth, Item, Outcome, Prediction, Review, Selection, Verdict
from labeling.routing import union_probability

T = TypeVar("T")


class Said(msgspec.Struct):
    """By a version."""

    label: str
    confidence: float | None
    scores: dict[str, float] | None
    predicted_at: datetime


class ToldDisposition(msgspec.Struct):
    """To the line, or by it."""

    disposition: str
    origin: str
    created_at: datetime
    done_at: datetime | None
    revoked_at: datetime | None


class Draw(msgspec.Struct):
    drawn: bool
    stratum: str
    probability: float


class Judged(msgspec.Struct):
    """By a person."""

    by: str
    kind: str
    label: str | None
    phase: str
    said_at: datetime


class Looked(msgspec.Struct):
    """A review, with the verdicts that stand."""

    id: int
    round: int
    mode: str
    status: str
    settled_at: datetime | None
    verdicts: list[Judged]


class Truth(msgspec.Struct):
    outcome: str
    label: str | None
    method: str
    decided_at: datetime


class Later(msgspec.Struct):
    """What turned out elsewhere."""

    label: str
    origin: str
    reference: str
    observed_at: datetime


class Evidence(Part):
    model: str
    version: str
    prediction: Said
    disposition: str | None
    dispositions: list[ToldDisposition]
    draw: Draw | None
    reviews: list[Looked]
    ground_truth: Truth | None
    outcomes: list[Later]
    images: list[str]


def evidence(predictions: Sequence[Prediction]) -> list[Evidence]:
    """Of predictions of one model, with their inspection, station, label and version at hand."""
    parts = [one.inspection_id for one in predictions]
    mine = {
        "inspection__in": parts,
        "registered_model__in": {one.model_version.registered_model_id for one in predictions},
    }
    happened = told(parts)
    records = by_part(DispositionRecord.objects.filter(inspection__in=parts).order_by("pk"))
    draws = by_part(Selection.objects.filter(**mine).order_by("pk"))
    reviews = by_part(Review.objects.filter(**mine).order_by("round"))
    verdicts = _verdicts(mine)
    truths = by_part(GroundTruth.objects.filter(**mine).select_related("label"))
    outcomes = by_part(Outcome.objects.filter(**mine).select_related("label").order_by("observed_at", "pk"))
    items = by_part(Item.objects.filter(inspection__in=parts).select_related("source").order_by("pk"))
    return [
        Evidence(
            **part(one.inspection), model=one.model_version.registered_model.slug, version=one.model_version.short_name,
            prediction=Said(one.label.slug, one.confidence, one.scores, one.predicted_at),
            disposition=happened.get(one.inspection_id),
            dispositions=[_told(record) for record in records[one.inspection_id]],
            draw=_draw(draws[one.inspection_id]),
            reviews=[_looked(review, verdicts[review.pk]) for review in reviews[one.inspection_id]],
            ground_truth=next((_truth(truth) for truth in truths[one.inspection_id]), None),
            outcomes=[Later(o.label.slug, o.origin, o.reference, o.observed_at) for o in outcomes[one.inspection_id]],
            images=[url for item in items[one.inspection_id] if (url := item_row(item).image)],
        )
        for one in predictions
    ]  # fmt: skip


def by_part(rows: Iterable[T]) -> dict[int, list[T]]:
    found: dict[int, list[T]] = defaultdict(list)
    for row in rows:
        found[row.inspection_id].append(row)  # type: ignore[attr-defined]
    return found


def _verdicts(mine: dict[str, Any]) -> dict[int, list[Verdict]]:
    """By review, in the order in which they were said."""
    of_review = {f"review__{name}": value for name, value in mine.items()}
    found: dict[int, list[Verdict]] = defaultdict(list)
    rows = Verdict.objects.current().filter(**of_review)
    for verdict in rows.select_related("reviewer", "label").order_by("pk"):
        found[verdict.review_id].append(verdict)
    return found


def _draw(draws: Sequence[Selection]) -> Draw | None:
    """Of all designs together; the main one's is the first."""
    if not draws:
        return None
    return Draw(any(one.drawn for one in draws), draws[0].stratum, union_probability([one.pi for one in draws]))


def _told(record: DispositionRecord) -> ToldDisposition:
    return ToldDisposition(record.disposition, record.origin, record.created_at, record.done_at, record.revoked_at)


def _looked(review: Review, verdicts: Sequence[Verdict]) -> Looked:
    said = [
        Judged(one.reviewer.username, one.kind, one.label.slug if one.label else None, one.phase, one.said_at)
        for one in verdicts
    ]
    return Looked(review.pk, review.round, review.mode, review.status, review.settled_at, said)


def _truth(truth: GroundTruth) -> Truth:
    return Truth(truth.outcome, truth.label.slug if truth.label else None, truth.method, truth.decided_at)
