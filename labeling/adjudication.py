"""Open cases: what people disagree about, were unsure of or doubt, for somebody who has not spoken yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef, Prefetch
from django.utils.translation import gettext as _

from labeling.access import reach, require_review
from labeling.errors import LeaseLost, NotSettled
from labeling.incoming import why_unstorable
from labeling.models import Challenge, GroundTruth, Item, Reveal, Review, Verdict
from labeling.qualified import covered, refuse_unqualified
from labeling.querysets import ReviewQuerySet
from labeling.queue import refuse_on_pause, review_policy
from labeling.verdicts import locked_review, open_second_opinion, refuse_second_voice
from models_registry.models import RegisteredModel
from reviewapp.errors import NotFound, ReviewAppError

if TYPE_CHECKING:
    from django.contrib.auth.models import User

SHOWN = 100  # cases of a list
LATE_AFTER = timedelta(hours=24)
LONGEST_REASON = 2000
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Voice:
    """What one person said, without the name. ``seconds``: how long the image was looked at."""

    letter: str
    verdict: Verdict
    seconds: int

    @property
    def name(self) -> str:
        return self.verdict.label.display_name if self.verdict.label else str(self.verdict.get_kind_display())


@dataclass(frozen=True, slots=True)
class Case:
    """An open round with what was said before it. ``voices`` are in the order in which they spoke."""

    review: Review
    voices: Sequence[Voice]
    challenges: Sequence[Challenge]
    truth: GroundTruth | None
    opened_at: datetime
    seen_at: datetime

    @property
    def is_late(self) -> bool:
        return self.seen_at - self.opened_at > LATE_AFTER

    def is_held_by_another_than(self, user_id: int) -> bool:
        until = self.review.claim_expires_at
        return until is not None and until > self.seen_at and self.review.claimed_by_id != user_id

    @property
    def words(self) -> list[Verdict]:
        """One verdict for each different word, in the order in which they were said."""
        first: dict[tuple[str, int | None], Verdict] = {}
        for voice in self.voices:
            first.setdefault((voice.verdict.kind, voice.verdict.label_id), voice.verdict)
        return list(first.values())

    @property
    def item(self) -> Item | None:
        return next(iter(self.review.inspection.items.all()), None)


def open_cases(user: User, registered_model: RegisteredModel) -> ReviewQuerySet:
    """Rounds that ``user`` may decide: never about a part that the person has spoken about, nor of one's own doubt."""
    spoken = Verdict.objects.current().filter(
        reviewer=user, review__inspection=OuterRef("inspection"), review__registered_model=OuterRef("registered_model")
    )
    rounds = reach(user, registered_model).reviews(registered_model, "adjudicate").open()
    if review_policy(registered_model).needs_qualification:
        rounds = rounds.filter(covered(user))
    own_doubt = Challenge.objects.filter(review=OuterRef("pk"), challenged_by=user)
    return rounds.filter(~Exists(spoken), ~Exists(own_doubt), reason=Review.Reason.ADJUDICATION, waits_for_image=False)


def cases(user: User, registered_model: RegisteredModel, *, now: datetime) -> list[Case]:
    """The oldest first, at most `SHOWN`."""
    return _with_voices(open_cases(user, registered_model).order_by("created_at", "pk")[:SHOWN], now)


def case(user: User, registered_model: RegisteredModel, review_id: int, *, now: datetime) -> Case:
    """:raises NotFound: it is decided, or not for this person to decide."""
    found = _with_voices(open_cases(user, registered_model).filter(pk=review_id), now)
    if not found:
        raise NotFound("This case is closed, or it is not yours to decide.")
    return found[0]


