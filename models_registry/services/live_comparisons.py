"""Candidate against champion on parts of the line, from what people said: recorded, decided on, acted upon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db import transaction

from models_registry.comparison.told import Told
from models_registry.models import Comparison, ModelVersion, RegisteredModel
from models_registry.policy import PromotionDecision, decide_promotion
from models_registry.services.burden import burden_of
from models_registry.services.comparison_pairs import keep_told
from models_registry.services.comparisons import N_EXAMPLES, act
from models_registry.services.promotion_policies import policy_of, rules_of
from models_registry.services.sides import Floats, Sides, as_paired, compare_sides, stored_fields

Kind = Comparison.Kind
SPENT = 0.05


@dataclass(frozen=True, slots=True)
class LivePart:
    """One settled part that both judged; `pi` of all designs together, `sure` None where one gives no confidence.

    `answered`: the settled share of the drawn parts like it, for which it speaks (STATISTICS §1.3).
    """

    inspection: str
    part: str
    truth: str
    champion: str
    champion_sure: float | None
    candidate: str
    candidate_sure: float | None
    pi: float
    source: str = ""
    item: str = ""
    answered: float = 1.0


def last_look(candidate: ModelVersion, champion: ModelVersion) -> Comparison | None:
    """The newest live comparison of the two."""
    return Comparison.objects.filter(candidate=candidate, champion=champion, kind=Kind.LIVE).order_by("-pk").first()


def confidence_of(look: int) -> float:
    """1 - 0.05/2^look: all looks together spend no more than 5 %."""
    return float(1 - SPENT / 2**look)


@transaction.atomic
def record_live(
    *,
    candidate: ModelVersion,
    champion: ModelVersion,
    parts: Sequence[LivePart],
    look: int,
    window: tuple[datetime, datetime],
    now: datetime,
) -> Comparison | None:
    """Record a look, decide by the policy on both comparisons, act. None: no candidate or champion any more, or another
    worker has had this look."""
    RegisteredModel.objects.select_for_update(no_key=True).get(pk=candidate.registered_model_id)
    candidate.refresh_from_db()
    last = last_look(candidate, champion)
    waits = candidate.stage == ModelVersion.Stage.CANDIDATE
    if not waits or ModelVersion.objects.champion_of(candidate.registered_model) != champion:
        return None
    if look != (last.look + 1 if last else 1):
        return None
    policy = policy_of(candidate.registered_model)
    classes = list(policy.registered_model.label_set.labels.order_by("position").values_list("slug", flat=True))
    parts = [one for one in parts if one.truth in classes]  # a label that an older set had is nobody's question now
    if not parts:
        return None
    paired = compare_sides(_sides(parts), policy, classes=classes, confidence=confidence_of(look))
    holdout = _trusted_holdout(candidate)
    if holdout is not None and holdout.champion_id != champion.pk:
        decision = PromotionDecision("wait", "The hold-out is not compared with this champion yet.")
    else:
        decision = decide_promotion(as_paired(holdout), rules_of(policy), has_champion=True, live=paired,
            burden=burden_of(candidate, (), policy), same_model=candidate.keeps_model_of(champion),
        )  # fmt: skip
    comparison = Comparison.objects.create(
        kind=Kind.LIVE, candidate=candidate, champion=champion, window_start=window[0], window_end=window[1],
        look=look, compared_at=now, verdict=decision.outcome, reason=decision.reason,
        guards=[asdict(guard) for guard in decision.guards], examples=_examples(parts),
        pairs=keep_told([_told(one) for one in parts]),
        candidate_accuracy=paired.challenger_accuracy, champion_accuracy=paired.champion_accuracy,
        **stored_fields(paired),
    )  # fmt: skip
    act(candidate, comparison, decision, now=now)
    return comparison


def _trusted_holdout(candidate: ModelVersion) -> Comparison | None:
    """None for a version that was registered by hand: nobody knows whether it has learned from what is held out here,
    so only the line speaks for it (STATISTICS §3.4)."""
    if "registered_by" in candidate.metrics:
        return None
    return candidate.comparisons.filter(kind=Kind.HOLDOUT).order_by("-pk").first()


def _told(one: LivePart) -> Told:
    return Told(
        inspection=one.inspection, part=one.part, item=one.item, truth=one.truth, champion=one.champion,
        candidate=one.candidate, champion_sure=one.champion_sure, candidate_sure=one.candidate_sure, pi=one.pi,
    )  # fmt: skip


def _sides(parts: Sequence[LivePart]) -> Sides:
    def words(name: str) -> Any:
        return np.array([getattr(one, name) for one in parts], dtype=np.str_)

    return Sides(
        words("truth"), words("champion"), words("candidate"),
        np.array([one.pi * one.answered for one in parts], dtype=np.float64),
        _sure([one.champion_sure for one in parts]), _sure([one.candidate_sure for one in parts]), words("source"),
    )  # fmt: skip


def _sure(said: Sequence[float | None]) -> Floats | None:
    return None if any(one is None for one in said) else np.array(said, dtype=np.float64)


def _examples(parts: Sequence[LivePart]) -> list[dict[str, Any]]:
    """Parts on which the two differ and one is right, the candidate's most certain first."""
    found = []
    for kind in ("broken", "fixed"):
        wanted = [one for one in parts if one.champion != one.candidate and one.truth in (one.champion, one.candidate)]
        mine = [one for one in wanted if (one.truth == one.champion) == (kind == "broken")]
        for one in sorted(mine, key=lambda one: -(one.candidate_sure or 0.0))[:N_EXAMPLES]:
            found.append(
                {
                    "inspection": one.inspection, "part": one.part, "truth": one.truth, "champion": one.champion,
                    "candidate": one.candidate, "confidence": one.candidate_sure, "kind": kind,
                    "item": one.item or None,
                }
            )  # fmt: skip
    return found
