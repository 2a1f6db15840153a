"""The life of a round before and beside the picking: asked for, begun, given up, found again."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import F, Max, Q
from django.utils.translation import gettext as _

from labeling.learning_rounds.pool import unlabelled
from labeling.models import LearningRound
from models_registry.models import RegisteredModel
from reviewapp.errors import Conflict, ReviewAppError

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MOST_ASKED = 500
MAX_ATTEMPTS = 5
MESSAGE_LOST = timedelta(minutes=1)
WORKER_LOST = timedelta(minutes=15)
Status = LearningRound.Status


def request_round(
    *, registered_model: RegisteredModel, n: int, random_share: float, by: User | None, now: datetime
) -> LearningRound:
    """Queue a round as a row; the caller sends the nudge after commit.

    :raises ReviewAppError: a number out of range. :raises Conflict: a round is being picked, or nothing is unlabelled.
    """
    problems = {}
    if not 1 <= n <= MOST_ASKED:
        problems["n"] = _("From 1 to %(most)s.") % {"most": MOST_ASKED}
    if not 0 <= random_share <= 1:
        problems["random_share"] = _("Between 0 and 1.")
    if problems:
        raise ReviewAppError(" ".join(problems.values()), code="invalid", fields=problems)
    if not unlabelled(registered_model).exists():
        raise Conflict(
            _("No part of the training side with a stored image is unlabelled. Send images first."),
            code="nothing_unlabelled",
        )
    rounds = LearningRound.objects.filter(registered_model=registered_model)
    try:
        with transaction.atomic():
            RegisteredModel.objects.select_for_update(no_key=True).get(pk=registered_model.pk)
            return LearningRound.objects.create(
                registered_model=registered_model,
                number=(rounds.aggregate(Max("number"))["number__max"] or 0) + 1,
                n_asked=n,
                random_share=random_share,
                seed=secrets.randbits(62),
                requested_by=by,
                requested_at=now,
            )
    except IntegrityError as error:
        raise Conflict(_("A round of this model is being picked already."), code="round_active") from error


def begin(round_id: int, *, now: datetime) -> LearningRound | None:
    """The round, if it still is to be picked. One that lost its worker too often is failed instead."""
    mine = LearningRound.objects.filter(pk=round_id, status=Status.QUEUED)
    if mine.filter(n_attempts__gte=MAX_ATTEMPTS).update(
        status=Status.FAILED, finished_at=now, detail=_("The worker was lost too often. Look at its log.")
    ):
        return None
    if not mine.update(n_attempts=F("n_attempts") + 1, started_at=now):
        return None
    return LearningRound.objects.select_related("registered_model__label_set").get(pk=round_id)


def give_up(round_: LearningRound, *, detail: str, now: datetime) -> bool:
    """Fail a round with its reason. False: somebody has finished it."""
    mine = LearningRound.objects.filter(pk=round_.pk, status=Status.QUEUED)
    return bool(mine.update(status=Status.FAILED, detail=detail, finished_at=now))


def lost_rounds(*, now: datetime) -> list[int]:
    """Rounds whose message or worker was lost. Picking twice picks the same, and is stored once."""
    lost = Q(started_at__isnull=True, requested_at__lt=now - MESSAGE_LOST) | Q(started_at__lt=now - WORKER_LOST)
    return list(LearningRound.objects.filter(lost, status=Status.QUEUED).values_list("pk", flat=True))
