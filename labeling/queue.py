"""Hand out reviews: a claim is a lease, taken with `FOR UPDATE SKIP LOCKED`, so nobody gets what another holds."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from labeling.access import reach, require_review, require_verb, within_scope
from labeling.errors import LeaseLost
from labeling.models import Review, ReviewPolicy, Verdict
from labeling.querysets import ReviewQuerySet
from models_registry.models import RegisteredModel

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MAX_CLAIM = 32
COUNT_TO = 500


def review_policy(registered_model: RegisteredModel) -> ReviewPolicy:
    return ReviewPolicy.objects.get_or_create(registered_model=registered_model)[0]


def open_for(user: User, registered_model: RegisteredModel) -> ReviewQuerySet:
    """Open reviews that this person may be handed: never one whose inspection the person judged already, nor one
    whose image is not there yet.
    """
    judged = Verdict.objects.current().filter(
        reviewer=user,
        review__inspection=OuterRef("inspection"),
        review__registered_model=OuterRef("registered_model"),
    )
    mine = reach(user, registered_model)
    reviews = mine.reviews(registered_model, "review").open().filter(~Exists(judged), waits_for_image=False)
    if "adjudicate" in mine.everywhere:
        return reviews
    settles_at = [site for site, verbs in mine.at_site.items() if "adjudicate" in verbs]
    first_looks = ~Q(reason=Review.Reason.ADJUDICATION)
    return reviews.filter(first_looks | Q(inspection__station__site__in=settles_at) if settles_at else first_looks)


def count_open(user: User, registered_model: RegisteredModel) -> int:
    """How much waits for this person; counted to `COUNT_TO` and no further, so that a long queue costs no more."""
    return open_for(user, registered_model).order_by()[:COUNT_TO].count()


@transaction.atomic
def claim(
    *, user: User, registered_model: RegisteredModel, n: int, now: datetime, holding: Collection[int] = ()
) -> list[Review]:
    """Lease up to ``n`` reviews to ``user``: what the person holds already comes first, then the queue's order
    (blocking first, then as drawn). ``holding`` names what the client has on screen and does not want again.
    """
    n = max(0, min(n, MAX_CLAIM))
    until = now + timedelta(seconds=review_policy(registered_model).lease_seconds)
    candidates = open_for(user, registered_model).exclude(pk__in=holding)
    held = _locked(candidates.held_by(user, now=now), n)
    ids = held + _locked(candidates.free(now=now), n - len(held))
    Review.objects.filter(pk__in=ids).update(claimed_by=user, claim_expires_at=until)
    return _with_details(ids)


def _locked(reviews: ReviewQuerySet, n: int) -> list[int]:
    """The keys of the first ``n``, locked. What another transaction has in hand is passed over, never waited for."""
    ordered = reviews.order_by("priority", "pk").select_for_update(skip_locked=True, of=("self",))
    return list(ordered.values_list("pk", flat=True)[:n])


def _with_details(ids: Collection[int]) -> list[Review]:
    reviews = (
        Review.objects.filter(pk__in=ids)
        .select_related("inspection__station__site", "prediction__label", "prediction__model_version")
        .prefetch_related("inspection__items__source")
        .order_by("priority", "pk")
    )
    return list(reviews)


def extend(*, review_id: int, user: User, now: datetime) -> datetime:
    """Prolong a lease. :raises LeaseLost: somebody else's now, or closed. :raises NoSuchReview: not for this person."""
    review = require_review(user, "review", review_id)
    until = now + timedelta(seconds=review_policy(review.registered_model).lease_seconds)
    if not Review.objects.held_by(user, now=now).filter(pk=review_id).update(claim_expires_at=until):
        raise LeaseLost("The lease ran out: the part may go to a colleague. A verdict that you give is kept.")
    return until


def release(*, review_ids: Collection[int], user: User) -> int:
    """Give reviews back, also of a model that the person may not judge any more. Returns how many were still held."""
    require_verb(user, "review")
    held = within_scope(user, Review.objects.open()).filter(pk__in=review_ids, claimed_by=user)
    return held.update(claimed_by=None, claim_expires_at=None)
