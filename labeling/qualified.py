"""What a person has learnt to judge, where a model's policy demands that: remembered for a moment, as rights are.

A qualification that is given holds at once, since whom this refuses is asked about again; one that is taken away ends
within `REVIEWAPP_CATALOG_SECONDS`, one that runs out at the end of its day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now, TruncDate
from django.utils.translation import gettext as _

from labeling import memory
from labeling.errors import NotQualified
from labeling.models import Qualification, Review, ReviewPolicy
from labeling.seats import Seat

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class Grant(NamedTuple):
    """One qualification; None is no limit."""

    model: int
    source: int | None
    label: int | None
    valid_until: date


def grants_of(user: User, *, now: datetime) -> list[Grant]:
    """Those that are valid on the day."""

    def read() -> list[Grant]:
        rows = Qualification.objects.filter(user=user.pk).order_by("pk")
        return [Grant(*row) for row in rows.values_list("registered_model", "source", "label", "valid_until")]

    return [one for one in memory.remember(("grants", user.pk), read) if one.valid_until >= now.date()]


def demanded(seats: Sequence[Seat]) -> list[int]:
    """The models whose policy asks for a qualification."""
    return [one.table.registered_model.pk for one in seats if one.table.policy.needs_qualification]


def limits(seats: Sequence[Seat], user: User, *, now: datetime) -> list[Grant]:
    """What ``user`` may be handed of the models that demand a qualification.

    :raises NotQualified: all of them do, and the person has none for any.
    """
    asking = set(demanded(seats))
    for attempt in range(2):
        found = [one for one in grants_of(user, now=now) if one.model in asking] if asking else []
        if found or not asking or len(asking) < len(seats):
            return found
        if attempt == 0:
            memory.forget(("grants", user.pk))
    raise NotQualified(_("Parts of this model are judged with a valid qualification. Who runs the model gives it."))


def covered(user: User) -> Exists:
    """The reviews for which ``user`` has a qualification today. Asked only where the policy demands one."""
    return Exists(
        Qualification.objects.filter(
            Q(source__isnull=True) | Q(source=OuterRef("source")),
            Q(label__isnull=True) | Q(label=OuterRef("shown_label")),
            user=user.pk,
            registered_model=OuterRef("registered_model"),
            valid_until__gte=TruncDate(Now()),
        )
    )


def refuse_unqualified(review: Review, user: User, policy: ReviewPolicy) -> None:
    """What a person was handed, they may judge to the end. :raises NotQualified."""
    if not policy.needs_qualification or review.claimed_by_id == user.pk:
        return
    if not Review.objects.filter(covered(user), pk=review.pk).exists():
        raise NotQualified(_("You have no valid qualification for this part."))
