"""What a run's page shows: why it started, its steps, its data, the comparison and the decision."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from models_registry.charts import Range, Scale, gain_range, gain_scale
from models_registry.comparison.told import ConfusionCell, confusions
from models_registry.models import Comparison, Dataset, ModelVersion, Promotion, TrainingRun, TrainingStep
from models_registry.run_cost import RunCost, cost_of
from models_registry.run_curves import Curves, curves_of
from models_registry.services.comparison_pairs import pairs_of
from models_registry.time_left import StepSoFar, in_words, time_left
from reviewapp.errors import ReviewAppError

Confusions = Sequence[tuple[str, Sequence[ConfusionCell]]]

MOST_COMPARISONS = 10


@dataclass(frozen=True, slots=True)
class StepRow:
    step: TrainingStep
    took: timedelta | None
    n_passed: int

    @property
    def kind(self) -> str:
        """How it looks."""
        return {"waiting": "todo", "running": "now"}.get(self.step.status, self.step.status)


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """``about`` is in whole minutes; None: less than one."""

    about: timedelta | None


@dataclass(frozen=True, slots=True)
class Progress:
    """What moves while a run is active: htmx asks for this part again and again."""

    run: TrainingRun
    steps: Sequence[StepRow]
    n_done: int
    current: TrainingStep | None
    share: float
    took: timedelta | None
    left: TimeLeft | None
    curves: Curves | None
    fingerprint: str


@dataclass(frozen=True, slots=True)
class ClassRow:
    name: str
    n: int
    gain: float | None
    low: float | None
    high: float | None
    range: Range


@dataclass(frozen=True, slots=True)
class Example:
    part: str
    item: str | None
    truth: str
    champion: str
    candidate: str
    confidence: float | None
    is_broken: bool


@dataclass(frozen=True, slots=True)
class DataRow:
    name: str
    n: int
    n_new: int | None


@dataclass(frozen=True, slots=True)
class Refit:
    """Log loss (nats) of a confidence that was fitted anew, on the ``n`` parts that it was fitted to."""

    before: float
    after: float
    n: int


@dataclass(frozen=True, slots=True)
class RunPage:
    progress: Progress
    run: TrainingRun
    state: str
    version: ModelVersion | None
    comparison: Comparison | None
    scale: Scale
    overall: Range | None
    classes: Sequence[ClassRow]
    broken: Sequence[Example]
    fixed: Sequence[Example]
    data: Sequence[DataRow]
    base: Dataset | None
    base_version: ModelVersion | None
    parent_run: TrainingRun | None
    decision: Promotion | None
    all_guards_passed: bool
    later: Sequence[Comparison]
    confusions: Confusions
    names: Mapping[str, str]
    longest: TrainingStep | None
    cost: RunCost | None
    refit: Refit | None


def run_page(run: TrainingRun, *, now: datetime) -> RunPage:
    version = ModelVersion.objects.filter(training_run=run).first()
    comparison = Comparison.objects.filter(training_run=run).select_related("candidate", "champion").first()
    decision = version.promotions.select_related("decided_by").order_by("pk").first() if version else None
    names = {label.slug: label.display_name for label in run.dataset.label_set.labels.all()}
    scale = gain_scale(_ends(comparison))
    base_version = _compared_with(run, version, comparison)
    base = base_version.training_run.dataset if base_version and base_version.training_run else run.dataset.parent
    examples = [_example(raw, names) for raw in comparison.examples] if comparison else []
    return RunPage(
        progress=run_progress_of(run, now=now, version=version),
        run=run,
        state=run_state(run, version, decision),
        version=version,
        comparison=comparison,
        scale=scale,
        overall=_overall(comparison, scale),
        classes=[_class_row(raw, names, scale) for raw in comparison.classes] if comparison else [],
        broken=[example for example in examples if example.is_broken],
        fixed=[example for example in examples if not example.is_broken],
        data=_data(run, base, names),
        base=base,
        base_version=base_version,
        parent_run=base.runs.order_by("-pk").first() if base else None,
        decision=decision,
        all_guards_passed=comparison is not None and all(guard["passed"] for guard in comparison.guards),
        later=_later(version),
        confusions=_confusions(comparison, names),
        names=names,
        longest=_longest(run),
        cost=cost_of(run, run.steps.all(), now=now),
        refit=_refit(version),
    )


def _refit(version: ModelVersion | None) -> Refit | None:
    metrics = version.metrics if version else {}
    if "recalibrates" not in metrics or "calibration" not in metrics:
        return None
    return Refit(metrics["recalibrates"]["log_loss"], metrics["calibration"]["log_loss"], metrics["calibration"]["n"])


def _confusions(comparison: Comparison | None, names: Mapping[str, str]) -> Confusions:
    """What the champion and the candidate called each label; nothing where it was not kept or cannot be read."""
    try:
        pairs = pairs_of(comparison) if comparison else []
    except ReviewAppError:
        return []
    return confusions(pairs, list(names))


def _compared_with(
    run: TrainingRun, version: ModelVersion | None, comparison: Comparison | None
) -> ModelVersion | None:
    """The champion that the run is to beat or was compared with, if it was trained here on other data."""
    versions = ModelVersion.objects.select_related("training_run__dataset")
    if comparison is not None:
        found = versions.filter(pk=comparison.champion_id).first() if comparison.champion_id else None
    else:
        found = versions.champion_of(run.registered_model) if run.is_active else None
    learned_from = found.training_run.dataset_id if found and found.training_run else None
    return found if learned_from not in (None, run.dataset_id) and found != version else None


def _longest(run: TrainingRun) -> TrainingStep | None:
    """The step that took the most of a finished run's time, where that is worth a word."""
    if run.is_active:
        return None
    took = [
        (step.finished_at - step.started_at, step)
        for step in run.steps.all()
        if step.started_at is not None and step.finished_at is not None
    ]
    longest, step = max(took, key=lambda one: one[0], default=(timedelta(), None))
    return step if longest >= timedelta(seconds=1) else None


