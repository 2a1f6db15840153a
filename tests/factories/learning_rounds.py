"""Rounds of active learning and their picks."""

from __future__ import annotations

from typing import Any

from labeling.models import LearningPick, LearningRound
from tests.factories.base import NOW
from tests.factories.inspections import make_review
from tests.factories.registry import make_model


def make_round(**fields: Any) -> LearningRound:
    """Done, of ten parts, unless said otherwise."""
    fields = {"number": 1, "n_asked": 10, "seed": 1, "status": "done", "requested_at": NOW, **fields}
    fields.setdefault("finished_at", None if fields["status"] == "queued" else NOW)
    model = fields.pop("registered_model", None) or make_model()
    return LearningRound.objects.create(registered_model=model, **fields)


def make_pick(**fields: Any) -> LearningPick:
    """Picked on purpose, with its review."""
    round_ = fields.pop("round", None) or make_round()
    review = fields.pop("review", None) or make_review(registered_model=round_.registered_model)
    fields = {"arm": "active", "why": "margin", "margin": 0.1, **fields}
    return LearningPick.objects.create(round=round_, review=review, inspection=review.inspection, **fields)
