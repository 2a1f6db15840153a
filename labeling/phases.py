"""In which phase a person may speak about a review: by what the person knew of the prediction, as written down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labeling.errors import PredictionRevealed
from labeling.models import Reveal, Review, Verdict
from models_registry.models import Label
from reviewapp.errors import ReviewAppError

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Phase = Verdict.Phase


def refuse_phase(review: Review, reviewer: User, phase: str) -> None:
    """A blind word is one before the prediction was shown. Who was shown it after a word of one's own revises that
    word, and who decides a case and looked first speaks with the prediction shown.

    :raises PredictionRevealed: a blind word would come too late. :raises ReviewAppError: field ``phase``.
    """
    if phase not in Phase.values:
        raise _invalid("phase is blind, shown or revealed.", "Unknown.")
    if not review.blind:
        if phase != Phase.SHOWN:  # else one person could speak twice
            raise _invalid("The prediction was shown with this review.", "Is shown.")
        return
    if phase == Phase.BLIND and review.reason != Review.Reason.ADJUDICATION:
        return  # what was revealed was so after a word that stands: `refuse_change_after_reveal` looks at it
    due = phase_of_blind(review, reviewer)
    if phase == due:
        return
    if phase == Phase.BLIND:
        raise PredictionRevealed("You have seen what the model says of this part, so this is no blind verdict.")
    if phase == Phase.SHOWN:
        raise _invalid("This review is blind: the prediction was not shown.", "Is blind.")
    raise _invalid("The prediction was not revealed to you after a blind verdict.", f"Is {due}.")


def phase_of_blind(review: Review, reviewer: User) -> str:
    reveal = Reveal.objects.filter(review=review, person=reviewer).first()
    if reveal is None:
        return Phase.BLIND
    return Phase.REVEALED if reveal.was_decided else Phase.SHOWN


def refuse_change_after_reveal(verdict: Verdict) -> None:
    """:raises PredictionRevealed: what is taken back now could not be said blind again."""
    if verdict.phase != Phase.BLIND:
        return
    if Reveal.objects.filter(review=verdict.review_id, person=verdict.reviewer_id).exists():
        raise PredictionRevealed(
            "You have seen what the model says of this part, so your first word stands. A second opinion can change it."
        )


def refuse_surface(review: Review, surface: str, label: Label | None) -> None:
    """All that a grid can say of a part is what was predicted of every part in it.

    :raises ReviewAppError: field ``surface`` or ``label``.
    """
    if surface not in Verdict.Surface.values:
        raise ReviewAppError("surface is unknown.", code="invalid", fields={"surface": "Unknown."})
    if surface != Verdict.Surface.GRID:
        return
    if review.prediction is None or label is None or label.pk != review.prediction.label_id:
        raise ReviewAppError(
            "In a grid a part is what was predicted, or it is taken out.", code="invalid",
            fields={"label": "Is not what was predicted."},
        )  # fmt: skip


def _invalid(message: str, field: str) -> ReviewAppError:
    return ReviewAppError(message, code="invalid", fields={"phase": field})
