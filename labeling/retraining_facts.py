"""What decisions about retraining rest on, of many models at once: each fact is one query over all of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Q

from labeling.input_quality import holds_until
from labeling.models import Deployment, GroundTruth, HourlyFacts, Outcome
from models_registry.models import (
    Alert,
    ModelVersion,
    RegisteredModel,
    RetrainingPolicy,
    RetrainingRequest,
    TrainingRun,
)
from models_registry.policy import Alarm, Drift, Recalibration, Request, RetrainingFacts, RetrainingRules
from models_registry.policy.facts import MONTH, RARE
from models_registry.services.label_sets import readings_of


@dataclass(slots=True)
class Labels:
    """Settled labels of a model, by class."""

    by_class: Counter[str] = field(default_factory=Counter)
    new: Counter[str] = field(default_factory=Counter)
    defects: set[str] = field(default_factory=set)


def facts_of(models: Sequence[RegisteredModel], *, now: datetime) -> dict[int, RetrainingFacts]:
    """By key of the model."""
    ids = [model.pk for model in models]
    labels, runs, learned = _labels(models), _runs(ids, now), _last_learned(ids)
    alerts, answers, requests = _alerts(ids), _answers(ids), _requests(ids, now)
    champions, recalibrated = _recalibratable(ids), _recalibrated(ids)
    hourly = HourlyFacts.objects.in_bulk(ids, field_name="registered_model_id")
    since = dict(_policies(ids).exclude(schedule="").values_list("registered_model", "schedule_since"))
    found = {}
    for pk in ids:
        told, run, (n_trained, counts) = labels[pk], runs.get(pk, NO_RUNS), learned.get(pk, (0, {}))
        found[pk] = RetrainingFacts(
            n_new_labels=told.new.total(),
            n_labels_total=told.by_class.total(),
            n_classes_with_labels=len(told.by_class),
            min_class_labels=min(told.by_class.values(), default=0),
            active_run=bool(run["active"]),
            last_finished_at=run["finished"],
            last_failed_at=run["failed"],
            n_runs_this_month=run["month"],
            n_trained=n_trained,
            new_rare_labels=_rare(told, counts),
            alarms=_alarms(alerts[pk], answers.get(pk)),
            requests=tuple(requests[pk]),
            schedule_from=max((at for at in (since.get(pk), run["queued"]) if at is not None), default=None),
            bad_cameras=_cameras(alerts[pk], now, are_silent=False),
            silent_cameras=_cameras(alerts[pk], now, are_silent=True),
            recalibration=Recalibration(champions.get(pk, ""), recalibrated.get(pk, ""), run["recalibrated"]),
            **_of_the_hour(hourly.get(pk), run["recalibrated"]),
        )
    return found


def rules_of(models: Sequence[RegisteredModel]) -> dict[int, RetrainingRules]:
    """By key of the model; the defaults where nobody has set a policy."""
    ids = [model.pk for model in models]
    policies = {policy.registered_model_id: policy for policy in _policies(ids)}
    zones = _zones([pk for pk, policy in policies.items() if policy.schedule and not policy.schedule_zone])
    return {pk: rules_from(policies.get(pk) or RetrainingPolicy(), zone=zones.get(pk)) for pk in ids}


def rules_from(policy: RetrainingPolicy, *, zone: str | None) -> RetrainingRules:
    """``zone``: that of the site, where the policy names none."""
    return RetrainingRules(
        enabled=policy.enabled,
        min_new_labels=policy.min_new_labels,
        min_total_labels=policy.min_total_labels,
        min_classes=2,
        min_per_class=policy.min_per_class,
        cooldown=timedelta(minutes=policy.cooldown_minutes),
        monthly_budget=policy.monthly_budget,
        new_labels_share=policy.new_labels_share,
        rare_class_labels=policy.rare_class_labels,
        on_alarm=policy.on_alarm,
        on_drift=policy.on_drift,
        drift_fall=policy.drift_fall,
        on_calibration=policy.on_calibration,
        schedule=policy.schedule,
        zone=policy.schedule_zone or zone or settings.TIME_ZONE,
        on_request=policy.on_request,
        min_between=policy.min_between,
        min_agreement=policy.min_agreement,
        hold_on_bad_images=policy.hold_on_bad_images,
    )


def zone_of_site(registered_model: RegisteredModel) -> str | None:
    """Where it runs; the first site it was seen at, where it runs at several."""
    return _zones([registered_model.pk]).get(registered_model.pk)


def _policies(ids: Sequence[int]) -> Any:
    return RetrainingPolicy.objects.filter(registered_model__in=ids)


def _zones(ids: Sequence[int]) -> dict[int, str]:
    seen = Deployment.objects.filter(registered_model__in=ids).order_by("-first_seen_at", "-pk") if ids else None
    return {} if seen is None else dict(seen.values_list("registered_model", "station__site__time_zone"))


def _labels(models: Sequence[RegisteredModel]) -> defaultdict[int, Labels]:
    """Grouped by the dataset that holds them first: which datasets a successful run has learned from is a question
    about few rows, not about every label. Labels of older sets count as what they are read as today."""
    ids, sets = [model.pk for model in models], {model.pk: model.label_set_id for model in models}
    rows: list[tuple[int, int, int, str, bool, int | None, int]] = []
    for table in (GroundTruth, Outcome):
        learnable = table.objects.learnable().filter(registered_model__in=ids).order_by()
        group = learnable.values_list(
            "registered_model", "label__label_set", "label", "label__slug", "label__is_defect", "frozen_in"
        )
        rows += list(group.annotate(n=Count("pk")))
    frozen = {dataset for *_, dataset, _n in rows if dataset is not None}
    learned = set(TrainingRun.objects.learned().filter(dataset__in=frozen).values_list("dataset", flat=True))
    older = {sets[pk] for pk, label_set, *_ in rows if label_set != sets[pk]}
    readings = readings_of(older) if older else {}
    found: defaultdict[int, Labels] = defaultdict(Labels)
    for pk, label_set, label, its_slug, is_defect, dataset, n in rows:
        slug = its_slug if label_set == sets[pk] else readings[sets[pk]].get(label, its_slug)
        if slug is None:
            continue
        told = found[pk]
        told.by_class[slug] += n
        if dataset not in learned:
            told.new[slug] += n
        if is_defect:
            told.defects.add(slug)
    return found


NO_RUNS: dict[str, Any] = {
    "active": 0,
    "finished": None,
    "failed": None,
    "month": 0,
    "queued": None,
    "recalibrated": None,
}


def _runs(ids: Sequence[int], now: datetime) -> dict[int, dict[str, Any]]:
    rows = TrainingRun.objects.filter(registered_model__in=ids).order_by().values("registered_model")
    learns = Q(recalibrates=None)  # what fits a confidence anew is cheap: it cools nothing down and costs no budget
    counted = rows.annotate(
        active=Count("pk", filter=Q(status__in=TrainingRun.ACTIVE)),
        finished=Max("finished_at", filter=Q(status="succeeded") & learns),
        failed=Max("finished_at", filter=Q(status="failed") & learns),
        month=Count("pk", filter=Q(queued_at__gte=now - MONTH) & learns),
        queued=Max("queued_at", filter=learns),
        recalibrated=Max("finished_at", filter=~learns & ~Q(status="cancelled")),
    )
    return {row["registered_model"]: dict(row) for row in counted}


def _last_learned(ids: Sequence[int]) -> dict[int, tuple[int, Mapping[str, int]]]:
    """How many labels the last successful run trained on, and of which classes its dataset was."""
    runs = TrainingRun.objects.learned().filter(registered_model__in=ids)
    last = runs.order_by("registered_model", "-finished_at", "-pk").distinct("registered_model")
    rows = last.values_list("registered_model", "dataset__n_train", "dataset__label_counts")
    return {pk: (n_train, counts) for pk, n_train, counts in rows}


def _rare(told: Labels, counts: Mapping[str, int]) -> dict[str, int]:
    """New labels of defect classes that were rare, or missing, in what the last run learned from."""
    total = sum(counts.values())
    return {
        slug: n
        for slug, n in told.new.items()
        if total and slug in told.defects and counts.get(slug, 0) <= RARE * total
    }


def _alerts(ids: Sequence[int]) -> defaultdict[int, list[Alert]]:
    found: defaultdict[int, list[Alert]] = defaultdict(list)
    kinds = (Alert.Kind.ACCURACY, Alert.Kind.INPUT_QUALITY)
    for alert in Alert.objects.filter(registered_model__in=ids, kind__in=kinds, resolved_at=None).order_by("pk"):
        found[alert.registered_model_id].append(alert)
    return found


def _recalibratable(ids: Sequence[int]) -> dict[int, str]:
    """Champions whose scores our own trainer made, by model."""
    own = ModelVersion.objects.filter(registered_model__in=ids, stage="champion", artifact__endswith=".skops")
    return {one.registered_model_id: one.short_name for one in own}


def _recalibrated(ids: Sequence[int]) -> dict[int, str]:
    """Candidates with today's champion's model that wait for a decision, by model."""
    waiting = ModelVersion.objects.filter(
        registered_model__in=ids, stage="candidate", training_run__recalibrates__stage="champion"
    )
    return {one.registered_model_id: one.short_name for one in waiting.order_by("number")}


def _answers(ids: Sequence[int]) -> dict[int, ModelVersion]:
    """The newest candidate that learned anew and waits for a decision, by model."""
    waiting = ModelVersion.objects.filter(
        registered_model__in=ids, stage="candidate", training_run__isnull=False, training_run__recalibrates=None
    )
    return {one.registered_model_id: one for one in waiting.select_related("training_run").order_by("number")}


def _alarms(alerts: Sequence[Alert], answer: ModelVersion | None) -> tuple[Alarm, ...]:
    run = answer.training_run if answer else None
    return tuple(
        Alarm(
            message=alert.message,
            opened_at=alert.opened_at,
            critical=alert.evidence.get("state") == "critical",
            answered_by=answer.short_name if answer and run and run.queued_at >= alert.opened_at else "",
        )
        for alert in alerts
        if alert.kind == Alert.Kind.ACCURACY
    )


def _cameras(alerts: Sequence[Alert], now: datetime, *, are_silent: bool) -> tuple[str, ...]:
    incidents = [one for one in alerts if one.kind == Alert.Kind.INPUT_QUALITY]
    return tuple(one.slice for one in incidents if (holds_until(one) <= now) is are_silent)


def _requests(ids: Sequence[int], now: datetime) -> defaultdict[int, list[Request]]:
    found: defaultdict[int, list[Request]] = defaultdict(list)
    asking = RetrainingRequest.objects.filter(registered_model__in=ids, run=None, expires_at__gt=now)
    rows = asking.order_by("requested_at", "pk")
    for pk, by, reason, at in rows.values_list("registered_model", "requested_by__username", "reason", "requested_at"):
        found[pk].append(Request(by, reason, at))
    return found


def _of_the_hour(row: HourlyFacts | None, recalibrated_at: datetime | None) -> dict[str, Any]:
    """What was measured before a recalibration says nothing of what it made."""
    if row is None:
        return {}
    is_old = (
        row.ece is None or row.ece_low is None or (recalibrated_at is not None and row.measured_at < recalibrated_at)
    )
    return {
        "drift": _drift(row),
        "calibration": None if is_old else (row.ece, row.ece_low),
        "agreement": None if row.agreement is None else (row.agreement, row.n_overlap),
    }


def _drift(row: HourlyFacts) -> Drift | None:
    if row.drift_windows is None:
        return None
    return Drift(row.drift_windows, row.own_word_fall, **({"what": row.drift_of} if row.drift_of else {}))
