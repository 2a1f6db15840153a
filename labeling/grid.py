"""Many parts of one predicted class at once: reviews whose prediction is shown, the most doubtful first."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Count

from labeling import queue
from labeling.access import reach
from labeling.models import Review
from labeling.models.reviews import FRESH
from labeling.qualified import covered
from labeling.seats import review_policy
from models_registry.models import Label, RegisteredModel

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MOST_TILES = 24
WINDOW = 1000  # of the reviews that come next: what the classes are counted in


@dataclass(frozen=True, slots=True)
class Waiting:
    """A class that parts were predicted as, and how many of those that come next."""

    label: Label
    n: int


@dataclass(frozen=True, slots=True)
class Tiles:
    """``label``: what all the reviews were predicted as; None when nothing waits that may be judged in a grid."""

    label: Label | None
    reviews: Sequence[Review]
    waiting: Sequence[Waiting]


def claim_tiles(
    *,
    user: User,
    registered_model: RegisteredModel,
    n: int,
    now: datetime,
    label: Label | None = None,
    holding: Collection[int] = (),
) -> Tiles:
    """Lease up to ``n`` reviews that were predicted as one class: ``label``, or the class that most of those which come
    next were predicted as. A blind review never comes into a grid, for the grid says what was predicted.
    """
    waiting = _waiting(user, registered_model, holding)
    chosen = label or (waiting[0].label if waiting else None)
    if chosen is None:
        return Tiles(None, [], waiting)
    asked = queue.Asked(label=chosen.pk, order="doubt", only="first")
    found = queue.claim(
        user=user, registered_model=registered_model, n=min(n, MOST_TILES), now=now, holding=holding, asked=asked
    )
    return Tiles(chosen, sorted(found, key=_confidence), waiting)


def _waiting(user: User, registered_model: RegisteredModel, holding: Collection[int]) -> list[Waiting]:
    """By class, the largest first; ties in the order of the label set. What the person has leased and does not have on
    screen (``holding``) counts too: after a page that broke off it comes again.
    """
    fresh = reach(user, registered_model).reviews(registered_model, "review").filter(FRESH, shown_label__isnull=False)
    if review_policy(registered_model).needs_qualification:
        fresh = fresh.filter(covered(user))
    window = fresh.order_by("priority", "deadline", "pk")[:WINDOW]
    found = Review.objects.filter(pk__in=window.values("pk")).order_by().values("shown_label").annotate(n=Count("pk"))
    counts = dict(found.values_list("shown_label", "n"))
    leased = Review.objects.open().filter(
        claimed_by=user, registered_model=registered_model, shown_label__isnull=False, spoken=False
    )
    for label in leased.exclude(pk__in=holding).values_list("shown_label", flat=True):
        if label is not None:
            counts[label] = counts.get(label, 0) + 1
    labels = sorted(Label.objects.filter(pk__in=counts), key=lambda one: (-counts[one.pk], one.position, one.pk))
    return [Waiting(one, counts[one.pk]) for one in labels]


def _confidence(review: Review) -> float:
    """A prediction without a confidence is as doubtful as can be."""
    said = review.prediction
    return -1.0 if said is None or said.confidence is None else said.confidence
