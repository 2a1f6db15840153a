"""What goes into the ingest and what comes out of it, row by row."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import msgspec

from labeling.catalog import ModelCatalog
from labeling.errors import ContentConflict
from labeling.images import CheckedImage
from labeling.incoming import IncomingRow
from labeling.models import Inspection, Prediction, Review, Source
from models_registry.models import ModelVersion
from reviewapp.errors import ReviewAppError


class Submission(msgspec.Struct, frozen=True):
    """One checked row with its image, if it brought one. (A struct: a hundred thousand are made in a request.)"""

    position: int
    row: IncomingRow
    catalog: ModelCatalog
    source: Source
    image: CheckedImage | None
    version: ModelVersion | None = None
    confidence: float | None = None
    image_address: str = ""  # where its image can be had, as `Item.image_address` holds it


class Chance(NamedTuple):
    """What the draws of a part came to: whether people look, how likely that was, and why."""

    drawn: bool
    probability: float
    reason: str


class Answer(msgspec.Struct, kw_only=True):
    """What the line is told about one row: plain values, in the order and with the names of the API."""

    row: int
    status: str  # created, duplicate, error
    inspection_id: str = ""
    attempt: int = 1
    label: str | None = None
    confidence: float | None = None
    scores: dict[str, float] | None = None
    version: str | None = None
    disposition: str | None = None
    review: str = "none"
    review_id: int | None = None
    deadline: datetime | None = None
    default_disposition: str | None = None
    reason: str = ""
    probability: float = 1.0
    image: str | None = None  # the state of this view's image: a word of `Item.ImageStatus`
    error: ReviewAppError | None = None


def answer(
    row: int,
    status: str,
    inspection: Inspection,
    prediction: Prediction | None,
    chance: Chance,
    review: Review | None,
    disposition: str | None,
    image: str,
) -> Answer:
    """The answer from the rows that were stored."""
    return Answer(
        row=row,
        status=status,
        inspection_id=inspection.inspection_id,
        attempt=inspection.attempt,
        label=prediction.label.slug if prediction else None,
        confidence=prediction.confidence if prediction else None,
        scores=prediction.scores if prediction else None,
        version=prediction.model_version.short_name if prediction else None,
        disposition=disposition,
        review=review.mode if review else "none",
        review_id=review.pk if review else None,
        deadline=review.deadline if review else None,
        default_disposition=(review.default_disposition or None) if review else None,
        reason=chance.reason,
        probability=chance.probability,
        image=image,
    )


def refusal(row: int, error: ReviewAppError) -> Answer:
    return Answer(row=row, status="error", error=error)


def conflict(name: str, one: Submission) -> ContentConflict:
    """The refusal of other content under a taken key."""
    return ContentConflict(
        f"Inspection {one.row.inspection_id} is known with another {name}. Nothing was changed.",
        row=one.position, fields={name: "Differs from what is stored."},
    )  # fmt: skip