def _with_voices(reviews: ReviewQuerySet, now: datetime) -> list[Case]:
    """As many queries for a list as for one case."""
    found = list(
        reviews.select_related("inspection__station__site", "registered_model", "claimed_by").prefetch_related(
            Prefetch("inspection__items", Item.objects.select_related("source").order_by("pk")), "challenges"
        )
    )
    parts = [one.inspection_id for one in found]
    model = found[0].registered_model if found else None
    said = Verdict.objects.counting().filter(review__inspection__in=parts, review__registered_model=model)
    voices: dict[int, list[Verdict]] = {}
    for verdict in said.select_related("label", "review").order_by("pk"):
        voices.setdefault(verdict.review.inspection_id, []).append(verdict)
    truths = {
        one.inspection_id: one
        for one in GroundTruth.objects.filter(inspection__in=parts, registered_model=model).select_related("label")
    }
    return [
        Case(
            review=one,
            voices=[_voice(place, verdict) for place, verdict in enumerate(voices.get(one.inspection_id, ()))],
            challenges=list(one.challenges.all()),
            truth=truths.get(one.inspection_id),
            opened_at=one.created_at,
            seen_at=now,
        )
        for one in found
    ]


def _voice(place: int, verdict: Verdict) -> Voice:
    letter = LETTERS[place] if place < len(LETTERS) else str(place + 1)
    return Voice(letter, verdict, max(0, round((verdict.said_at - verdict.shown_at).total_seconds())))


@transaction.atomic
def take(*, review_id: int, user: User, now: datetime) -> Review:
    """Lease a case, so that no two people decide it at once. Returns it with everything that is shown of it.

    :raises LeaseLost: a colleague has it, or it is closed. :raises NoSuchReview, NotAllowed: not for this person.
    :raises OnPause: the person is away.
    """
    review = require_review(user, "adjudicate", review_id)
    refuse_on_pause(user)
    refuse_second_voice(review, user)
    policy = review_policy(review.registered_model)
    refuse_unqualified(review, user, policy)
    until = now + timedelta(seconds=policy.lease_seconds)
    mine = Review.objects.held_by(user, now=now) | Review.objects.free(now=now)
    if not mine.filter(pk=review_id).update(claimed_by=user, claim_expires_at=until):
        raise LeaseLost("A colleague has this case open, or it is closed.")
    return Review.objects.select_related(
        "registered_model", "inspection__station__site", "prediction__label", "prediction__model_version"
    ).get(pk=review_id)


@transaction.atomic
def challenge(*, review_id: int, by: User, reason: str, now: datetime) -> tuple[Challenge, bool]:
    """Doubt what was settled of a review's part: a round is opened for somebody who has not spoken. The truth stands
    until that person decides. The same person's second challenge of a round changes nothing.

    :raises NoSuchReview, NotAllowed: not for this person. :raises NotSettled: no label stands.
    """
    require_review(by, "review", review_id)
    review = locked_review(review_id, by)
    truth = GroundTruth.objects.filter(inspection=review.inspection_id, registered_model=review.registered_model_id)
    if not truth.exists():
        raise NotSettled(_("Nothing is settled of this part that could be challenged."))
    rounds = Review.objects.filter(inspection=review.inspection_id, registered_model=review.registered_model_id)
    last = rounds.exclude(status=Review.Status.CANCELLED).order_by("-round")[0]
    is_open = last.status == Review.Status.OPEN and last.reason == Review.Reason.ADJUDICATION
    deciding = last if is_open else open_second_opinion(last, now=now)
    found, is_new = Challenge.objects.get_or_create(
        review=deciding, challenged_by=by, defaults={"reason": reason, "created_at": now}
    )
    return found, is_new


def checked_reason(text: str) -> str:
    """:raises ReviewAppError: field ``reason``."""
    reason = text.strip()
    what = why_unstorable(reason) or ("" if reason else _("is required"))
    if not what and len(reason) > LONGEST_REASON:
        what = _("has more than %(n)d characters") % {"n": LONGEST_REASON}
    if what:
        raise ReviewAppError(
            _("The reason is not right: it %(what)s.") % {"what": what}, code="invalid", fields={"reason": what}
        )
    return reason


def has_looked(user: User, review: Review) -> bool:
    """Whether the person saw the prediction before deciding."""
    return Reveal.objects.filter(review=review, person=user).exists()
