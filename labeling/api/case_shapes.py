"""What the endpoints of second looks and of the grid answer, as types for the schema."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from labeling.api.shown_shapes import ShownPrediction, ShownReview


class RevealAnswer(msgspec.Struct):
    """`prediction` is null where nothing is shown: it is what was said."""

    differs: bool
    prediction: ShownPrediction | None


class ChallengeAnswer(msgspec.Struct):
    """`review` is the round that decides."""

    review: int
    is_new: bool


class CaseVoice(msgspec.Struct):
    letter: str
    phase: Literal["blind", "shown"]
    kind: str
    label: str | None
    name: str
    note: str
    findings: list[Any]
    seconds: int


class OpenCase(msgspec.Struct):
    """`is_held`: a colleague has it open."""

    review: int
    part: str
    opened_at: datetime
    is_late: bool
    is_held: bool
    challenges: list[str]
    settled_as: str | None
    voices: list[CaseVoice]


class OpenCases(msgspec.Struct):
    cases: list[OpenCase]


class TakenCase(msgspec.Struct):
    review: ShownReview


class GridClass(msgspec.Struct):
    slug: str
    name: str
    n: int


class GridAnswer(msgspec.Struct):
    """Reviews of parts that were all predicted as `label`, the most doubtful first."""

    label: GridClass | None
    classes: list[GridClass]
    reviews: list[ShownReview]
    n_mine_today: int


class PauseAnswer(msgspec.Struct):
    since: datetime | None  # None: no pause