def _later(version: ModelVersion | None) -> list[Comparison]:
    """What else the version was compared on: on the line, and on the hold-out with a later champion; newest first."""
    if version is None:
        return []
    others = version.comparisons.filter(training_run=None).select_related("champion", "candidate")
    return list(others.order_by("-pk")[:MOST_COMPARISONS])


def run_state(run: TrainingRun, version: ModelVersion | None, decision: Promotion | None) -> str:
    """The run's status, or for a run that succeeded what became of its version."""
    if run.status != TrainingRun.Status.SUCCEEDED or version is None:
        return run.status
    if decision is not None:
        return "refused" if decision.action == Promotion.Action.REFUSE else "promoted"
    return "waits" if version.stage == ModelVersion.Stage.CANDIDATE else run.status


def run_progress_of(run: TrainingRun, *, now: datetime, version: ModelVersion | None = None) -> Progress:
    """The steps in their order. ``fingerprint`` changes when the part looks different, at the latest after 10 s."""
    steps = list(run.steps.order_by("position"))
    rows = [_step_row(step, run, now) for step in steps]
    n_done = sum(step.status == TrainingStep.Status.DONE for step in steps)
    current = next((s for s in steps if s.status in {TrainingStep.Status.RUNNING, TrainingStep.Status.FAILED}), None)
    took = (run.finished_at or now) - run.started_at if run.started_at else None
    left = _left(run, steps, now) if run.status in {TrainingRun.Status.RUNNING, TrainingRun.Status.WAITING} else None
    shown = [(step.status, round(step.progress, 2), step.detail, step.curves) for step in steps]
    seen = repr((run.status, run.n_attempts, shown, took.total_seconds() // 10 if took else 0))
    return Progress(
        run=run,
        steps=rows,
        n_done=n_done,
        current=current,
        share=(n_done + (current.progress if current else 0.0)) / len(steps) if steps else 0.0,
        took=took,
        left=left,
        curves=curves_of(steps, version),
        fingerprint=hashlib.sha256(seen.encode()).hexdigest()[:16],
    )


def _left(run: TrainingRun, steps: Sequence[TrainingStep], now: datetime) -> TimeLeft | None:
    """By the last run of the same kind that succeeded."""
    alike = TrainingRun.objects.succeeded().filter(
        registered_model=run.registered_model_id, backend=run.backend, recalibrates__isnull=run.recalibrates_id is None
    )
    last = alike.select_related("dataset").order_by("-pk").first()
    n_before = last.dataset.n_train + last.dataset.n_holdout if last else 0
    if last is None or not n_before:
        return None
    before = {
        step.name: step.finished_at - step.started_at
        for step in last.steps.all()
        if step.started_at and step.finished_at
    }
    so_far = [
        StepSoFar(step.name, step.status == "done", step.progress, now - step.started_at if step.started_at else None)
        for step in steps
    ]
    growth = (run.dataset.n_train + run.dataset.n_holdout) / n_before
    left = time_left(so_far, before, growth=growth)
    return None if left is None else TimeLeft(in_words(left))


def _step_row(step: TrainingStep, run: TrainingRun, now: datetime) -> StepRow:
    end = step.finished_at or (now if run.is_active else None)
    took = end - step.started_at if step.started_at and end else None
    return StepRow(step, took, sum(check["passed"] for check in step.checks))


def _ends(comparison: Comparison | None) -> list[float | None]:
    if comparison is None:
        return []
    ends = (raw.get(end) for raw in comparison.classes for end in ("ci_low", "ci_high"))
    return [comparison.ci_low, comparison.ci_high, *ends]


def _overall(comparison: Comparison | None, scale: Scale) -> Range | None:
    if comparison is None or comparison.gain is None:
        return None
    return gain_range(scale, gain=comparison.gain, low=comparison.ci_low, high=comparison.ci_high)


def _class_row(raw: Mapping[str, Any], names: Mapping[str, str], scale: Scale) -> ClassRow:
    gain, low, high = raw.get("gain"), raw.get("ci_low"), raw.get("ci_high")
    name = names.get(raw["label"], raw["label"])
    return ClassRow(name, raw["n"], gain, low, high, gain_range(scale, gain=gain, low=low, high=high))


def _example(raw: Mapping[str, Any], names: Mapping[str, str]) -> Example:
    return Example(
        part=raw["part"],
        item=raw.get("item"),
        truth=names.get(raw["truth"], raw["truth"]),
        champion=names.get(raw["champion"], raw["champion"]),
        candidate=names.get(raw["candidate"], raw["candidate"]),
        confidence=raw.get("confidence"),
        is_broken=raw["kind"] == "broken",
    )


def _data(run: TrainingRun, base: Dataset | None, names: Mapping[str, str]) -> list[DataRow]:
    """Items of each label, and how many more than in ``base``, labels that only it has too; in the order of the set."""
    counts, before = run.dataset.label_counts, base.label_counts if base else {}
    both = {**counts, **before}
    order = [*(slug for slug in names if slug in both), *(slug for slug in both if slug not in names)]
    new = {slug: counts.get(slug, 0) - before.get(slug, 0) for slug in order} if base else {}
    return [DataRow(names.get(slug, slug), counts.get(slug, 0), new.get(slug)) for slug in order]
