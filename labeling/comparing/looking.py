"""What people said of parts that both judged: the paired comparison on the line, looked at a few times and no more.

A look at an interval spends of its confidence, so looks are rare: the first when enough parts are settled, each later
one when there are twice as many, and look k has the interval of 1 - 0.05/2^k. All of them together are wrong as seldom
as one of 95 % would be (Bonferroni), however long a candidate waits.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import Exists, F, FilteredRelation, OuterRef, Q

from labeling.models import GroundTruth, Item, Selection, ShadowDesign, ShadowDraw, ShadowPrediction
from labeling.routing import union_probability
from models_registry.estimation.response import settled_shares
from models_registry.models import Comparison, ModelVersion, RegisteredModel
from models_registry.services.live_comparisons import LivePart, last_look, record_live
from models_registry.services.promotion_policies import policy_of

Row = tuple[Any, ...]
FEWEST = 50  # settled parts before the first look, where the policy asks for no more


def look_at_comparisons(*, registered_model: RegisteredModel, now: datetime) -> list[Comparison]:
    """Compare each candidate that is due for a look. Returns the new comparisons."""
    running = ShadowDesign.objects.filter(candidate__registered_model=registered_model, ended_at=None)
    found = [_look(one, now) for one in running.select_related("candidate__registered_model", "champion")]
    return [one for one in found if one is not None]


def _look(design: ShadowDesign, now: datetime) -> Comparison | None:
    candidate, champion = design.candidate, design.champion
    last = last_look(candidate, champion)
    needed = 2 * last.n if last else max(FEWEST, policy_of(candidate.registered_model).min_live_items)
    parts = settled_parts(candidate, champion)
    if len(parts) < needed:
        return None
    look = last.look + 1 if last else 1
    return record_live(
        candidate=candidate, champion=champion, parts=parts, look=look, window=(design.started_at, now), now=now
    )


def settled_parts(candidate: ModelVersion, champion: ModelVersion) -> list[LivePart]:
    """Parts that both judged, that a design drew, and whose label is settled; each with the chance of the union, and
    with the share of those like it that are settled: who is not answered is spoken for by them (STATISTICS §1.3)."""
    said = _drawn_and_said(candidate, champion)
    chances = _chances(candidate.registered_model, [row[0] for row in said])
    said = [row for row in said if row[0] in chances]
    views = _first_views([row[0] for row in said])
    return [
        LivePart(
            inspection=f"{station}/{name}", part=name, truth=truth, champion=before, champion_sure=before_sure,
            candidate=now, candidate_sure=now_sure, pi=chances[pk], source=views[pk][0], item=views[pk][1],
            answered=share,
        )
        for (pk, station, name, truth, before, before_sure, now, now_sure), share in zip(
            said, _answered(said, chances), strict=True
        )
        if truth is not None
    ]  # fmt: skip


def _drawn_and_said(candidate: ModelVersion, champion: ModelVersion) -> list[Row]:
    """Of parts that a design drew: what both said, and the truth or None. What cannot be judged leaves the domain."""
    model = candidate.registered_model
    chosen = Selection.objects.filter(inspection=OuterRef("inspection"), registered_model=model, drawn=True)
    shadowed = ShadowDraw.objects.filter(
        inspection=OuterRef("inspection"), design__candidate__registered_model=model, drawn=True
    )
    settled = FilteredRelation(
        "inspection__ground_truths", condition=Q(inspection__ground_truths__registered_model=model.pk)
    )
    rows = ShadowPrediction.objects.filter(
        Exists(chosen) | Exists(shadowed),
        model_version=candidate, prediction__model_version=champion, problem="", inspection__withdrawn_at=None,
    ).annotate(settled=settled)  # fmt: skip
    return list(
        rows.filter(Q(settled__outcome=None) | Q(settled__outcome=GroundTruth.Outcome.LABEL))
        .order_by("inspection")
        .values_list(
            "inspection_id", "inspection__station", "inspection__inspection_id", "settled__label__slug",
            "prediction__label__slug", "prediction__confidence", "label__slug", "confidence",
        )
    )  # fmt: skip


def _answered(said: list[Row], chances: dict[int, float]) -> list[float]:
    """The settled share of each one's response cell. Who differ from the champion are cells of their own: there the two
    are told apart, and there people are asked first."""
    words = {word: n for n, word in enumerate(sorted({row[4] for row in said}))}
    shares = settled_shares(
        predicted=np.array([2 * words[row[4]] + (row[4] != row[6]) for row in said], dtype=np.int64),
        pi=np.array([chances[row[0]] for row in said], dtype=np.float64),
        is_settled=np.array([row[3] is not None for row in said], dtype=np.bool_),
    )
    found: list[float] = shares.tolist()
    return found


def _chances(registered_model: RegisteredModel, inspections: list[int]) -> dict[int, float]:
    """Of those that at least one design drew, by any of all designs together."""
    pis: dict[int, list[float]] = defaultdict(list)
    drawn: set[int] = set()
    of_main = Selection.objects.filter(registered_model=registered_model, inspection__in=inspections)
    of_shadows = ShadowDraw.objects.filter(
        design__candidate__registered_model=registered_model, inspection__in=inspections
    )
    for table in (of_main, of_shadows):
        for inspection, pi, is_drawn in table.values_list("inspection_id", "pi", "drawn"):
            pis[inspection].append(pi)
            drawn |= {inspection} if is_drawn else set()
    return {one: union_probability(mine) for one, mine in pis.items() if one in drawn}


def _first_views(inspections: list[int]) -> dict[int, tuple[str, str]]:
    """Camera and public name of the first view of each."""
    rows = Item.objects.filter(inspection__in=inspections).order_by("-pk").annotate(camera=F("source__slug"))
    return {pk: (camera, str(item)) for pk, camera, item in rows.values_list("inspection_id", "camera", "public_id")}
