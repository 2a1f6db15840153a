"""What goes into the ingest and what comes out of it, row by row."""

from __future__ import annotations

from dataclasses import dataclass

from labeling.catalog import ModelCatalog
from labeling.errors import ContentConflict
from labeling.images import CheckedImage
from labeling.incoming import IncomingRow
from labeling.models import Inspection, Prediction, Review, Selection, Source
from models_registry.models import ModelVersion
from reviewapp.errors import ReviewAppError


@dataclass(frozen=True, slots=True)
class Submission:
    """One checked row with its image, if it brought one."""

    position: int
    row: IncomingRow
    catalog: ModelCatalog
    source: Source
    image: CheckedImage | None
    version: ModelVersion | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the line is told about one row."""

    row: int
    status: str  # created, duplicate, error
    inspection: Inspection | None = None
    prediction: Prediction | None = None
    selection: Selection | None = None
    review: Review | None = None
    disposition: str | None = None
    error: ReviewAppError | None = None


def conflict(name: str, one: Submission) -> ContentConflict:
    """The refusal of other content under a taken key."""
    return ContentConflict(
        f"Inspection {one.row.inspection_id} is known with another {name}. Nothing was changed.",
        row=one.position, fields={name: "Differs from what is stored."},
    )  # fmt: skip
