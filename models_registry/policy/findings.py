"""How a comparison stands against each guard, and what follows where it fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from models_registry.comparison import ClassGain, Gain, PairedComparison, SourceGain
from models_registry.policy.guards import MINUS, Guard, count, points

Outcome = Literal["promote", "wait", "refuse"]

FEWEST_OF_A_SOURCE = 20
"""Inspections of one camera below which its loss is said and holds nothing up: it would hold up everything."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A guard, and what follows when it fails."""

    guard: Guard
    if_failed: Outcome


@dataclass(frozen=True, slots=True)
class Burden:
    """What a candidate asks of the machine: milliseconds an image, megabytes of its file; None: nobody measured it."""

    latency_ms: float | None = None
    size_mb: float | None = None


def items_guard(n: int, needed: int) -> Guard:
    if n >= needed:
        return Guard("min_items", True, f"{count(n, 'inspection')} compared, {needed} needed.")
    return Guard("min_items", False, f"Not measurable yet: {count(n, 'inspection')} compared, {needed} needed.")


def class_finding(one: ClassGain, margin: float, harm: float) -> Finding:
    """Harm is a rise of escapes beyond the margin, or a loss of recall where no class is known to be good; an interval
    that reaches beyond it is a lack of evidence."""
    if one.escapes is not None and one.escapes_high is not None:
        return _escape_finding(one, one.escapes, one.escapes_high, margin, harm)
    name, allowed = f"class:{one.label}", f"{points(margin)} points are allowed"
    if one.gain is None or one.ci_low is None:
        unknown = f"Recall of {one.label} is not measurable yet: no inspection of it."
        return Finding(Guard(name, False, unknown), "wait")
    if one.ci_low > -margin:
        kept = f"Recall of {one.label} changed by {points(one.gain)} points, a loss of {allowed}."
        return Finding(Guard(name, True, kept), "wait")
    if one.gain < -margin:
        lost = f"Recall of {one.label} fell by {points(-one.gain)} points on {count(one.n, 'inspection')}, {allowed}."
        return Finding(Guard(name, False, lost), "refuse")
    maybe = f"Recall of {one.label} may have fallen by up to {points(-one.ci_low)} points, {allowed}"
    return Finding(Guard(name, False, f"{maybe}: {count(one.n, 'inspection')} cannot tell."), "wait")


def _escape_finding(one: ClassGain, change: float, high: float, margin: float, harm: float) -> Finding:
    """Several classes are looked at, so harm is one that stands after Holm's correction for their number."""
    name, allowed = f"class:{one.label}", f"{points(margin)} points are allowed"
    if high < margin:
        kept = f"Escapes of {one.label} changed by {points(change)} points, a rise of {allowed}."
        return Finding(Guard(name, True, kept), "wait")
    if one.p_harm is not None and one.p_harm <= harm:
        rose = f"Escapes of {one.label} rose by {points(change)} points on {count(one.n, 'inspection')}, {allowed}."
        return Finding(Guard(name, False, rose), "refuse")
    maybe = f"Escapes of {one.label} may have risen by up to {points(high)} points, {allowed}"
    return Finding(Guard(name, False, f"{maybe}: {count(one.n, 'inspection')} cannot tell."), "wait")


def calibration_findings(comparison: PairedComparison) -> list[Finding]:
    """The candidate's confidence must not be shown to be worse: routing and the draw rest on it."""
    loss = comparison.calibration
    if loss is None or loss.gain is None or loss.ci_low is None or loss.ci_high is None:
        return []
    return [Finding(Guard("calibration", loss.ci_low <= 0, f"{_brier(loss)}, more is worse."), "wait")]


def confidence_findings(comparison: PairedComparison) -> list[Finding]:
    """Of the champion with its confidence fitted anew: it says the same of every inspection, and is surer where it is
    right or less sure where it is wrong."""
    n, changed = count(comparison.n, "inspection"), comparison.n_fixed + comparison.n_broken
    same = Guard("same_words", changed == 0, f"It says something else of {changed} of {n}; it is the same model.")
    loss = comparison.calibration
    if loss is None or loss.gain is None:
        unknown = "Whether its confidence is better is not measurable: a model's scores are no probabilities."
        return [Finding(same, "refuse"), Finding(Guard("confidence", False, unknown), "wait")]
    better = Guard("confidence", loss.gain < 0, f"{_brier(loss)}, it has to fall.")
    return [Finding(same, "refuse"), Finding(better, "refuse"), *calibration_findings(comparison)]


def _brier(loss: Gain) -> str:
    span = f"{loss.gain or 0:+.4f} ({loss.ci_low or 0:+.4f} to {loss.ci_high or 0:+.4f})".replace("-", MINUS)
    return f"The Brier score of its confidence changed by {span}"


def source_finding(one: SourceGain, margin: float, harm: float) -> Finding:
    """Shown harm refuses. A loss beyond the margin that chance may have made waits, if the parts are more than a few;
    no camera need prove that it lost nothing, or a plant with many of them would promote nobody."""
    name, allowed = f"source:{one.source}", f"{points(margin)} points are allowed"
    gain, n = one.gain or 0.0, count(one.n, "inspection")
    if one.p_harm <= harm:
        fell = f"Accuracy at {one.source} fell by {points(-gain)} points on {n}, {allowed}."
        return Finding(Guard(name, False, fell), "refuse")
    if gain < -margin and one.n >= FEWEST_OF_A_SOURCE:
        maybe = f"Accuracy at {one.source} seems to have fallen by {points(-gain)} points, {allowed}"
        return Finding(Guard(name, False, f"{maybe}: {n} cannot tell."), "wait")
    return Finding(Guard(name, True, f"Accuracy at {one.source} changed by {points(gain)} points on {n}."), "wait")


def burden_findings(burden: Burden, *, max_latency_ms: float | None, max_size_mb: float | None) -> list[Finding]:
    """Too slow or too large refuses; a limit on what nobody measured waits."""
    asked = (
        ("latency", burden.latency_ms, max_latency_ms, "ms an image"),
        ("size", burden.size_mb, max_size_mb, "MB"),
    )
    findings = []
    for name, found, limit, unit in asked:
        if limit is None:
            continue
        if found is None:
            unknown = f"Its {name} was not measured, {limit:g} {unit} are allowed."
            findings.append(Finding(Guard(name, False, unknown), "wait"))
        else:
            detail = f"It takes {found:.3g} {unit}, {limit:g} are allowed."
            findings.append(Finding(Guard(name, found <= limit, detail), "refuse"))
    return findings


def fixed_and_broken(comparison: PairedComparison) -> str:
    n = count(comparison.n, "inspection")
    return f"The candidate fixes {comparison.n_fixed} and breaks {comparison.n_broken} of {n}"


def interval(comparison: PairedComparison) -> str:
    gain, low, high = comparison.gain or 0.0, comparison.ci_low or 0.0, comparison.ci_high or 0.0
    return f"{points(gain)} points ({100 * comparison.confidence:.3g} % interval {points(low)} to {points(high)})"
