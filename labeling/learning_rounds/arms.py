"""What a round's arms were worth: how often a label corrected the model, picked on purpose or drawn by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, OuterRef, Q, Subquery

from labeling.models import GroundTruth, LearningPick, LearningRound
from models_registry.estimation.intervals import wilson


@dataclass(frozen=True, slots=True)
class ArmFigures:
    """``n_compared``: labelled parts of which the model had said something. Share and 95 % interval are of the parts
    picked, not of production, and None while nothing can be compared.
    """

    arm: str
    n_picked: int
    n_labelled: int
    n_compared: int
    n_corrected: int
    share: float | None
    low: float | None
    high: float | None


def arms_of(rounds: Sequence[LearningRound]) -> dict[int, list[ArmFigures]]:
    """The figures of each round's arms, the active one first, by the round's key."""
    truth = GroundTruth.objects.filter(
        registered_model=OuterRef("round__registered_model"), inspection=OuterRef("inspection"), outcome="label"
    )
    counts = (
        LearningPick.objects.filter(round__in=rounds)
        .annotate(truth=Subquery(truth.values("label")[:1]))
        .order_by()
        .values("round", "arm")
        .annotate(
            n_picked=Count("pk"),
            n_labelled=Count("pk", filter=Q(truth__isnull=False)),
            n_compared=Count("pk", filter=Q(truth__isnull=False, predicted__isnull=False)),
            n_corrected=Count("pk", filter=Q(truth__isnull=False, predicted__isnull=False) & ~Q(predicted=F("truth"))),
        )
    )
    found: dict[int, list[ArmFigures]] = {one.pk: [] for one in rounds}
    for row in sorted(counts, key=lambda row: str(row["arm"])):
        found[row["round"]].append(_figures(dict(row)))
    return found


def _figures(row: dict[str, Any]) -> ArmFigures:
    n, k = row["n_compared"], row["n_corrected"]
    interval = wilson(count=k, n=n) if n else None
    return ArmFigures(
        arm=str(row["arm"]), n_picked=row["n_picked"], n_labelled=row["n_labelled"], n_compared=n, n_corrected=k,
        share=k / n if n else None, low=interval.low if interval else None, high=interval.high if interval else None,
    )  # fmt: skip
