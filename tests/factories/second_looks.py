"""What came of a review beside its verdicts."""

from __future__ import annotations

from typing import Any

from labeling.models import Challenge, Reveal, Review
from tests.factories.base import NOW
from tests.factories.inspections import make_review
from tests.factories.people import make_user


def make_reveal(*, review: Review | None = None, **fields: Any) -> Reveal:
    """Alice has seen what the model said, after her own word."""
    fields = {"person": make_user("alice"), "was_decided": True, "shown_at": NOW, **fields}
    return Reveal.objects.create(review=review or make_review(), **fields)


def make_challenge(*, review: Review | None = None, **fields: Any) -> Challenge:
    """Alice doubts what was settled; ``review`` is the round that decides."""
    review = review or make_review(reason="adjudication")
    fields = {"challenged_by": make_user("alice"), "reason": "The rim looks bent", "created_at": NOW, **fields}
    return Challenge.objects.create(review=review, **fields)
