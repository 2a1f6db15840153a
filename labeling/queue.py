"""Hand out reviews: a claim is a lease, taken with `FOR UPDATE SKIP LOCKED`, so nobody gets what another holds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from labeling.access import reach, require_review, require_verb, within_scope
from labeling.claiming import ALL, NEAR, Order, Question, Way, lease
from labeling.errors import LeaseLost, OnPause
from labeling.models import Pause, Review, Verdict
from labeling.qualified import Grant, covered, demanded, limits
from labeling.querysets import ReviewQuerySet
from labeling.review_rows import reviews_of
from labeling.seats import Seat, review_policy, seat_at, stations_of
from models_registry.models import RegisteredModel

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MAX_CLAIM = 32
COUNT_TO = 500
__all__ = ["review_policy"]  # asked for here by many


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
    reviews = mine.reviews(registered_model, "review").open().filter(waits_for_image=False)
    reviews = reviews.exclude(Q(spoken=True) & Q(Exists(judged)))  # the verdicts of few are asked for
    if seat_at(user, registered_model).table.policy.needs_qualification:
        reviews = reviews.filter(covered(user))
    if "adjudicate" in mine.everywhere:
        return reviews
    settles_at = [site for site, verbs in mine.at_site.items() if "adjudicate" in verbs]
    first_looks = ~Q(reason=Review.Reason.ADJUDICATION)
    return reviews.filter(first_looks | Q(inspection__station__site__in=settles_at) if settles_at else first_looks)


def count_open(user: User, registered_model: RegisteredModel) -> int:
    """How much waits for this person; counted to `COUNT_TO` and no further, so that a long queue costs no more."""
    return open_for(user, registered_model).order_by()[:COUNT_TO].count()


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person wants to be handed. ``label``: what the model said, of parts on which that is shown; a blind part
    is handed to nobody who asks so, since that would tell. ``only``: first looks or second opinions.
    """

    station: int | None = None
    source: int | None = None
    shift: str | None = None
    label: int | None = None
    order: Order = "drawn"
    only: Literal["first", "second"] | None = None


ANYTHING = Asked()


def claim(
    *,
    user: User,
    registered_model: RegisteredModel,
    n: int,
    now: datetime,
    holding: Collection[int] = (),
    asked: Asked = ANYTHING,
) -> list[Review]:
    """Lease up to ``n`` reviews to ``user``: what the person holds already comes first, then the queue's order
    (priority, deadline, then as drawn or the most doubtful first). ``holding`` names what the client has on screen and
    does not want again.
    """
    return claim_of([seat_at(user, registered_model)], user=user, n=n, now=now, holding=holding, asked=asked)


def claim_of(
    seats: Sequence[Seat],
    *,
    user: User,
    n: int,
    now: datetime,
    holding: Collection[int] = (),
    asked: Asked = ANYTHING,
) -> list[Review]:
    """The same out of several models' queues, as one: each part keeps its own model's lease.

    :raises OnPause: the person is away; the statement itself hands out nothing then. :raises NotQualified: for none of
        the models, where their policies demand it.
    """
    question = _question(seats, user, max(0, min(n, MAX_CLAIM)), now, holding, asked, limits(seats, user, now=now))
    if not question.n or not question.models:
        return []
    reviews = reviews_of(lease(question))
    if not reviews:
        refuse_on_pause(user)
    if len(reviews) < question.n:  # rare: what is near was not enough
        mine = [one.pk for one in reviews]
        more = replace(question, near=ALL, n=question.n - len(reviews), holding=[*holding, *mine])
        reviews += reviews_of(lease(more))
    models = {one.table.registered_model.pk: one.table.registered_model for one in seats}
    for review in reviews:
        review.registered_model = models[review.registered_model_id]
    return reviews


def refuse_on_pause(user: User) -> None:
    """:raises OnPause: the person began a pause and did not end it."""
    pause = Pause.objects.filter(user_id=user.pk, ended_at__isnull=True).first()
    if pause is not None:
        words = _("You are on a pause. Nothing is handed to you until you resume.")
        raise OnPause(words, fields={"since": pause.started_at.isoformat()})


