"""The stored past of a model, as `models_registry.policy.replay` reads it, and what really happened beside it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Count
from django.db.models.functions import TruncHour

from labeling.input_quality import holds_until
from labeling.models import GroundTruth, Outcome
from labeling.retraining_facts import rules_from, zone_of_site
from models_registry.models import Alert, RegisteredModel, RetrainingPolicy, RetrainingRequest, TrainingRun
from models_registry.policy import Request
from models_registry.policy.replay import History, Replay, Settled, Span, replay

DAYS = 90


def would_have(registered_model: RegisteredModel, policy: RetrainingPolicy, *, now: datetime) -> tuple[History, Replay]:
    """The past, and what a policy, saved or not, would have done in the last 90 days of it."""
    rules = rules_from(policy, zone=zone_of_site(registered_model))
    past = history_of(registered_model)
    return past, replay(past, rules, start=now - timedelta(days=DAYS), end=now)


def history_of(registered_model: RegisteredModel) -> History:
    alerts = Alert.objects.filter(registered_model=registered_model).order_by("opened_at", "pk")
    requests = RetrainingRequest.objects.filter(registered_model=registered_model).order_by("requested_at", "pk")
    asked = requests.values_list("requested_by__username", "reason", "requested_at", "expires_at")
    runs = TrainingRun.objects.learned().filter(registered_model=registered_model)
    return History(
        labels=_settled(registered_model),
        alarms=[
            Span(one.opened_at, one.resolved_at, one.message, one.evidence.get("state") == "critical")
            for one in alerts.filter(kind=Alert.Kind.ACCURACY)
        ],
        bad_cameras=[
            Span(one.opened_at, one.resolved_at or holds_until(one), one.slice)
            for one in alerts.filter(kind=Alert.Kind.INPUT_QUALITY)
        ],
        requests=[(Request(by, reason, at), expires) for by, reason, at, expires in asked],
        runs=list(runs.order_by("queued_at").values_list("queued_at", flat=True)),
    )


def _settled(registered_model: RegisteredModel) -> list[Settled]:
    """By the hour. Of a label that was changed only what it is now is kept, with when it became so."""
    found: list[Settled] = []
    for rows, moment in (
        (GroundTruth.objects.trainable(registered_model), "decided_at"),
        (Outcome.objects.trainable(registered_model), "received_at"),
    ):
        hours = rows.order_by().annotate(hour=TruncHour(moment)).values_list("hour", "label__slug", "label__is_defect")
        found += [Settled(at, slug, n, is_defect) for at, slug, is_defect, n in hours.annotate(n=Count("pk"))]
    return sorted(found, key=lambda one: (one.at, one.label))
