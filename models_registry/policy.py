"""When to retrain and whom to promote: pure decisions that say why in one sentence (STATISTICS §3.2 and §3.3).

Retraining: any cause will do, every guard must pass. Promotion: every guard must pass; one that shows harm refuses, one
that merely lacks evidence waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from models_registry.comparison import ClassGain, PairedComparison

Outcome = Literal["promote", "wait", "refuse"]

MINUS = "\N{MINUS SIGN}"
HARM = 0.05
"""A rise of escapes that is at most so probable without harm refuses a candidate."""


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition that must hold, and how it stands in one sentence."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True)
class RetrainingFacts:
    """How things stand. `min_class_labels`: of the rarest class that would be trained. Times are aware."""

    n_new_labels: int  # since the last dataset was frozen
    n_labels_total: int
    n_classes_with_labels: int
    min_class_labels: int
    active_run: bool
    last_finished_at: datetime | None
    last_failed_at: datetime | None
    n_runs_this_month: int


@dataclass(frozen=True, slots=True)
class RetrainingRules:
    """Thresholds. `monthly_budget` in runs, None for no limit. Raises ValueError for a value out of range."""

    enabled: bool
    min_new_labels: int
    min_total_labels: int
    min_classes: int
    min_per_class: int
    cooldown: timedelta
    monthly_budget: int | None

    def __post_init__(self) -> None:
        if min(self.min_new_labels, self.min_total_labels, self.min_classes, self.min_per_class) < 1:
            raise ValueError("every minimum of labels and classes is at least 1")
        if self.cooldown < timedelta(0) or (self.monthly_budget or 0) < 0:
            raise ValueError("neither the cooldown nor the monthly budget is negative")


@dataclass(frozen=True, slots=True)
class Decision:
    """`cause` names what asks for a run, also while a guard holds it back; None when nothing does."""

    retrain: bool
    cause: str | None
    reason: str
    guards: tuple[Guard, ...] = ()


@dataclass(frozen=True, slots=True)
class PromotionRules:
    """Margins are shares that the lower ends of gain and of recall gain stay above minus of.

    Raises ValueError for a share outside [0, 1].
    """

    automatic: bool
    margin: float
    require_superiority: bool
    class_margin: float
    min_items: int
    min_first_accuracy: float | None

    def __post_init__(self) -> None:
        if not 0 <= self.margin <= 1 or not 0 <= self.class_margin <= 1:
            raise ValueError("margins lie between 0 and 1")
        if self.min_first_accuracy is not None and not 0 <= self.min_first_accuracy <= 1:
            raise ValueError("min_first_accuracy lies between 0 and 1")


@dataclass(frozen=True, slots=True)
class PromotionDecision:
    outcome: Outcome
    reason: str
    guards: tuple[Guard, ...] = ()


@dataclass(frozen=True, slots=True)
class _Finding:
    """A guard, and what follows when it fails."""

    guard: Guard
    if_failed: Outcome


def decide_retraining(facts: RetrainingFacts, rules: RetrainingRules, *, now: datetime) -> Decision:
    """Whether to train now. `now` is aware. Every guard is evaluated, so that a page can show them all."""
    causes = _causes(facts, rules)
    guards = _retraining_guards(facts, rules, now)
    cause = next((cause for cause in causes if cause.passed), None)
    held_back = next((guard for guard in guards if not guard.passed), None)
    why = held_back if held_back and (cause or not rules.enabled) else cause or causes[0]
    return Decision(
        retrain=cause is not None and held_back is None,
        cause=cause.name if cause else None,
        reason=why.detail,
        guards=guards,
    )


def _causes(facts: RetrainingFacts, rules: RetrainingRules) -> tuple[Guard, ...]:
    """What may ask for a run; the first that does is named. More causes go to the end."""
    n, needed = facts.n_new_labels, rules.min_new_labels
    if n >= needed:
        return (Guard("new_labels", True, f"{_count(n, 'new label')} since the last dataset, {needed} needed."),)
    return (Guard("new_labels", False, f"Waiting for new labels: {n} of {needed}."),)


def _retraining_guards(facts: RetrainingFacts, rules: RetrainingRules, now: datetime) -> tuple[Guard, ...]:
    n, n_classes, rarest = facts.n_labels_total, facts.n_classes_with_labels, facts.min_class_labels
    return (
        Guard("enabled", rules.enabled, f"Automatic retraining is {'on' if rules.enabled else 'off'} for this model."),
        Guard(
            "total_labels",
            n >= rules.min_total_labels,
            f"{_count(n, 'label')} in all, {rules.min_total_labels} needed.",
        ),
        Guard(
            "classes",
            n_classes >= rules.min_classes,
            f"{_count(n_classes, 'class', 'classes')} with labels, {rules.min_classes} needed.",
        ),
        Guard(
            "per_class",
            rarest >= rules.min_per_class,
            f"The rarest class has {_count(rarest, 'label')}, {rules.min_per_class} needed.",
        ),
        Guard("no_active_run", not facts.active_run, f"{'A' if facts.active_run else 'No'} run is active."),
        _cooldown_guard(facts, rules, now),
        _budget_guard(facts, rules),
    )


def _cooldown_guard(facts: RetrainingFacts, rules: RetrainingRules, now: datetime) -> Guard:
    """A failed run cools down too: what made it fail is rarely gone a minute later."""
    ends = [at for at in (facts.last_finished_at, facts.last_failed_at) if at is not None]
    if not ends:
        return Guard("cooldown", True, "No run has ended yet.")
    left = max(ends) + rules.cooldown - now
    ago = _duration(now - max(ends))
    if left > timedelta(0):
        return Guard("cooldown", False, f"The last run ended {ago} ago, the next may start in {_duration(left)}.")
    return Guard("cooldown", True, f"The last run ended {ago} ago, {_duration(rules.cooldown)} needed.")


def _budget_guard(facts: RetrainingFacts, rules: RetrainingRules) -> Guard:
    n, budget = facts.n_runs_this_month, rules.monthly_budget
    if budget is None:
        return Guard("monthly_budget", True, f"{_count(n, 'run')} this month, no limit.")
    return Guard("monthly_budget", n < budget, f"{_count(n, 'run')} this month, {budget} allowed.")


def decide_promotion(
    comparison: PairedComparison | None,
    rules: PromotionRules,
    *,
    has_champion: bool,
    first_accuracy: float | None = None,
) -> PromotionDecision:
    """Whether a candidate becomes champion.

    `refuse`: a guard shows harm. `wait`: too little evidence, or every guard passed but a person decides.
    `first_accuracy`: what a first version reached on the hold-out, read only when there is no champion.
    Each guarded class must pass on its own 95 % interval; since all must pass, no correction for their number is due
    (intersection-union test, Berger 1982).
    """
    if not has_champion:
        return _decide_first(rules, first_accuracy)
    if comparison is None or comparison.gain is None:
        return PromotionDecision("wait", "A person decides: there is no comparison with the champion.")
    findings = _findings(comparison, rules)
    guards = tuple(finding.guard for finding in findings)
    failed = [finding for finding in findings if not finding.guard.passed]
    if failed and failed[0].guard.name == "min_items":
        return PromotionDecision("wait", failed[0].guard.detail, guards)
    worst = next((one for one in failed if one.if_failed == "refuse"), failed[0] if failed else None)
    if worst is not None:
        return PromotionDecision(worst.if_failed, worst.guard.detail, guards)
    if not rules.automatic:
        return PromotionDecision("wait", "Every guard passed, a person decides: automatic promotion is off.", guards)
    return PromotionDecision("promote", f"{_fixed_and_broken(comparison)}, gain {_interval(comparison)}.", guards)


def _decide_first(rules: PromotionRules, accuracy: float | None) -> PromotionDecision:
    guards: tuple[Guard, ...] = ()
    if rules.min_first_accuracy is not None:
        needed = f"{100 * rules.min_first_accuracy:.1f} % needed of a first version"
        if accuracy is None:
            detail = f"Not measurable yet: {needed}."
            return PromotionDecision("wait", detail, (Guard("first_accuracy", False, detail),))
        passed = accuracy >= rules.min_first_accuracy
        guards = (Guard("first_accuracy", passed, f"Hold-out accuracy is {100 * accuracy:.1f} %, {needed}."),)
        if not passed:
            return PromotionDecision("refuse", guards[0].detail, guards)
    if rules.automatic:
        return PromotionDecision("promote", "The first version: there is no champion to compare with.", guards)
    return PromotionDecision("wait", "The first version, a person decides: automatic promotion is off.", guards)


def _findings(comparison: PairedComparison, rules: PromotionRules) -> list[_Finding]:
    gain, low = comparison.gain or 0.0, comparison.ci_low if comparison.ci_low is not None else -1.0
    margin = f"the lower end must stay above {_points(-rules.margin)}"
    findings = [
        _Finding(_items_guard(comparison.n, rules.min_items), "wait"),
        _Finding(Guard("gain", gain > 0, f"{_fixed_and_broken(comparison)}, gain {_points(gain)} points."), "refuse"),
        _Finding(Guard("margin", low > -rules.margin, f"Gain {_interval(comparison)}, {margin}."), "wait"),
    ]
    if rules.require_superiority:
        above_0 = f"Gain {_interval(comparison)}, the lower end must be above 0."
        findings.append(_Finding(Guard("superiority", low > 0, above_0), "wait"))
    findings += _calibration_findings(comparison)
    return findings + [_class_finding(one, rules.class_margin) for one in comparison.classes if one.guarded]


def _items_guard(n: int, needed: int) -> Guard:
    if n >= needed:
        return Guard("min_items", True, f"{_count(n, 'inspection')} compared, {needed} needed.")
    return Guard("min_items", False, f"Not measurable yet: {_count(n, 'inspection')} compared, {needed} needed.")


def _class_finding(one: ClassGain, margin: float) -> _Finding:
    """Harm is a rise of escapes beyond the margin, or a loss of recall where no class is known to be good; an interval
    that reaches beyond it is a lack of evidence."""
    if one.escapes is not None and one.escapes_high is not None:
        return _escape_finding(one, one.escapes, one.escapes_high, margin)
    name, allowed = f"class:{one.label}", f"{_points(margin)} points are allowed"
    if one.gain is None or one.ci_low is None:
        unknown = f"Recall of {one.label} is not measurable yet: no inspection of it."
        return _Finding(Guard(name, False, unknown), "wait")
    if one.ci_low > -margin:
        kept = f"Recall of {one.label} changed by {_points(one.gain)} points, a loss of {allowed}."
        return _Finding(Guard(name, True, kept), "wait")
    if one.gain < -margin:
        lost = f"Recall of {one.label} fell by {_points(-one.gain)} points on {_count(one.n, 'inspection')}, {allowed}."
        return _Finding(Guard(name, False, lost), "refuse")
    maybe = f"Recall of {one.label} may have fallen by up to {_points(-one.ci_low)} points, {allowed}"
    return _Finding(Guard(name, False, f"{maybe}: {_count(one.n, 'inspection')} cannot tell."), "wait")


def _escape_finding(one: ClassGain, change: float, high: float, margin: float) -> _Finding:
    """Several classes are looked at, so harm is one that stands after Holm's correction for their number."""
    name, allowed = f"class:{one.label}", f"{_points(margin)} points are allowed"
    if high < margin:
        kept = f"Escapes of {one.label} changed by {_points(change)} points, a rise of {allowed}."
        return _Finding(Guard(name, True, kept), "wait")
    if one.p_harm is not None and one.p_harm <= HARM:
        rose = f"Escapes of {one.label} rose by {_points(change)} points on {_count(one.n, 'inspection')}, {allowed}."
        return _Finding(Guard(name, False, rose), "refuse")
    maybe = f"Escapes of {one.label} may have risen by up to {_points(high)} points, {allowed}"
    return _Finding(Guard(name, False, f"{maybe}: {_count(one.n, 'inspection')} cannot tell."), "wait")


