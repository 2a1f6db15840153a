"""The ledger of decisions about retraining: a row when something changed, and one a day when nothing has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from models_registry.models import RegisteredModel, RetrainingDecision, RetrainingStanding, TrainingRun
from models_registry.policy import Decision, RetrainingFacts

AT_LEAST_EVERY = timedelta(days=1)
Decided = tuple[RetrainingFacts, Decision]


@transaction.atomic
def note_decisions(decided: Mapping[int, Decided], *, now: datetime) -> int:
    """Note what was decided against a run, by key of the model. Returns how many rows were written.

    A model whose standing somebody else holds is passed over: that one writes it.
    """
    known = RetrainingStanding.objects.filter(registered_model__in=decided).values_list("registered_model", flat=True)
    missing = decided.keys() - set(known)
    if missing:
        rows = [RetrainingStanding(registered_model_id=pk) for pk in sorted(missing)]
        RetrainingStanding.objects.bulk_create(rows, ignore_conflicts=True)
    held = RetrainingStanding.objects.filter(registered_model__in=decided).order_by("pk")
    standings = list(held.select_for_update(skip_locked=True, of=("self",)))
    news = [one for one in standings if _is_news(one, decided[one.registered_model_id][1], now)]
    RetrainingDecision.objects.bulk_create(_row(one, decided[one.registered_model_id], now) for one in news)
    changed = {one.pk for one in news}
    for one in standings:
        is_new = one.pk in changed
        one.gist, one.evaluated_at = decided[one.registered_model_id][1].gist, now
        one.n_repeats, one.written_at = (0, now) if is_new else (one.n_repeats + 1, one.written_at)
    RetrainingStanding.objects.bulk_update(
        standings, ["gist", "evaluated_at", "n_repeats", "written_at"], batch_size=1000
    )
    return len(news)


def record_start(
    *, registered_model: RegisteredModel, facts: RetrainingFacts, decision: Decision, run: TrainingRun, now: datetime
) -> RetrainingDecision:
    """A run was started by this decision. In the transaction that started it, under the model's lock."""
    RetrainingStanding.objects.get_or_create(registered_model=registered_model)
    standing = RetrainingStanding.objects.select_for_update().get(registered_model=registered_model)
    row = _row(standing, (facts, decision), now)
    row.run = run
    row.save(force_insert=True)
    standing.gist, standing.n_repeats, standing.written_at, standing.evaluated_at = decision.gist, 0, now, now
    standing.save()
    return row


def _is_news(standing: RetrainingStanding, decision: Decision, now: datetime) -> bool:
    written = standing.written_at
    return written is None or standing.gist != decision.gist or now - written >= AT_LEAST_EVERY


def _row(standing: RetrainingStanding, decided: Decided, now: datetime) -> RetrainingDecision:
    facts, decision = decided
    as_json: list[list[dict[str, Any]]] = [[asdict(one) for one in told] for told in (decision.causes, decision.guards)]
    return RetrainingDecision(
        registered_model_id=standing.registered_model_id,
        retrain=decision.retrain,
        cause=decision.cause or "",
        reason=decision.reason,
        causes=as_json[0],
        guards=as_json[1],
        n_new_labels=facts.n_new_labels,
        n_labels=facts.n_labels_total,
        n_repeats=standing.n_repeats,
        decided_at=now,
    )
