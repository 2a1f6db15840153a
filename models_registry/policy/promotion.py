"""Whom to promote (STATISTICS §3.3): every guard must pass; one that shows harm refuses, one that merely lacks evidence
waits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from models_registry.comparison import PairedComparison
from models_registry.policy.findings import (
    Burden,
    Finding,
    Outcome,
    burden_findings,
    calibration_findings,
    class_finding,
    confidence_findings,
    fixed_and_broken,
    interval,
    items_guard,
    source_finding,
)
from models_registry.policy.guards import Guard, points

UNMEASURED = Burden()


@dataclass(frozen=True, slots=True)
class PromotionRules:
    """Margins are shares that the lower ends of gain and of recall gain stay above minus of.

    `source_margin`: the loss of accuracy that one camera may have, None for no guard. `min_live_items`: judged parts of
    the line on which both must be compared, 0 where the hold-out is enough. Milliseconds an image and megabytes, None
    for no limit. Raises ValueError for a share outside [0, 1] or a count below 0.
    """

    automatic: bool
    margin: float
    require_superiority: bool
    class_margin: float
    min_items: int
    min_first_accuracy: float | None
    source_margin: float | None = None
    min_live_items: int = 0
    max_latency_ms: float | None = None
    max_size_mb: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.margin <= 1 or not 0 <= self.class_margin <= 1:
            raise ValueError("margins lie between 0 and 1")
        if self.min_first_accuracy is not None and not 0 <= self.min_first_accuracy <= 1:
            raise ValueError("min_first_accuracy lies between 0 and 1")
        if (self.source_margin is not None and not 0 <= self.source_margin <= 1) or self.min_live_items < 0:
            raise ValueError("the margin of cameras lies between 0 and 1, live inspections are counted from 0")


@dataclass(frozen=True, slots=True)
class PromotionDecision:
    outcome: Outcome
    reason: str
    guards: tuple[Guard, ...] = ()


def decide_promotion(
    comparison: PairedComparison | None,
    rules: PromotionRules,
    *,
    has_champion: bool,
    first_accuracy: float | None = None,
    live: PairedComparison | None = None,
    burden: Burden = UNMEASURED,
    same_model: bool = False,
) -> PromotionDecision:
    """Whether a candidate becomes champion.

    `comparison` on the hold-out, `live` on parts of the line; where the hold-out says nothing (a version from
    elsewhere), what the line says is enough if the rules ask for it.
    `refuse`: a guard shows harm. `wait`: too little evidence, or every guard passed but a person decides.
    `same_model`: the candidate is the champion with its confidence fitted anew: it says the same, and what has to be
    better is its confidence.
    `first_accuracy`: what a first version reached on the hold-out, read only when there is no champion.
    Each guarded class must pass on its own 95 % interval; since all must pass, no correction for their number is due
    (intersection-union test, Berger 1982).
    """
    heavy = burden_findings(burden, max_latency_ms=rules.max_latency_ms, max_size_mb=rules.max_size_mb)
    if not has_champion:
        return _decide_first(rules, first_accuracy, heavy)
    on_the_line = _of_the_line(live, rules)
    if comparison is None or comparison.gain is None:
        if not rules.min_live_items:
            return PromotionDecision("wait", "A person decides: there is no comparison with the champion.")
        return _decided(on_the_line + heavy, rules, live)
    findings = _findings(comparison, rules, same_model)
    if not findings[0].guard.passed:
        guards = tuple(one.guard for one in findings + on_the_line + heavy)
        return PromotionDecision("wait", findings[0].guard.detail, guards)
    return _decided(findings + on_the_line + heavy, rules, comparison)


def _decided(findings: list[Finding], rules: PromotionRules, comparison: PairedComparison | None) -> PromotionDecision:
    guards = tuple(finding.guard for finding in findings)
    failed = [finding for finding in findings if not finding.guard.passed]
    worst = next((one for one in failed if one.if_failed == "refuse"), failed[0] if failed else None)
    if worst is not None:
        return PromotionDecision(worst.if_failed, worst.guard.detail, guards)
    if not rules.automatic or comparison is None:
        return PromotionDecision("wait", "Every guard passed, a person decides: automatic promotion is off.", guards)
    return PromotionDecision("promote", f"{fixed_and_broken(comparison)}, gain {interval(comparison)}.", guards)


def _decide_first(rules: PromotionRules, accuracy: float | None, heavy: list[Finding]) -> PromotionDecision:
    guards = tuple(one.guard for one in heavy)
    if rules.min_first_accuracy is not None:
        needed = f"{100 * rules.min_first_accuracy:.1f} % needed of a first version"
        if accuracy is None:
            detail = f"Not measurable yet: {needed}."
            return PromotionDecision("wait", detail, (Guard("first_accuracy", False, detail), *guards))
        passed = accuracy >= rules.min_first_accuracy
        reached = f"Hold-out accuracy is {100 * accuracy:.1f} %, {needed}."
        guards = (Guard("first_accuracy", passed, reached), *guards)
        if not passed:
            return PromotionDecision("refuse", guards[0].detail, guards)
    if too_heavy := next((one for one in heavy if not one.guard.passed), None):
        return PromotionDecision(too_heavy.if_failed, too_heavy.guard.detail, guards)
    if rules.automatic:
        return PromotionDecision("promote", "The first version: there is no champion to compare with.", guards)
    return PromotionDecision("wait", "The first version, a person decides: automatic promotion is off.", guards)


def _findings(comparison: PairedComparison, rules: PromotionRules, same_model: bool) -> list[Finding]:
    if same_model:
        return [Finding(items_guard(comparison.n, rules.min_items), "wait"), *confidence_findings(comparison)]
    gain, low = comparison.gain or 0.0, comparison.ci_low if comparison.ci_low is not None else -1.0
    findings = [
        Finding(items_guard(comparison.n, rules.min_items), "wait"),
        Finding(Guard("gain", gain > 0, f"{fixed_and_broken(comparison)}, gain {points(gain)} points."), "refuse"),
        _margin_finding(comparison, rules.margin),
    ]
    if rules.require_superiority:
        above_0 = f"Gain {interval(comparison)}, the lower end must be above 0."
        findings.append(Finding(Guard("superiority", low > 0, above_0), "wait"))
    return findings + calibration_findings(comparison) + _of_parts(comparison, rules)


def _margin_finding(comparison: PairedComparison, margin: float) -> Finding:
    low = comparison.ci_low if comparison.ci_low is not None else -1.0
    detail = f"Gain {interval(comparison)}, the lower end must stay above {points(-margin)}."
    return Finding(Guard("margin", low > -margin, detail), "wait")


def _of_parts(comparison: PairedComparison, rules: PromotionRules) -> list[Finding]:
    """Class by class and camera by camera."""
    harm = 1 - comparison.confidence
    found = [class_finding(one, rules.class_margin, harm) for one in comparison.classes if one.guarded]
    if rules.source_margin is not None:
        found += [source_finding(one, rules.source_margin, harm) for one in comparison.sources]
    return found


def _of_the_line(live: PairedComparison | None, rules: PromotionRules) -> list[Finding]:
    """What the line says. Where the rules do not ask for it, it can only show harm; a lack of evidence is none."""
    needed = rules.min_live_items
    if live is None or live.gain is None:
        none = Guard("live_items", False, f"Nothing was compared on the line yet, {_needed(needed)}.")
        return [Finding(none, "wait")] if needed else []
    items = items_guard(live.n, needed)
    found = [Finding(replace(items, name="live_items"), "wait")] if needed else []
    is_harm = (live.ci_high if live.ci_high is not None else 1.0) < 0
    if is_harm:
        worse = f"On the line it is worse: gain {interval(live)}."
        found.append(Finding(Guard("live_gain", False, worse), "refuse"))
    others = [_margin_finding(live, rules.margin), *_of_parts(live, rules)]
    if not needed:
        others = [one for one in others if one.guard.passed or one.if_failed == "refuse"]
    return found + [_on_the_line(one) for one in others]


def _on_the_line(one: Finding) -> Finding:
    guard = Guard(f"live_{one.guard.name}", one.guard.passed, f"On the line: {one.guard.detail}")
    return replace(one, guard=guard)


def _needed(n: int) -> str:
    return f"{n:,} inspections needed"
