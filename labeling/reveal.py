"""What the model said, shown after a blind verdict: to its author, once the verdict is stored, and written down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from labeling.errors import NothingToReveal
from labeling.models import Prediction, Reveal, Review, Verdict
from labeling.queue import review_policy
from labeling.verdicts import locked_review, refuse_second_voice
from reviewapp.errors import NotAllowed

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, slots=True)
class Revealed:
    """``prediction`` is None where there is nothing to show: the model said the same, or the person no label."""

    review: Review
    prediction: Prediction | None

    @property
    def differs(self) -> bool:
        return self.prediction is not None


@transaction.atomic
def reveal(*, review_id: int, person: User, now: datetime) -> Revealed:
    """Show the prediction of a blind review to who has judged it, where it differs; to who decides a case at any time.

    What is shown is written down, and from then on the person says nothing blind about the part. Where the model said
    the same nothing is shown, so a slip of the finger can be taken back as ever.

    :raises NoSuchReview, NotAllowed: not for this person. :raises NothingToReveal: the review was not blind, the person
        has not judged it, or no model has.
    """
    review = locked_review(review_id, person)
    said = Verdict.objects.current().filter(review=review, reviewer=person, phase=Verdict.Phase.BLIND).first()
    prediction = _prediction(review)
    if review.reason == Review.Reason.ADJUDICATION:
        refuse_second_voice(review, person)
    elif said is None:
        raise NothingToReveal("The prediction is shown after your verdict, not before it.", code="not_judged")
    elif not review_policy(review.registered_model).reveal:
        raise NotAllowed("Predictions stay hidden on this model.", code="reveal_off")
    elif said.label_id in {None, prediction.label_id}:
        return Revealed(review, None)
    Reveal.objects.get_or_create(
        review=review, person=person, defaults={"was_decided": said is not None, "shown_at": now}
    )
    return Revealed(review, prediction)


def _prediction(review: Review) -> Prediction:
    if not review.blind:
        raise NothingToReveal("The prediction was shown with this review.", code="not_blind")
    details = Prediction.objects.select_related("label", "model_version")
    found = details.get(pk=review.prediction_id) if review.prediction_id else None
    if found is None:
        raise NothingToReveal("No model has judged this part.", code="no_prediction")
    return found
