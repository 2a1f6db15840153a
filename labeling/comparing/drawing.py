"""Draw parts that a candidate has judged in the shadow, with a recorded chance of their own, and ask for reviews.

    ShadowPrediction ──no draw of its design yet──> ShadowDraw ──drawn, and nobody asked for a look──> Review

A part whose image came only because the main design drew it has no draw here: the candidate could judge it for no other
reason, so its chance stays that of the main design. That is so of cameras none of whose undrawn parts could be judged.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from labeling.models import DesignState, Item, Review, Selection, ShadowDesign, ShadowDraw, ShadowPrediction
from labeling.routing import error_guess, keyed_uniforms, uncertainty
from labeling.routing.shadows import comparison_probability
from models_registry.models import ModelVersion, RegisteredModel
from models_registry.services.promotion_policies import policy_of

AT_ONCE = 500
MOST_CANDIDATES = 3
PRIORITY = 6  # behind what measures the champion
Stage = ModelVersion.Stage


def draw_for_comparison(*, registered_model: RegisteredModel, now: datetime) -> list[int]:
    """Draw among what candidates judged since the last time. Returns the reviews that were opened, by key."""
    champion = ModelVersion.objects.champion_of(registered_model)
    candidates = list(registered_model.versions.filter(stage=Stage.CANDIDATE).order_by("-number")[:MOST_CANDIDATES])
    budget = policy_of(registered_model).comparison_budget
    _end_designs(registered_model, champion, candidates if budget else [], now)
    if champion is None or not budget:
        return []
    return [pk for one in candidates for pk in _draw(one, champion, budget, now)]


def _end_designs(
    registered_model: RegisteredModel,
    champion: ModelVersion | None,
    candidates: Collection[ModelVersion],
    now: datetime,
) -> None:
    running = ShadowDesign.objects.filter(candidate__registered_model=registered_model, ended_at=None)
    running.exclude(champion=champion, candidate__in=candidates).update(ended_at=now)


@transaction.atomic
def _draw(candidate: ModelVersion, champion: ModelVersion, budget: float, now: datetime) -> list[int]:
    """In one transaction under the design's lock: of several workers each part is drawn once."""
    waiting = _undrawn(candidate, champion)
    if not waiting.exists():
        return []
    kept = {"champion": champion, "budget": budget, "started_at": now}
    ShadowDesign.objects.get_or_create(candidate=candidate, ended_at=None, defaults=kept)
    design = ShadowDesign.objects.select_for_update().get(candidate=candidate, ended_at=None)
    said = _eligible(list(waiting.exclude(inspection__shadow_draws__design=design)[:AT_ONCE]), candidate)
    if not said:
        return []
    draws = _thrown(design, said, _thinning(candidate.registered_model), now)
    ShadowDraw.objects.bulk_create(draws)
    doubt = sum(_doubt(one) for one in said)
    design.n_seen += len(said)
    design.n_disagree += sum(one.disagrees for one in said)
    design.sum_doubt += doubt
    design.save(update_fields=["n_seen", "n_disagree", "sum_doubt"])
    drawn = {one.inspection_id for one in draws if one.drawn}
    return _open_reviews([one for one in said if one.inspection_id in drawn], candidate.registered_model, now)


def _undrawn(candidate: ModelVersion, champion: ModelVersion) -> QuerySet[ShadowPrediction]:
    mine = ShadowDraw.objects.filter(
        inspection=OuterRef("inspection"), design__candidate=candidate, design__champion=champion,
        design__ended_at=None,
    )  # fmt: skip
    rows = ShadowPrediction.objects.filter(
        model_version=candidate, prediction__model_version=champion, problem="", inspection__withdrawn_at=None
    )
    return rows.filter(~Exists(mine)).select_related("prediction", "inspection").order_by("pk")


