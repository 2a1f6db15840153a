"""Pick the parts of a round and ask people about them."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from labeling.learning_rounds.pool import Candidate, pool_of
from labeling.learning_rounds.requesting import begin, give_up
from labeling.models import LearningPick, LearningRound, Prediction, Review
from models_registry import files, learning, serving
from models_registry.models import Label, ModelVersion, RegisteredModel
from models_registry.services.image_features import UnreadableImage, features_of_parts
from reviewapp.errors import ReviewAppError

if TYPE_CHECKING:
    from models_registry.training.selection import Pick

PRIORITY = 2  # a person asked for them: after parts that wait, before what is always checked
MOST_BROKEN = 20

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Torn:
    """What the champion thinks of the pool: margins (N,) and the label that each part got. None: there is no champion
    whose scores could be had.
    """

    version: ModelVersion
    margins: Floats
    labels: list[str]


def carry_out(round_id: int, *, now: datetime) -> LearningRound | None:
    """Pick, and open the reviews. None: it was not to be picked any more. Two workers pick the same; one stores it."""
    round_ = begin(round_id, now=now)
    if round_ is None:
        return None
    model = round_.registered_model
    try:
        pool, features = _described(pool_of(model, seed=round_.seed), now)
    except files.StoreUnavailable:
        raise  # it stays queued, and is found again
    except ReviewAppError as error:
        give_up(round_, detail=error.message, now=now)
        return None
    if not pool:
        give_up(round_, detail=_("Nothing is unlabelled any more."), now=now)
        return None
    torn = _torn(model, pool, features)
    picked = learning.selection().pick(
        features,
        torn.margins if torn else None,
        n=round_.n_asked,
        random_share=round_.random_share,
        seed=round_.seed % 2**32,
        groups=[one.group for one in pool],
    )
    return _store(round_, pool, picked, torn, now)


def _described(pool: list[Candidate], now: datetime) -> tuple[list[Candidate], NDArray[np.float32]]:
    """The parts whose images can be read, and their features. :raises ReviewAppError: too many cannot."""
    for _try in range(MOST_BROKEN):
        parts = [[(sha256, partial(_open, sha256, key)) for sha256, key in one.views] for one in pool]
        try:
            return pool, features_of_parts(parts, now=now)
        except UnreadableImage as error:
            broken = error.sha256
            pool = [one for one in pool if all(sha256 != broken for sha256, _key in one.views)]
    raise ReviewAppError(_("More than %(n)s images cannot be read.") % {"n": MOST_BROKEN}, code="images_unreadable")


def _open(sha256: str, key: str) -> io.BytesIO:
    try:
        return io.BytesIO(files.read(key, sha256=sha256))
    except (files.FileMissing, files.FileChanged) as error:
        raise UnreadableImage(sha256, error) from error


def _torn(model: RegisteredModel, pool: Sequence[Candidate], features: NDArray[np.float32]) -> Torn | None:
    """By the champion's artifact, else by the scores that it sent."""
    champion = ModelVersion.objects.champion_of(model)
    if champion is None:
        return None
    margins = learning.selection().margins
    try:
        judge = serving.model_of(champion)
        scores = serving.judge(judge, described=features, parts=lambda: _views_of(pool))
        return Torn(champion, margins(scores), [judge.classes[place] for place in scores.argmax(axis=1)])
    except ReviewAppError:  # no artifact here, or not one of this code's
        return _torn_by_what_it_said(champion, pool)


def _views_of(pool: Sequence[Candidate]) -> Iterator[serving.Views]:
    """For models that look themselves."""
    for one in pool:
        yield [files.read(key, sha256=sha256) for sha256, key in one.views]


def _torn_by_what_it_said(champion: ModelVersion, pool: Sequence[Candidate]) -> Torn | None:
    """A part of which it sent no scores is taken for sure. None when there are none at all."""
    said = Prediction.objects.filter(model_version=champion, inspection__in=[one.inspection for one in pool])
    rows = said.values_list("inspection_id", "label__slug", "scores")
    by_part = {part: (label, scores) for part, label, scores in rows}
    margins, labels = np.ones(len(pool)), [""] * len(pool)
    for place, one in enumerate(pool):
        labels[place], scores = by_part.get(one.inspection, ("", None))
        best = sorted((float(score) for score in (scores or {}).values()), reverse=True)
        if len(best) > 1:
            margins[place] = min(max(best[0] - best[1], 0.0), 1.0)
    return Torn(champion, margins, labels) if (margins < 1).any() else None


@transaction.atomic
def _store(
    round_: LearningRound, pool: Sequence[Candidate], picked: Sequence[Pick], torn: Torn | None, now: datetime
) -> LearningRound | None:
    """The picks with their reviews, once."""
    mine = LearningRound.objects.select_for_update().filter(pk=round_.pk, status=LearningRound.Status.QUEUED).first()
    if mine is None:
        return None
    labels = {one.slug: one for one in mine.registered_model.label_set.labels.all()}
    rows = []
    for one in picked:
        review = _asked(mine.registered_model, pool[one.place], torn, now)
        if review is not None:
            predicted = labels.get(torn.labels[one.place]) if torn else None
            rows.append(_row(mine, pool[one.place], review, one, predicted))
    LearningPick.objects.bulk_create(rows)
    mine.status, mine.finished_at, mine.n_pool = LearningRound.Status.DONE, now, len(pool)
    mine.method = LearningRound.Method.MARGIN if torn else LearningRound.Method.COLD
    mine.model_version = torn.version if torn else None
    mine.detail = _("%(n)s of %(pool)s unlabelled parts") % {"n": len(rows), "pool": len(pool)}
    mine.save()
    return mine


def _row(
    round_: LearningRound, candidate: Candidate, review: Review, one: Pick, predicted: Label | None
) -> LearningPick:
    return LearningPick(
        round=round_, inspection_id=candidate.inspection, review=review, arm=one.arm, why=one.why, pi=one.pi,
        margin=None if one.margin is None else min(max(one.margin, 0.0), 1.0), predicted=predicted,
    )  # fmt: skip


def _asked(model: RegisteredModel, candidate: Candidate, torn: Torn | None, now: datetime) -> Review | None:
    """The part's review, made now or moved to the front; None when somebody has been asked meanwhile.

    Blind: a label that teaches must not come from the model that it is to teach.
    """
    if candidate.review is not None:
        waiting = Review.objects.filter(pk=candidate.review, status=Review.Status.OPEN, spoken=False)
        return waiting.first() if waiting.update(priority=PRIORITY) else None
    said = Prediction.objects.filter(inspection=candidate.inspection, model_version=torn.version) if torn else None
    review, is_new = Review.objects.get_or_create(
        inspection_id=candidate.inspection,
        registered_model=model,
        round=1,
        defaults={
            "reason": Review.Reason.MANUAL, "prediction": said.first() if said is not None else None, "blind": True,
            "priority": PRIORITY, "created_at": now,
        },
    )  # fmt: skip
    return review if is_new else None
