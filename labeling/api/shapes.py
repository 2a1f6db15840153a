"""What endpoints answer, as types for the schema. A test asks every endpoint and holds the answer against them."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any, Literal

import msgspec
from drf_spectacular.utils import OpenApiExample

from labeling.api.shown_shapes import ShownReview
from labeling.incoming import IncomingRow
from labeling.ingest.bulk import Told
from reviewapp.openapi import Refusal, Shape

UNSET = msgspec.UNSET
Disposition = Literal["pass", "reject", "hold"]
WatchState = Literal["ok", "watch", "alert", "critical"]


class RowRefusal(msgspec.Struct):
    row: int
    status: Literal["error"]
    http_status: int
    error: Refusal


class PredictionAnswer(msgspec.Struct):
    """What to do with the part, whether a person looks, and whether its image is wanted."""

    row: int
    status: Literal["created", "duplicate"]
    inspection_id: str
    attempt: int
    label: str | None
    confidence: float | None
    scores: dict[str, float] | None
    version: str | None
    disposition: Disposition | None
    review: Literal["none", "measuring", "blocking"]
    review_id: int | None
    deadline: datetime | None
    default_disposition: Disposition | None
    reason: str
    probability: float
    image: str | None


class Counts(msgspec.Struct):
    created: int
    duplicate: int
    error: int


class BulkAnswer(msgspec.Struct):
    counts: dict[str, int]
    results: list[Told]  # what stands at its default is left out
    error: Refusal | msgspec.UnsetType = UNSET


class DispositionAnswer(msgspec.Struct):
    row: int
    status: Literal["created", "duplicate"]
    inspection_id: str
    attempt: int
    disposition: Disposition
    done_at: datetime


class OutcomeAnswer(msgspec.Struct):
    row: int
    status: Literal["created", "duplicate"]
    outcome: int
    matched: bool  # whether the part has arrived
    inspection_id: str | None
    attempt: int | None


class ImageAnswer(msgspec.Struct):
    row: int
    inspection_id: str
    view: str
    status: Literal["created", "duplicate", "ignored"]
    image: str


class HeatmapAnswer(msgspec.Struct):
    row: int
    inspection_id: str
    view: str
    status: Literal["created", "duplicate", "ignored"]


class CaseEnd(msgspec.Struct):
    """Nobody is named. `why`: what the person wrote who decided."""

    state: Literal["waiting", "settled"]
    settled_as: str | None
    why: str


class SaidVerdict(msgspec.Struct):
    client_id: uuid.UUID
    review: int
    part: str
    kind: str
    label: str | None
    name: str
    phase: Literal["blind", "shown", "revealed"]
    shown_at: datetime
    said_at: datetime
    can_undo: bool
    can_challenge: bool  # a label stands that the person may doubt
    case: CaseEnd | None  # what a colleague decided about it, or that one's own challenge waits
    model: str | msgspec.UnsetType = UNSET  # in a list of last verdicts


class ClaimAnswer(msgspec.Struct):
    reviews: list[ShownReview]
    n_open: int | msgspec.UnsetType = UNSET  # these with `with`: ["counts"]
    n_mine_today: int | msgspec.UnsetType = UNSET
    recent: list[SaidVerdict] | msgspec.UnsetType = UNSET  # with `with`: ["recent"]


class HeartbeatAnswer(msgspec.Struct):
    lease_expires_at: datetime


class ReleaseAnswer(msgspec.Struct):
    released: int


class ReviewState(msgspec.Struct):
    id: int
    model: str
    inspection_id: str
    status: Literal["open", "settled", "escalated", "cancelled"]
    mode: Literal["measuring", "blocking"]
    deadline: datetime | None
    outcome: str | None
    label: str | None
    settled_at: datetime | None
    disposition: Disposition | None
    release_at: datetime | None
    released_at: datetime | None


class VerdictAnswer(msgspec.Struct):
    verdict: SaidVerdict
    settled: bool
    lease_lost: bool
    message: str


class UndoAnswer(msgspec.Struct):
    review: ShownReview | None
    message: str


class Queue(msgspec.Struct):
    slug: str
    name: str
    n_open: int


class Queues(msgspec.Struct):
    models: list[Queue]
    stations: list[Queue]


class Accuracy(msgspec.Struct):
    """Never without n and an interval; null where nothing was measured."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    lower_bound: float | None
    method: str | None
    provisional: bool | None


