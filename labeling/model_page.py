"""What a model's page shows: its status, accuracy over time, confusions, versions, runs, decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db.models import OuterRef, Prefetch, Subquery
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from labeling.accuracy.asked import Asked
from labeling.accuracy.evidence import Watched, of_all_errors
from labeling.accuracy.figures import Standing, standing
from labeling.accuracy.material import material
from labeling.accuracy.matrix import matrix, pareto
from labeling.accuracy.regions import Detection, detection
from labeling.accuracy.sureness import Sureness, sureness
from labeling.charts import AccuracyChart, AccuracyPoint, AlertSpan, Matrix, ParetoChart, accuracy_chart
from labeling.declared import declarations
from labeling.models import DeclaredSample
from labeling.status import ModelStatus, model_status
from models_registry.charts import ACCURACY_WIDTH, Range, Scale, accuracy_scale, gain_range, gain_scale
from models_registry.models import (
    Alert,
    Comparison,
    Evaluation,
    ModelVersion,
    Promotion,
    RegisteredModel,
    RetrainingDecision,
    TrainingRun,
)
from models_registry.templatetags.figures import accuracy_state, number, percent, shown_low

MOST_ESTIMATES = 2_000
MOST_ROWS = 12
MOST_ALERTS = 200
Action = Promotion.Action


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version, what it learned from, how it compared, and how it does on the line."""

    version: ModelVersion
    evaluation: Evaluation | None
    comparison: Comparison | None
    gain: Range | None
    run: TrainingRun | None


@dataclass(frozen=True, slots=True)
class ModelPage:
    status: ModelStatus
    target: float | None
    declared: Sequence[tuple[DeclaredSample, Evaluation]]
    chart: AccuracyChart | None
    chart_words: str
    asked: Asked
    figures: Standing | None
    matrix: Matrix | None
    pareto: ParetoChart | None
    pareto_words: str
    sureness: Sureness | None
    detection: Detection | None
    watched: Watched | None
    versions: Sequence[VersionRow]
    accuracy_scale: Scale
    gain_scale: Scale
    runs: Sequence[TrainingRun]
    promotions: Sequence[Promotion]
    decisions: Sequence[RetrainingDecision]
    champion_since: datetime | None
    goes_back_to: ModelVersion | None


def model_page(asked: Asked, *, now: datetime) -> ModelPage:
    registered_model, found = asked.registered_model, material(asked)
    status = model_status(registered_model, now=now)
    promotions = list(
        Promotion.objects.filter(registered_model=registered_model)
        .select_related("version", "replaced", "comparison", "decided_by")
        .order_by("-decided_at", "-pk")
    )
    evaluations, comparisons = _versions(registered_model)
    ends = [end for c in comparisons.values() for end in (c.ci_low, c.ci_high)]
    gains = gain_scale(ends, width=ACCURACY_WIDTH)
    arrival = _arrival(status.champion, promotions)
    points, alerts = _points(registered_model, promotions), _alerts(registered_model)
    chart = accuracy_chart(points, target=registered_model.target_accuracy, alerts=alerts)
    escaping = pareto(found) if found else None
    return ModelPage(
        status=status,
        target=registered_model.target_accuracy,
        declared=declarations(status.champion),
        chart=chart,
        chart_words=_in_words(chart),
        asked=asked,
        figures=standing(found) if found else None,
        matrix=matrix(found) if found else None,
        pareto=escaping,
        pareto_words=_escapes_in_words(escaping),
        sureness=sureness(found) if found else None,
        detection=detection(found) if found else None,
        watched=of_all_errors(found.version) if found else None,
        versions=[_version_row(v, e, comparisons.get(v.pk), gains) for v, e in evaluations],
        accuracy_scale=accuracy_scale([*(shown_low(e) for __, e in evaluations), registered_model.target_accuracy]),
        gain_scale=gains,
        runs=list(
            registered_model.runs.select_related("dataset", "requested_by", "version", "recalibrates")[:MOST_ROWS]
        ),
        promotions=promotions[:MOST_ROWS],
        decisions=list(registered_model.retraining_decisions.select_related("run")[:MOST_ROWS]),
        champion_since=arrival.decided_at if arrival else None,
        goes_back_to=arrival.replaced if arrival else None,
    )


def _in_words(chart: AccuracyChart | None) -> str:
    """The chart as a sentence, for who cannot see it. The table behind it has the rest."""
    if chart is None:
        return ""
    first, last = chart.points[0], chart.points[-1]
    days = {"start": date_format(first.at, "j F"), "end": date_format(last.at, "j F")}
    if last.bound is not None:
        return _("Accuracy from %(start)s to %(end)s. Now at least %(low)s.") % {**days, "low": percent(last.bound)}
    ends = {"value": percent(last.value), "low": number(last.low), "high": number(last.high)}
    text = _("Accuracy from %(start)s to %(end)s with its 95 %% interval. Now %(value)s, %(low)s to %(high)s.")
    return text % {**days, **ends}