def _question(
    seats: Sequence[Seat],
    user: User,
    n: int,
    now: datetime,
    holding: Collection[int],
    asked: Asked,
    grants: Sequence[Grant] = (),
) -> Question:
    asking = set(demanded(seats))
    everywhere = [one for one in seats if "review" in one.reach.everywhere]
    sites = frozenset[int]().union(*(one.sites("review") for one in seats))
    settles_at = frozenset[int]().union(*(one.sites("adjudicate") for one in seats))
    stations = stations_of(sites) if len(everywhere) < len(seats) else []
    way, keys = _way(asked, None if len(everywhere) == len(seats) else stations, _narrow(seats, asking, grants))
    lanes = [(one.table, key) for one in seats for key in keys]
    return Question(
        way=way, user=user.pk, n=n, now=now, holding=list(holding), stations=stations,
        models=[table.registered_model.pk for table, _ in lanes],
        keys=[key for _, key in lanes],
        until=[now + timedelta(seconds=table.policy.lease_seconds) for table, _ in lanes],
        everywhere=[one.table.registered_model.pk for one in everywhere],
        settles=[one.table.registered_model.pk for one in seats if "adjudicate" in one.reach.everywhere],
        settles_at=stations_of(settles_at),
        only=asked.only, station=asked.station, source=asked.source, shift=asked.shift, label=asked.label,
        order=asked.order, near=NEAR, is_limited=bool(asking),
        free=[one.table.registered_model.pk for one in seats if one.table.registered_model.pk not in asking],
        grant_models=[one.model for one in grants], grant_sources=[one.source for one in grants],
        grant_labels=[one.label for one in grants],
    )  # fmt: skip


def _narrow(seats: Sequence[Seat], asking: set[int], grants: Sequence[Grant]) -> tuple[Way, list[int]] | None:
    """The cameras, or else the labels, to which all that the person may judge is limited; None: not to such alone."""
    if not grants or len(asking) < len(seats):
        return None
    ways: tuple[tuple[Way, list[int | None]], ...] = (
        ("source", [one.source for one in grants]),
        ("label", [one.label for one in grants]),
    )
    for way, values in ways:
        known = [one for one in values if one is not None]
        if len(known) == len(values):
            return way, sorted(set(known))
    return None


def _way(
    asked: Asked, stations: Sequence[int] | None, narrow: tuple[Way, list[int]] | None
) -> tuple[Way, list[str | None]]:
    """By which index the fresh ones are found: by the narrowest of what was asked for. ``stations``: None is all.
    ``narrow``: to what the person's qualifications are limited.
    """
    if asked.source is not None:
        return "source", [str(asked.source)]
    if narrow is not None and (narrow[0] == "source" or asked.label is None):
        return narrow[0], [str(one) for one in narrow[1]]
    if asked.label is not None:
        return "label", [str(asked.label)]
    if asked.station is not None:
        return "station", [str(asked.station)]
    if stations is not None:
        return "station", [str(one) for one in stations]
    if asked.shift:
        return "shift", [asked.shift]
    return "model", [None]


def extend(*, review_id: int, user: User, now: datetime) -> datetime:
    """Prolong a lease. :raises LeaseLost: somebody else's now, or closed. :raises NoSuchReview: not for this person."""
    review = require_review(user, "review", review_id)
    until = now + timedelta(seconds=review_policy(review.registered_model).lease_seconds)
    if not Review.objects.held_by(user, now=now).filter(pk=review_id).update(claim_expires_at=until):
        raise LeaseLost(_("The lease ran out: the part may go to a colleague. A verdict that you give is kept."))
    return until


def release(*, review_ids: Collection[int], user: User) -> int:
    """Give reviews back, also of a model that the person may not judge any more. Returns how many were still held."""
    require_verb(user, "review")
    held = within_scope(user, Review.objects.open()).filter(pk__in=review_ids, claimed_by=user)
    return held.update(claimed_by=None, claim_expires_at=None)
