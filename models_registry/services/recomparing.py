"""A candidate whose champion is gone is compared anew, with today's, on the same hold-out."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import OuterRef, Q, Subquery

from models_registry import files, manifest, serving
from models_registry.comparison import PairedComparison
from models_registry.models import Comparison, Dataset, ModelVersion, RegisteredModel
from models_registry.policy import decide_promotion
from models_registry.services.burden import burden_of
from models_registry.services.comparison_pairs import keep_pairs
from models_registry.services.comparisons import act
from models_registry.services.promotion_policies import policy_of, rules_of
from models_registry.services.sides import Floats, Sides, Words, as_paired, compare_sides, sources_of, stored_fields

AT_ONCE = 32
Rows = list[manifest.ManifestRow]
Stage = ModelVersion.Stage


def overtaken_comparisons() -> list[int]:
    """Candidates, by key, that were last compared with another champion than today's; those that were registered by
    hand also when they never were."""
    champions = ModelVersion.objects.filter(registered_model=OuterRef("registered_model"), stage=Stage.CHAMPION)
    last = Comparison.objects.filter(candidate=OuterRef("pk"), kind=Comparison.Kind.HOLDOUT).order_by("-pk")
    waiting = ModelVersion.objects.filter(stage=Stage.CANDIDATE, registered_model__is_active=True).annotate(
        champion_today=Subquery(champions.values("pk")[:1]),
        last_comparison=Subquery(last.values("pk")[:1]),
        last_champion=Subquery(last.values("champion")[:1]),
    )
    compared, by_hand = Q(last_comparison__isnull=False), Q(metrics__has_key="registered_by")
    found = waiting.filter(compared | by_hand, champion_today__isnull=False).order_by("pk")
    return [pk for pk, today, then in found.values_list("pk", "champion_today", "last_champion") if today != then]


def recompare(*, version: ModelVersion, now: datetime) -> Comparison | None:
    """Compare a waiting candidate with today's champion, decide by the policy and act on it.

    One that was registered by hand is compared on the newest hold-out, and a person decides: nobody here knows what it
    has learned from, so held-out images may be among it.

    None: it waits no more, was compared with this champion already, or the champion changed while it was judged.
    The images are judged outside of the transaction.
    """
    champion = ModelVersion.objects.champion_of(version.registered_model)
    last = version.comparisons.filter(kind=Comparison.Kind.HOLDOUT).order_by("-pk").first()
    dataset = last.dataset if last else _newest_dataset(version)
    if champion is None or dataset is None or (last is not None and last.champion_id == champion.pk):
        return None
    rows = _held_out(dataset)
    sides = _judge(version, champion, rows)
    with transaction.atomic():
        RegisteredModel.objects.select_for_update(no_key=True).get(pk=version.registered_model_id)
        version.refresh_from_db()
        if version.stage != Stage.CANDIDATE or ModelVersion.objects.champion_of(version.registered_model) != champion:
            return None
        return _record_and_act(version, champion, dataset, rows, sides, now)


def _record_and_act(
    version: ModelVersion, champion: ModelVersion, dataset: Dataset, rows: Rows, sides: Sides | None, now: datetime
) -> Comparison:
    policy = policy_of(version.registered_model)
    classes = list(dataset.label_set.labels.values_list("slug", flat=True))
    paired = compare_sides(sides, policy, classes=classes) if sides and rows else None
    newest_live = version.comparisons.filter(kind=Comparison.Kind.LIVE, champion=champion).order_by("-pk").first()
    decision = decide_promotion(
        paired, rules_of(policy), has_champion=True, live=as_paired(newest_live),
        burden=burden_of(version, rows, policy), same_model=version.keeps_model_of(champion),
    )  # fmt: skip
    comparison = Comparison.objects.create(
        candidate=version, champion=champion, dataset=dataset, compared_at=now, verdict=decision.outcome,
        reason=decision.reason, guards=[asdict(guard) for guard in decision.guards],
        pairs=keep_pairs(rows, sides),
        **(_with_shares(paired) if paired else _nothing()),
    )  # fmt: skip
    if "registered_by" not in version.metrics:
        act(version, comparison, decision, now=now)
    return comparison


def _with_shares(paired: PairedComparison) -> dict[str, Any]:
    return stored_fields(paired) | {
        "candidate_accuracy": (paired.n_both_right + paired.n_fixed) / paired.n,
        "champion_accuracy": (paired.n_both_right + paired.n_broken) / paired.n,
    }


def _nothing() -> dict[str, Any]:
    return {"method": "none", "n": 0, "n_fixed": 0, "n_broken": 0, "n_both_wrong": 0, "n_both_right": 0}


def _newest_dataset(version: ModelVersion) -> Dataset | None:
    """Of a version that no run here made. None: nothing is held out yet that it could judge."""
    if "registered_by" not in version.metrics:
        return None
    model = version.registered_model
    return model.datasets.filter(label_set=model.label_set_id, n_holdout__gt=0).order_by("-pk").first()


def _held_out(dataset: Dataset) -> Rows:
    _, rows = manifest.read(files.local_copy(dataset.manifest), expected_sha256=dataset.sha256)
    measures = manifest.measuring(rows)
    return [row for row, takes_part in zip(rows, measures, strict=True) if takes_part]


def _judge(candidate: ModelVersion, champion: ModelVersion, rows: Rows) -> Sides | None:
    """None where one of the two was trained elsewhere and cannot judge here."""
    if not candidate.artifact or not champion.artifact or not rows:
        return None
    (old, old_sure), (new, new_sure) = _words(champion, rows), _words(candidate, rows)
    truth = np.array([row.label for row in rows], dtype=np.str_)
    pi = np.array([row.pi or 1.0 for row in rows], dtype=np.float64)
    return Sides(truth, old, new, pi, old_sure, new_sure, sources_of(rows))


def _words(version: ModelVersion, rows: Rows) -> tuple[Words, Floats]:
    """What a version says of each row, from all its views, and how sure it is."""
    words, sure = [], []
    for start in range(0, len(rows), AT_ONCE):
        parts = [
            [files.read(one.key, sha256=one.sha256) for one in row.images] for row in rows[start : start + AT_ONCE]
        ]
        for scores in serving.predict_parts(version, parts):
            words.append(max(scores, key=lambda name: scores[name]))
            sure.append(scores[words[-1]])
    return np.array(words, dtype=np.str_), np.array(sure, dtype=np.float64)
