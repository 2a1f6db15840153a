"""The comparisons that were made of a model's candidates, as `models_registry.policy.promotion_replay` reads them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from models_registry.comparison import PairedComparison
from models_registry.models import Comparison, PromotionPolicy, RegisteredModel
from models_registry.policy import Burden
from models_registry.policy.promotion_replay import Compared, PromotionReplay, replay_promotions
from models_registry.services.promotion_policies import guarded_classes, rules_of
from models_registry.services.sides import as_paired

MOST = 200  # comparisons, the newest: a canary is looked at again and again


def would_have_promoted(
    registered_model: RegisteredModel, policy: PromotionPolicy, *, days: int, now: datetime
) -> PromotionReplay:
    """What a policy, saved or not, would have decided about the comparisons of the last days."""
    rows = Comparison.objects.filter(
        candidate__registered_model=registered_model, compared_at__gte=now - timedelta(days=days)
    ).select_related("candidate__training_run", "champion")
    guarded = set(guarded_classes(policy))
    newest = sorted(rows.order_by("-pk")[:MOST], key=lambda row: row.pk)
    return replay_promotions(_compared(newest, guarded), rules_of(policy))


def _compared(rows: list[Comparison], guarded: Collection[str]) -> list[Compared]:
    """Each with what stood beside it then: the last look on the line, or the comparison on the hold-out."""
    last: dict[tuple[int, int | None, str], PairedComparison | None] = {}
    found = []
    for row in rows:
        pair = (row.candidate_id, row.champion_id)
        last[*pair, row.kind] = _under(as_paired(row), guarded)
        metrics = row.candidate.metrics
        found.append(
            Compared(
                key=row.pk,
                at=row.compared_at,
                candidate=row.candidate.short_name,
                champion=row.champion.short_name if row.champion else "",
                paired=last.get((*pair, Comparison.Kind.HOLDOUT.value)),
                live=last.get((*pair, Comparison.Kind.LIVE.value)),
                was=row.verdict,
                first_accuracy=row.candidate_accuracy if row.champion is None else None,
                burden=Burden(latency_ms=metrics.get("latency_ms"), size_mb=metrics.get("size_mb")),
                same_model=row.candidate.keeps_model_of(row.champion),
            )
        )
    return found


def _under(paired: PairedComparison | None, guarded: Collection[str]) -> PairedComparison | None:
    """Which classes are guarded is the rules' to say, not the past's."""
    if paired is None:
        return None
    return replace(paired, classes=tuple(replace(one, guarded=one.label in guarded) for one in paired.classes))
