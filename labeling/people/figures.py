"""Figures about a person: off, unless somebody asked for them with a purpose and somebody else put their name to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, OuterRef
from django.utils.translation import gettext as _

from labeling.models import GroundTruth, PersonFigures, Verdict
from models_registry.estimation.intervals import Interval, wilson
from reviewapp.errors import Conflict, NotAllowed

if TYPE_CHECKING:
    from django.contrib.auth.models import User

DAYS = 28
NEEDED = 30


def ask_for_figures(*, user: User, purpose: str, by: User, now: datetime) -> PersonFigures:
    """:raises Conflict: they are asked for, or on, already."""
    try:
        with transaction.atomic():
            return PersonFigures.objects.create(user_id=user.pk, purpose=purpose, asked_by_id=by.pk, asked_at=now)
    except IntegrityError as error:
        raise Conflict(_("Figures about this person are asked for already."), code="figures_open") from error


def approve_figures(*, row: PersonFigures, by: User, now: datetime) -> None:
    """Turn them on under a name. :raises NotAllowed: one's own, or asked for by oneself. :raises Conflict: not open."""
    if by.pk in {row.user_id, row.asked_by_id}:
        raise NotAllowed(_("Another person approves: neither who asked, nor whom the figures are about."))
    waiting = PersonFigures.objects.filter(pk=row.pk, approver__isnull=True, ended_at__isnull=True)
    if not waiting.update(approver_id=by.pk, approved_at=now):
        raise Conflict(_("It was approved or ended already."))


def end_figures(*, row: PersonFigures, now: datetime) -> bool:
    return PersonFigures.objects.filter(pk=row.pk, ended_at__isnull=True).update(ended_at=now) > 0


def figures_about(user: User) -> PersonFigures | None:
    """The row that turns them on; None: nobody sees any."""
    on = PersonFigures.objects.filter(user_id=user.pk, approver__isnull=False, ended_at__isnull=True)
    return on.select_related("approver").first()


@dataclass(frozen=True, slots=True)
class Figures:
    """How often a person's word stood, where somebody else judged the same part too: else it settles itself."""

    n_verdicts: int
    n_compared: int
    n_stood: int
    interval: Interval | None  # of the share that stood; None below `NEEDED`


def figures_of(user: User, *, now: datetime) -> Figures:
    """Of the last `DAYS`. Only to be shown while `figures_about` says so."""
    said = Verdict.objects.counting().filter(reviewer=user.pk, kind="label", said_at__gt=now - timedelta(days=DAYS))
    settled = GroundTruth.objects.filter(
        inspection=OuterRef("review__inspection"), registered_model=OuterRef("review__registered_model"),
        n_verdicts__gte=2,
    )  # fmt: skip
    counted = said.aggregate(
        n_verdicts=Count("pk"),
        n_compared=Count("pk", filter=Exists(settled)),
        n_stood=Count("pk", filter=Exists(settled.filter(label=OuterRef("label")))),
    )
    enough = counted["n_compared"] >= NEEDED
    interval = wilson(count=counted["n_stood"], n=counted["n_compared"]) if enough else None
    return Figures(**counted, interval=interval)
