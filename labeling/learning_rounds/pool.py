"""What a round picks from: parts with stored images that nobody has been asked about, and first labels that wait."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from django.db.models import Exists, Max, OuterRef, Q
from django.db.models.query import QuerySet

from labeling.models import GroundTruth, Inspection, Item, Outcome, Review, Selection
from models_registry.models import RegisteredModel

LOOKED_BACK = 200_000
"""Of the newest so many parts of all models; older ones are not walked through."""
LISTED = 50_000
MOST_POOL = 5_000
"""Drawn by chance from what is listed, where there is more: each takes its features."""
PURPOSES = ("production", "demo", "import")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A part of the pool: its stored views as (sha256, key), and the review for its first label, if one waits."""

    inspection: int
    group: str
    views: tuple[tuple[str, str], ...]
    review: int | None


def unlabelled(registered_model: RegisteredModel) -> QuerySet[Inspection]:
    """Parts that could be picked, in no order."""
    newest = Inspection.objects.aggregate(newest=Max("pk"))["newest"] or 0
    of_model = {"registered_model": registered_model, "inspection": OuterRef("pk")}
    waiting = Q(status="open", reason=Review.Reason.FIRST_LABELS, spoken=False, round=1)
    return Inspection.objects.filter(
        Exists(Selection.objects.filter(**of_model)),
        Exists(Item.objects.filter(inspection=OuterRef("pk"), image_status=Item.ImageStatus.STORED)),
        ~Exists(Review.objects.filter(**of_model).exclude(waiting)),
        ~Exists(GroundTruth.objects.filter(**of_model)),
        ~Exists(Outcome.objects.filter(**of_model)),
        pk__gt=newest - LOOKED_BACK,
        withdrawn_at__isnull=True,
        partition=Inspection.Partition.TRAIN,
        purpose__in=PURPOSES,
    )


def pool_of(registered_model: RegisteredModel, *, seed: int) -> list[Candidate]:
    """The newest parts that could be picked, or 5,000 of them by chance; the same for the same rows and seed."""
    keys = list(unlabelled(registered_model).order_by("-pk").values_list("pk", flat=True)[:LISTED])
    if len(keys) > MOST_POOL:
        places = np.random.default_rng([seed, 0]).permutation(len(keys))[:MOST_POOL]
        keys = [keys[place] for place in sorted(places.tolist())]
    groups = dict(Inspection.objects.filter(pk__in=keys).values_list("pk", "group_id"))
    reviews = dict(
        Review.objects.filter(registered_model=registered_model, inspection__in=keys, round=1).values_list(
            "inspection_id", "pk"
        )
    )
    views: dict[int, list[tuple[str, str]]] = {key: [] for key in keys}
    stored = Item.objects.filter(inspection__in=keys, image_status=Item.ImageStatus.STORED).order_by("pk")
    for inspection, sha256, image in stored.values_list("inspection_id", "sha256", "image"):
        views[inspection].append((sha256, image))
    return [Candidate(key, groups[key], tuple(views[key]), reviews.get(key)) for key in keys if views[key]]