class ModelState(msgspec.Struct):
    model: str
    name: str
    versions: int
    champion: int | None
    n_inspections: int
    n_reviews_open: int
    n_waiting_for_image: int
    n_verdicts: int
    n_new_labels: int
    accuracy: Accuracy
    naive_accuracy: float | None
    runs: dict[str, int]
    promotions: int
    alerts: list[str]
    state: str
    why: str


class ModelStates(msgspec.Struct):
    models: list[ModelState]


class EvidencePoint(msgspec.Struct):
    at: datetime
    n: int
    evidence: float


class StateChange(msgspec.Struct):
    at: datetime
    n: int
    evidence: float
    before: WatchState
    after: WatchState
    cause: Literal["limit", "change", "recovered"]


class WatchedGuard(msgspec.Struct):
    """One monitor. `guard`: empty for all errors, `escape` for defects taken for good, `escape:LABEL` for one class."""

    version: int
    guard: str
    label: str | None
    state: WatchState
    limit: float | None
    accepted: float | None
    evidence: float
    max_evidence: float
    alarm_at: float | None
    p_value: float | None
    rise: float | None
    rise_alarm_at: float | None
    rate_low: float
    rate_high: float
    n_inspections: int
    n_drawn: int
    n_errors: int
    n_unanswered: int
    started_at: datetime
    last_fed_at: datetime | None
    ended_at: datetime | None
    history: list[EvidencePoint]
    changes: list[StateChange]


class WatchedModel(msgspec.Struct):
    monitors: list[WatchedGuard]


class SampleAnswer(msgspec.Struct):
    sample: int
    n_sampled: int
    population: int
    as_of: date
    declared_by: str
    declared_at: datetime


def one_or_many(name: str, row: type[msgspec.Struct]) -> Shape:
    return Shape(name, (row, {"type": "array", "items": row}))


def answers(name: str, row: type[msgspec.Struct], *, counted: bool = False) -> dict[int, Shape]:
    """One row is answered by one object, a list by a list; 207: some rows were refused."""
    many = {
        "type": "object",
        "required": ["results", *(["counts"] if counted else [])],
        "properties": {
            "results": {"type": "array", "items": (row, RowRefusal)},
            **({"counts": Counts} if counted else {}),
        },
    }
    either = Shape(name, (row, many))
    return {200: either, 201: either, 207: Shape(f"{name}List", many)}


JSON_TEXT = {"type": "string", "contentMediaType": "application/json"}
FORM_OF_ROWS: dict[str, Any] = {
    "type": "object",
    "description": "One row as fields with its `image`, or `rows` (a JSON list) with the files `image.0`, `image.1`, …",
    "properties": {
        "rows": JSON_TEXT, "scores": JSON_TEXT, "metadata": JSON_TEXT, "findings": JSON_TEXT,
        "image": {"type": "string", "format": "binary"},
    },
}  # fmt: skip
A_PREDICTION = OpenApiExample(
    "A part with a scratch",
    {
        "model": "surface", "version": "cam-net-7", "inspection_id": "88213", "source": "cam-1", "serial": "S-10442",
        "label": "scratch", "scores": {"ok": 0.1, "scratch": 0.87, "dent": 0.03},
    },
    request_only=True, media_type="application/json",
)  # fmt: skip
ITS_ANSWER = OpenApiExample(
    "Rejected, and looked at by chance",
    {
        "row": 0, "status": "created", "inspection_id": "88213", "attempt": 1, "label": "scratch", "confidence": 0.87,
        "scores": {"ok": 0.1, "scratch": 0.87, "dent": 0.03}, "version": "v3", "disposition": "reject",
        "review": "measuring", "review_id": 41, "deadline": None, "default_disposition": None,
        "reason": "Drawn by chance: the chance of being checked was 6.4 %.", "probability": 0.064, "image": "wanted",
    },
    response_only=True, status_codes=["201"],
)  # fmt: skip
FORM = "multipart/form-data"
ROWS = {"application/json": one_or_many("Rows", IncomingRow), FORM: FORM_OF_ROWS}
BULK = {"application/json": Shape("BulkRows", list[IncomingRow]), "application/x-ndjson": {"type": "string"}}
