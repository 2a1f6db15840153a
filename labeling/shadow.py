"""Candidates in the shadow: the same parts, judged beside the champion, and nothing follows from it.

Beat calls `score_shadows` for every model that has a candidate with an artifact. It looks for the champion's
predictions of the last hours whose images are here and which the candidate has not judged, newest first, and writes a
`ShadowPrediction` for each; predictions, draws, reviews and dispositions stay as they are. What comes back are the new
rows: a live comparison draws from them (``disagrees`` says where the two differ) with a chance of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from time import monotonic

from django.db.models import Exists, OuterRef, QuerySet

from labeling.models import Item, Prediction, ShadowPrediction
from models_registry import files, serving
from models_registry.models import Label, ModelVersion, RegisteredModel
from models_registry.training.errors import ArtifactError, TrainingDataError
from reviewapp.errors import ReviewAppError

logger = logging.getLogger(__name__)
LOOK_BACK = timedelta(hours=6)
AT_ONCE = 16
TURN = 5.0  # seconds for one candidate; what is left has its turn with the next beat
MOST_CANDIDATES = 3
PURPOSES = ("production", "demo")


def models_with_shadows() -> QuerySet[RegisteredModel]:
    """Models with a champion and a candidate that can judge here."""
    versions = ModelVersion.objects.filter(registered_model=OuterRef("pk"))
    return RegisteredModel.objects.filter(
        Exists(versions.filter(stage="champion")), Exists(versions.filter(stage="candidate").servable()), is_active=True
    )


def score_shadows(*, registered_model: RegisteredModel, now: datetime, seconds: float = TURN) -> list[ShadowPrediction]:
    """Let the newest candidates judge what the champion judged lately. Returns the new rows."""
    champion = ModelVersion.objects.champion_of(registered_model)
    if champion is None:
        return []
    candidates = registered_model.versions.filter(stage="candidate").servable().order_by("-number")[:MOST_CANDIDATES]
    return [row for one in candidates for row in _score(one, champion, now=now, seconds=seconds)]


def _score(candidate: ModelVersion, champion: ModelVersion, *, now: datetime, seconds: float) -> list[ShadowPrediction]:
    try:
        model = serving.model_of(candidate)
    except (ArtifactError, files.FileMissing):
        return []  # refused with an alert
    labels = {label.slug: label for label in candidate.registered_model.label_set.labels.all()}
    ends, rows = monotonic() + seconds, list[ShadowPrediction]()
    waiting = _unjudged(candidate, champion, now=now)
    for first in range(0, len(waiting), AT_ONCE):
        rows += _judge(candidate, model, waiting[first : first + AT_ONCE], labels, now=now)
        if monotonic() > ends:
            break
    return rows


def _unjudged(candidate: ModelVersion, champion: ModelVersion, *, now: datetime) -> Sequence[Prediction]:
    """The champion's predictions of parts whose every image is here, newest first; at most some seconds' work."""
    judged = ShadowPrediction.objects.filter(inspection=OuterRef("inspection"), model_version=candidate)
    images = Item.objects.filter(inspection=OuterRef("inspection"))
    since = max(now - LOOK_BACK, candidate.created_at)
    lately = Prediction.objects.filter(
        model_version=champion, predicted_at__gte=since, inspection__purpose__in=PURPOSES
    )
    rows = lately.filter(
        Exists(images.filter(image_status=Item.ImageStatus.STORED)),
        ~Exists(images.exclude(image_status=Item.ImageStatus.STORED)),
        ~Exists(judged),
        inspection__withdrawn_at=None,
        inspection__purpose__in=PURPOSES,
    )
    return list(rows.order_by("-predicted_at").select_related("label")[:500])


def _judge(
    candidate: ModelVersion,
    model: serving.Model,
    said: Sequence[Prediction],
    labels: dict[str, Label],
    *,
    now: datetime,
) -> list[ShadowPrediction]:
    """A batch; where it cannot be judged as a whole, one by one, so that one image's trouble is its own."""
    views = _views(said)
    try:
        scores = serving.scores_of_parts(model, [_read(views[one.inspection_id]) for one in said])
        rows = [
            _row(candidate, one, dict(zip(model.classes, map(float, row), strict=True)), labels, now)
            for one, row in zip(said, scores, strict=True)
        ]
    except files.StoreUnavailable as error:
        logger.warning("the shadow of %s waits: %s", candidate, error)
        return []
    except (ReviewAppError, OSError, TrainingDataError) as error:
        if len(said) > 1:
            return [row for one in said for row in _judge(candidate, model, [one], labels, now=now)]
        rows = [
            ShadowPrediction(
                inspection_id=said[0].inspection_id, model_version=candidate, prediction=said[0], disagrees=False,
                problem=str(error)[:300] or type(error).__name__, scored_at=now,
            )
        ]  # fmt: skip
    return _stored(rows)


def _views(said: Sequence[Prediction]) -> dict[int, list[tuple[str, str]]]:
    """Key and hash of every view of each inspection, as training reads them."""
    found: dict[int, list[tuple[str, str]]] = {one.inspection_id: [] for one in said}
    for item in Item.objects.filter(inspection__in=found).order_by("pk"):
        found[item.inspection_id].append((item.image, item.sha256))
    return found


def _read(views: Sequence[tuple[str, str]]) -> list[bytes]:
    return [files.read(key, sha256=sha256) for key, sha256 in views]


def _row(
    candidate: ModelVersion, said: Prediction, scores: dict[str, float], labels: dict[str, Label], now: datetime
) -> ShadowPrediction:
    best = max(scores, key=lambda name: scores[name])
    if best not in labels:
        raise TrainingDataError("unknown_label", f"The candidate says “{best}”, which the label set no longer holds.")
    return ShadowPrediction(
        inspection_id=said.inspection_id,
        model_version=candidate,
        prediction=said,
        label=labels[best],
        confidence=min(scores[best], 1.0),
        scores=scores,
        disagrees=best != said.label.slug,
        scored_at=now,
    )


def _stored(rows: Sequence[ShadowPrediction]) -> list[ShadowPrediction]:
    """Those that are new: another worker may have judged some in the same moment, and its rows stand."""
    ShadowPrediction.objects.bulk_create(rows, ignore_conflicts=True)
    version, now = rows[0].model_version, rows[0].scored_at
    mine = ShadowPrediction.objects.filter(
        model_version=version, inspection__in=[row.inspection_id for row in rows], scored_at=now
    )
    return list(mine.select_related("prediction", "label"))