def _calibration_findings(comparison: PairedComparison) -> list[_Finding]:
    """The candidate's confidence must not be shown to be worse: routing and the draw rest on it."""
    loss = comparison.calibration
    if loss is None or loss.gain is None or loss.ci_low is None or loss.ci_high is None:
        return []
    span = f"{loss.gain:+.4f} ({loss.ci_low:+.4f} to {loss.ci_high:+.4f})".replace("-", MINUS)
    detail = f"The Brier score of its confidence changed by {span}, more is worse."
    return [_Finding(Guard("calibration", loss.ci_low <= 0, detail), "wait")]


def _fixed_and_broken(comparison: PairedComparison) -> str:
    n = _count(comparison.n, "inspection")
    return f"The candidate fixes {comparison.n_fixed} and breaks {comparison.n_broken} of {n}"


def _interval(comparison: PairedComparison) -> str:
    gain, low, high = comparison.gain or 0.0, comparison.ci_low or 0.0, comparison.ci_high or 0.0
    return f"{_points(gain)} points (95 % interval {_points(low)} to {_points(high)})"


def _points(share: float) -> str:
    """A difference of shares in percentage points, with a proper minus sign."""
    text = f"{100 * share:.1f}"
    return "0.0" if float(text) == 0 else text.replace("-", MINUS)


def _count(n: int, one: str, many: str | None = None) -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def _duration(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes / 60:.0f} h" if minutes < 48 * 60 else f"{minutes / (24 * 60):.0f} days"