def _eligible(said: Sequence[ShadowPrediction], candidate: ModelVersion) -> list[ShadowPrediction]:
    """Without parts that the candidate could judge only because they were drawn before."""
    chosen = Selection.objects.filter(
        inspection__in=[one.inspection_id for one in said], registered_model=candidate.registered_model, drawn=True
    )
    drawn = set(chosen.values_list("inspection_id", flat=True))
    sources = _sources(one.inspection_id for one in said)
    asked = {sources.get(one.inspection_id) for one in said if one.inspection_id in drawn}
    unasked = {sources.get(one.inspection_id) for one in said if one.inspection_id not in drawn}
    unasked |= {source for source in asked - unasked if _sends_unasked(source, candidate)}
    return [one for one in said if one.inspection_id not in drawn or sources.get(one.inspection_id) in unasked]


def _sources(inspections: Iterable[int]) -> dict[int, int]:
    """The camera of the first view of each."""
    rows = Item.objects.filter(inspection__in=list(inspections)).order_by("-pk")
    return dict(rows.values_list("inspection_id", "source_id"))


def _sends_unasked(source: int | None, candidate: ModelVersion) -> bool:
    """Whether the candidate judged a part of this camera that no measuring draw had taken."""
    chosen = Selection.objects.filter(
        inspection=OuterRef("inspection"), registered_model=candidate.registered_model, drawn=True
    )
    rows = ShadowPrediction.objects.filter(model_version=candidate, problem="", inspection__items__source=source)
    return rows.filter(~Exists(chosen)).exists()


def _thrown(design: ShadowDesign, said: Sequence[ShadowPrediction], thinning: float, now: datetime) -> list[ShadowDraw]:
    keys = [f"{one.inspection.station_id}/{one.inspection.inspection_id}" for one in said]
    us = keyed_uniforms(bytes.fromhex(design.secret), keys, design_key=f"shadow/{design.candidate_id}/{design.pk}")
    pis = comparison_probability(
        np.array([one.disagrees for one in said], dtype=bool),
        np.array([_doubt(one) for one in said], dtype=np.float64),
        budget=design.budget,
        n_seen=design.n_seen,
        n_disagree=design.n_disagree,
        sum_doubt=design.sum_doubt,
        thinning=thinning,
    )
    return [
        ShadowDraw(
            design=design, inspection_id=one.inspection_id, disagrees=one.disagrees, pi=pi, u=u, thinning=thinning,
            drawn=u < pi, created_at=now,
        )
        for one, pi, u in zip(said, pis.tolist(), us.tolist(), strict=True)
    ]  # fmt: skip


def _doubt(one: ShadowPrediction) -> float:
    """The larger uncertainty of the two, between 0 and a half."""
    guesses = np.array([error_guess(side.confidence) for side in (one, one.prediction)])
    return float(uncertainty(guesses).max())


def _thinning(registered_model: RegisteredModel) -> float:
    """As of the main design: too many open reviews thin every draw."""
    state = DesignState.objects.filter(
        design__registered_model=registered_model, design__is_active=True, design__kind="main"
    ).first()
    return state.thinning if state else 1.0


def _open_reviews(said: Sequence[ShadowPrediction], registered_model: RegisteredModel, now: datetime) -> list[int]:
    """Blind, since a shown prediction would speak for the champion. What people look at anyway has its review."""
    parts = [one.inspection_id for one in said]
    known = Review.objects.filter(inspection__in=parts, registered_model=registered_model)
    has_one = set(known.values_list("inspection_id", flat=True))
    wanted = [
        Review(
            inspection_id=one.inspection_id, registered_model=registered_model, reason=Review.Reason.DRAWN,
            mode=Review.Mode.MEASURING, prediction=one.prediction, blind=True, priority=PRIORITY, created_at=now,
        )
        for one in said
        if one.inspection_id not in has_one
    ]  # fmt: skip
    Review.objects.bulk_create(wanted, ignore_conflicts=True)
    new = known.filter(priority=PRIORITY, created_at=now).exclude(inspection__in=has_one)
    return list(new.values_list("pk", flat=True))
