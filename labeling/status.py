"""Where every model stands: what the fleet page, the `loop_status` command and the API show.

A bounded number of queries, whatever the number of models: each fact is one grouped query over all of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, cast

from django.db.models import Count, F, Min, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from labeling.models import Deployment, GroundTruth, Outcome, Review, Selection, Verdict
from models_registry.models import (
    Alert,
    Evaluation,
    ModelVersion,
    Promotion,
    RegisteredModel,
    RetrainingPolicy,
    TrainingRun,
    TrainingStep,
)
from models_registry.templatetags.figures import accuracy_state, percent

STATES = ("alert", "waits", "watch", "training", "new", "ok")  # most in need of attention first


@dataclass(frozen=True)
class ModelStatus:
    """One model at one moment. Counts are of everything there is, not of a window."""

    registered_model: RegisteredModel
    n_versions: int
    champion: ModelVersion | None
    n_inspections: int
    n_reviews_open: int
    n_reviews_overdue: int
    n_waiting_for_image: int  # reviews that nobody can be handed yet
    oldest_open_at: datetime | None
    n_verdicts: int
    evaluation: Evaluation | None
    n_new_labels: int
    min_new_labels: int
    runs_by_status: dict[str, int]
    active_run: TrainingRun | None
    n_promotions: int
    n_waiting_candidates: int
    alerts: list[Alert] = field(default_factory=list)
    places: list[str] = field(default_factory=list)

    @cached_property
    def state(self) -> str:
        """One of `STATES`: the first that holds."""
        if self.alerts or self.is_below_target:
            return "alert"
        if self.n_waiting_candidates:
            return "waits"
        if self.is_near_target:
            return "watch"
        if self.active_run is not None:
            return "training"
        return "ok" if self._is_measured else "new"

    @property
    def _is_measured(self) -> bool:
        """There is an estimate, or a lower bound that already lies above the target."""
        target, bound = self.registered_model.target_accuracy, self.evaluation.lower_bound if self.evaluation else None
        holds = bound is not None and target is not None and bound >= target
        return self.champion is not None and (self._estimate is not None or holds)

    @property
    def is_below_target(self) -> bool:
        """The whole interval lies below the target: it is missed, whatever the luck of the draw."""
        target, high = self.registered_model.target_accuracy, self._estimate.ci_high if self._estimate else None
        return target is not None and high is not None and high < target

    @property
    def is_near_target(self) -> bool:
        """The estimate lies below the target, but the interval still holds it."""
        target, value = self.registered_model.target_accuracy, self._estimate.value if self._estimate else None
        return target is not None and value is not None and value < target

    @property
    def _estimate(self) -> Evaluation | None:
        return self.evaluation if accuracy_state(self.evaluation) == "estimate" else None

    @cached_property
    def why(self) -> str:
        """Why the model is in its state, in one sentence."""
        return {
            "alert": self._why_alert,
            "waits": self._why_waits,
            "watch": self._why_watch,
            "training": self._why_training,
            "new": self._why_new,
            "ok": self._why_ok,
        }[self.state]()

    def _why_ok(self) -> str:
        return _("Steady")

    def _why_alert(self) -> str:
        if self.alerts:
            return self.alerts[0].message
        assert self.evaluation is not None  # noqa: S101 - is_below_target
        return _("Accuracy is below its target of %(target)s: at most %(high)s.") % {
            "target": percent(self.registered_model.target_accuracy),
            "high": percent(self.evaluation.ci_high),
        }

    def _why_waits(self) -> str:
        n = self.n_waiting_candidates
        text = ngettext("A new version waits for a decision.", "%(n)s new versions wait for a decision.", n)
        return text % {"n": n}

    def _why_watch(self) -> str:
        target = percent(self.registered_model.target_accuracy)
        return _("The estimate is below the target of %(target)s, the interval still holds it.") % {"target": target}

    def _why_training(self) -> str:
        return self.active_run.reason if self.active_run else ""

    def _why_new(self) -> str:
        if self.champion is None:
            labelling = _("No version yet: people label the first images.")
            return labelling if self.n_inspections or self.n_reviews_open else _("Nothing arrived yet.")
        if accuracy_state(self.evaluation) == "bound":
            return _("Too few errors found for an estimate.")
        return _("First reviews are coming in.") if self.n_reviews_open or self.n_verdicts else _("No reviews yet.")

    @property
    def why_more(self) -> str:
        """What else needs attention, shorter; empty when nothing does."""
        others = len(self.alerts) - 1
        if self.state == "alert" and others > 0:
            return ngettext("and %(n)s more alert", "and %(n)s more alerts", others) % {"n": others}
        if self.state == "alert" and self.n_waiting_candidates:
            return _("A new version waits for a decision")
        return ""

    @property
    def next_share(self) -> float:
        """How far the labels towards the next run are, from 0 to 1."""
        return min(self.n_new_labels / self.min_new_labels, 1.0) if self.min_new_labels else 1.0

    @property
    def n_runs(self) -> int:
        return sum(self.runs_by_status.values())


def fleet_status(models: QuerySet[RegisteredModel], *, now: datetime) -> list[ModelStatus]:
    """The status of every model of a queryset, in its order. 13 queries, however many models."""
    found = list(models.select_related("label_set", "retraining_policy"))
    ids = [model.pk for model in found]
    champions = _champions(ids)
    facts: dict[str, dict[int, Any]] = {
        "n_versions": _counts(ModelVersion.objects.filter(registered_model__in=ids)),
        "n_inspections": _counts(Selection.objects.filter(registered_model__in=ids, design__kind="main")),
        "n_verdicts": _counts(_verdicts(ids), "review__registered_model"),
        "n_new_labels": _new_labels(ids),
        "n_promotions": _counts(Promotion.objects.filter(registered_model__in=ids, action="promote")),
        "n_waiting_candidates": _counts(ModelVersion.objects.filter(registered_model__in=ids, stage="candidate")),
    }
    reviews, runs_by_status = _open_reviews(ids, now), _runs_by_status(ids)
    evaluations, active_runs = _newest_evaluations(champions.values()), _active_runs(ids)
    alerts, places = _alerts(ids), _places(ids)
    return [
        ModelStatus(
            registered_model=model,
            champion=champions.get(model.pk),
            evaluation=evaluations.get(champions[model.pk].pk) if model.pk in champions else None,
            min_new_labels=_min_new_labels(model),
            runs_by_status=runs_by_status[model.pk],
            active_run=active_runs.get(model.pk),
            alerts=alerts[model.pk],
            places=places[model.pk],
            **reviews.get(model.pk, NO_REVIEWS),
            **{name: by_model.get(model.pk, 0) for name, by_model in facts.items()},
        )
        for model in found
    ]


def model_status(registered_model: RegisteredModel, *, now: datetime) -> ModelStatus:
    """The status of one model."""
    return fleet_status(RegisteredModel.objects.filter(pk=registered_model.pk), now=now)[0]


def by_attention(statuses: Iterable[ModelStatus]) -> list[ModelStatus]:
    """Most in need of attention first: by state, then by the age of the oldest review, then by name."""
    return sorted(
        statuses,
        key=lambda status: (
            STATES.index(status.state),
            status.oldest_open_at is None,
            status.oldest_open_at.timestamp() if status.oldest_open_at else 0.0,
            status.registered_model.name.casefold(),
        ),
    )


NO_REVIEWS: dict[str, Any] = {
    "n_reviews_open": 0, "n_reviews_overdue": 0, "n_waiting_for_image": 0, "oldest_open_at": None,
}  # fmt: skip


def _counts(rows: QuerySet[Any, Any], by: str = "registered_model") -> dict[int, int]:
    return {row["of"]: row["n"] for row in rows.order_by().values(of=F(by)).annotate(n=Count("pk"))}


def _min_new_labels(model: RegisteredModel) -> int:
    policy: RetrainingPolicy | None = getattr(model, "retraining_policy", None)
    return policy.min_new_labels if policy else int(RetrainingPolicy._meta.get_field("min_new_labels").get_default())


def _champions(ids: Sequence[int]) -> dict[int, ModelVersion]:
    """By model; each with ``newest_evaluation``, the key of its newest estimate, read through the index over time."""
    newest = Evaluation.objects.filter(model_version=OuterRef("pk"), slice="").order_by("-evaluated_at", "-pk")
    versions = ModelVersion.objects.filter(registered_model__in=ids, stage=ModelVersion.Stage.CHAMPION)
    return {v.registered_model_id: v for v in versions.annotate(newest_evaluation=Subquery(newest.values("pk")[:1]))}


def _newest_evaluations(champions: Iterable[ModelVersion]) -> dict[int, Evaluation]:
    """By version."""
    keys = [key for key in (getattr(version, "newest_evaluation", None) for version in champions) if key]
    return {row.model_version_id: row for row in Evaluation.objects.filter(pk__in=keys)}


def _verdicts(ids: Sequence[int]) -> QuerySet[Verdict]:
    return Verdict.objects.current().filter(review__registered_model__in=ids)


def _new_labels(ids: Sequence[int]) -> dict[int, int]:
    """Labels that no successful run has learned from, as the decision to retrain counts them."""
    one = cast("RegisteredModel", OuterRef("pk"))
    new = _n(GroundTruth.objects.new_for_training(one)) + _n(Outcome.objects.new_for_training(one))
    return dict(RegisteredModel.objects.filter(pk__in=ids).values_list("pk", new))


def _n(rows: QuerySet[Any, Any]) -> Coalesce:
    """How many rows a correlated query finds."""
    counted = rows.order_by().values("registered_model").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted), 0)


def _open_reviews(ids: Sequence[int], now: datetime) -> dict[int, dict[str, Any]]:
    rows = Review.objects.open().filter(registered_model__in=ids).order_by().values("registered_model")
    ready = Q(waits_for_image=False)
    rows = rows.annotate(
        n=Count("pk", filter=ready),
        waiting=Count("pk", filter=~ready),
        overdue=Count("pk", filter=Q(deadline__lt=now)),
        oldest=Min("created_at", filter=ready),
    )
    return {
        row["registered_model"]: {
            "n_reviews_open": row["n"],
            "n_reviews_overdue": row["overdue"],
            "n_waiting_for_image": row["waiting"],
            "oldest_open_at": row["oldest"],
        }
        for row in rows
    }


def _runs_by_status(ids: Sequence[int]) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = defaultdict(dict)
    rows = TrainingRun.objects.filter(registered_model__in=ids).order_by().values("registered_model", "status")
    for row in rows.annotate(n=Count("pk")):
        found[row["registered_model"]][row["status"]] = row["n"]
    return found


def _active_runs(ids: Sequence[int]) -> dict[int, TrainingRun]:
    steps = Prefetch("steps", queryset=TrainingStep.objects.order_by("position"))
    runs = TrainingRun.objects.active().filter(registered_model__in=ids).prefetch_related(steps)
    return {run.registered_model_id: run for run in runs}


def _alerts(ids: Sequence[int]) -> dict[int, list[Alert]]:
    found: dict[int, list[Alert]] = defaultdict(list)
    for row in Alert.objects.filter(registered_model__in=ids, resolved_at=None).order_by("-opened_at", "-pk"):
        found[row.registered_model_id].append(row)
    return found


def _places(ids: Sequence[int]) -> dict[int, list[str]]:
    """Where a model runs, as site and station."""
    found: dict[int, list[str]] = defaultdict(list)
    rows = Deployment.objects.filter(registered_model__in=ids).order_by("station__site__name", "station__name")
    for model, site, station in rows.values_list("registered_model", "station__site__name", "station__name").distinct():
        found[model].append(f"{site} · {station}")
    return found


def status_payload(status: ModelStatus) -> dict[str, Any]:
    """The same facts for scripts: what `loop_status --json` and the API print."""
    evaluation = status.evaluation
    return {
        "model": status.registered_model.slug,
        "name": status.registered_model.name,
        "versions": status.n_versions,
        "champion": status.champion.number if status.champion else None,
        "n_inspections": status.n_inspections,
        "n_reviews_open": status.n_reviews_open,
        "n_waiting_for_image": status.n_waiting_for_image,
        "n_verdicts": status.n_verdicts,
        "n_new_labels": status.n_new_labels,
        "accuracy": {
            "value": evaluation.value if evaluation else None,
            "low": evaluation.ci_low if evaluation else None,
            "high": evaluation.ci_high if evaluation else None,
            "n": evaluation.n if evaluation else 0,
            "lower_bound": evaluation.lower_bound if evaluation else None,
            "method": evaluation.method if evaluation else None,
            "provisional": evaluation.provisional if evaluation else None,
        },
        "naive_accuracy": evaluation.naive_value if evaluation else None,
        "runs": status.runs_by_status,
        "promotions": status.n_promotions,
        "alerts": [alert.message for alert in status.alerts],
        "state": status.state,
        "why": status.why,
    }