def _escapes_in_words(chart: ParetoChart | None) -> str:
    if chart is None:
        return ""
    shares = [
        f"{bar.label.name} {percent(bar.share.value, 0) if bar.share.is_estimate else bar.share.n}"
        for bar in chart.bars
    ]
    return _("Escaped defects by class: %(shares)s.") % {"shares": ", ".join(shares)}


def _alerts(registered_model: RegisteredModel) -> list[AlertSpan]:
    """When the accuracy was in doubt, oldest first."""
    rows = Alert.objects.filter(registered_model=registered_model, kind=Alert.Kind.ACCURACY).order_by("opened_at", "pk")
    return [
        AlertSpan(opened, resolved) for opened, resolved in rows.values_list("opened_at", "resolved_at")[:MOST_ALERTS]
    ]


def _versions(
    registered_model: RegisteredModel,
) -> tuple[list[tuple[ModelVersion, Evaluation | None]], dict[int, Comparison]]:
    """The newest versions, each with its newest estimate, and the newest comparison of each."""
    newest = Evaluation.objects.filter(model_version=OuterRef("pk"), slice="").order_by("-evaluated_at", "-pk")
    by_age = Prefetch("comparisons", queryset=Comparison.objects.select_related("champion").order_by("pk"))
    versions = list(
        registered_model.versions.select_related("training_run__dataset")
        .prefetch_related(by_age, "aliases")
        .annotate(newest_evaluation=Subquery(newest.values("pk")[:1]))
        .order_by("-number")[:MOST_ROWS]
    )
    keys = {version.pk: getattr(version, "newest_evaluation", None) for version in versions}
    found = Evaluation.objects.in_bulk([key for key in keys.values() if key])
    comparisons = {comparison.candidate_id: comparison for v in versions for comparison in v.comparisons.all()}
    return [(version, found.get(keys[version.pk] or 0)) for version in versions], comparisons


def _version_row(
    version: ModelVersion, evaluation: Evaluation | None, comparison: Comparison | None, scale: Scale
) -> VersionRow:
    gain = None
    if comparison is not None and comparison.gain is not None:
        gain = gain_range(scale, gain=comparison.gain, low=comparison.ci_low, high=comparison.ci_high)
    return VersionRow(version, evaluation, comparison, gain, version.training_run)


def _arrival(champion: ModelVersion | None, promotions: Sequence[Promotion]) -> Promotion | None:
    """The decision that made the champion what it is. ``promotions`` are newest first."""
    ours = (p for p in promotions if champion and p.version_id == champion.pk and p.action != Action.REFUSE)
    return next(ours, None)


def _points(registered_model: RegisteredModel, promotions: Sequence[Promotion]) -> list[AccuracyPoint]:
    """The estimates of whichever version was the champion then, oldest first."""
    reigns = _reigns(promotions)
    rows = (
        Evaluation.objects.filter(model_version__registered_model=registered_model, slice="")
        .exclude(model_version__stage__in=["candidate", "rejected", "observed"])
        .select_related("model_version")
        .defer("confusion", "designs", "inputs_hash")
        .order_by("-evaluated_at", "-pk")[:MOST_ESTIMATES]
    )
    reigned = partial(_reigned, reigns)
    return [_point(row) for row in reversed(rows) if reigned(row)]


def _reigns(promotions: Sequence[Promotion]) -> list[tuple[datetime, datetime | None, int]]:
    """From, until and version of each reign that a decision began. ``promotions`` are newest first."""
    begun = [(p.decided_at, p.version_id) for p in reversed(promotions) if p.action != Action.REFUSE]
    ends = [*(start for start, __ in begun[1:]), None]
    return [(start, end, version) for (start, version), end in zip(begun, ends, strict=False)]


def _reigned(reigns: Sequence[tuple[datetime, datetime | None, int]], row: Evaluation) -> bool:
    """Whether the version was the champion then. Before the first decision whoever was measured was it."""
    if not reigns or row.evaluated_at < reigns[0][0]:
        return not reigns or row.model_version_id != reigns[0][2]
    return any(
        version == row.model_version_id and start <= row.evaluated_at and (end is None or row.evaluated_at < end)
        for start, end, version in reigns
    )


def _point(row: Evaluation) -> AccuracyPoint:
    state = accuracy_state(row)
    is_estimate = state == "estimate"
    return AccuracyPoint(
        at=row.evaluated_at,
        version=row.model_version.short_name,
        n=row.n,
        value=row.value if is_estimate else None,
        low=row.ci_low if is_estimate else None,
        high=row.ci_high if is_estimate else None,
        bound=row.lower_bound if state == "bound" else None,
        naive=row.naive_value,
        label_free=row.label_free,
    )
