"""What may ask for a run (STATISTICS §3.2). A cause that asks is `passed`; what it does not ask for is said as well."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from models_registry.policy.facts import RECALIBRATION, RetrainingFacts, RetrainingRules
from models_registry.policy.guards import Guard, count, points
from models_registry.policy.schedule import last_time, next_time

WINDOWS = 2  # in a row, before drift counts
BROKEN, SURELY = 0.05, 0.03  # distance of said and right, and what its interval must stay above

Cause = Callable[[RetrainingFacts, RetrainingRules, datetime], Guard]


def causes_of(facts: RetrainingFacts, rules: RetrainingRules, now: datetime) -> tuple[Guard, ...]:
    """All of them, the most telling first: the first that asks is named."""
    return tuple(cause(facts, rules, now) for cause in CAUSES)


def _performance(facts: RetrainingFacts, rules: RetrainingRules, now: datetime) -> Guard:
    """The alert itself has the hysteresis: it ends by evidence of recovery, not when the interval touches the target.
    A candidate that was trained after it is its answer, until somebody decides."""
    if not rules.on_alarm:
        return Guard("performance", False, "Alarms about accuracy start no run: the policy says so.")
    if not facts.alarms:
        return Guard("performance", False, "No alarm about accuracy is open.")
    unanswered = [alarm for alarm in facts.alarms if not alarm.answered_by]
    if not unanswered:
        answer = facts.alarms[0].answered_by
        return Guard("performance", False, f"{answer} was trained after the alarm and waits for a decision.")
    worst = max(unanswered, key=lambda alarm: alarm.critical)
    return Guard("performance", True, f"{'Critical alarm' if worst.critical else 'Alarm'}: {worst.message}")


def _event(facts: RetrainingFacts, rules: RetrainingRules, now: datetime) -> Guard:
    if not rules.on_request:
        return Guard("event", False, "Requests of systems start no run: the policy says so.")
    if not facts.requests:
        return Guard("event", False, "No system asks for a run.")
    first, others = facts.requests[0], len(facts.requests) - 1
    more = f" ({count(others, 'more request')})" if others else ""
    return Guard("event", True, f"{first.by} asks for a run: {first.reason}{more}")


def _new_labels(facts: RetrainingFacts, rules: RetrainingRules, now: datetime) -> Guard:
    n, needed = facts.n_new_labels, rules.labels_needed(facts.n_trained)
    if n >= needed:
        return Guard("new_labels", True, f"{count(n, 'new label')} since the last dataset, {needed} needed.")
    floor, rare = rules.rare_class_labels, facts.new_rare_labels
    if floor is not None and rare:
        label, n_rare = max(rare.items(), key=lambda one: (one[1], one[0]))
        if n_rare >= floor:
            return Guard("new_labels", True, f"{count(n_rare, 'new label')} of {label}, a rare defect: {floor} needed.")
    return Guard("new_labels", False, f"Waiting for new labels: {n} of {needed}.")


def _schedule(facts: RetrainingFacts, rules: RetrainingRules, now: datetime) -> Guard:
    """Due when a scheduled time has passed since the last run of whatever cause was queued, however many have."""
    if not rules.schedule:
        return Guard("schedule", False, "There is no schedule.")
    due = last_time(rules.schedule, rules.zone, now=now)
    if due is not None and (facts.schedule_from is None or due > facts.schedule_from):
        return Guard("schedule", True, f"Scheduled for {_on_the_clock(due, rules.zone)}.")
    coming = next_time(rules.schedule, rules.zone, now=now)
    if coming is None:
        return Guard("schedule", False, f"The schedule “{rules.schedule}” ({rules.zone}) names no time.")
    return Guard("schedule", False, f"The next scheduled time is {_on_the_clock(coming, rules.zone)}.")


def _on_the_clock(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} ({zone})"


def _drift(facts: RetrainingFacts, rules: RetrainingRules, now: datetime) -> Guard:
    """Drift alone proves no error: the model must also believe less of itself."""
    if not rules.on_drift:
        return Guard("drift", False, "Drift starts no run: the policy says so.")
    drift = facts.drift
    if drift is None:
        return Guard("drift", False, "Drift is not measurable yet.")
    if drift.n_windows == 0:
        return Guard("drift", False, "Nothing that arrives has drifted.")
    if drift.n_windows < WINDOWS:
        return Guard("drift", False, f"Drift of {drift.what} in the last window: {WINDOWS} in a row are needed.")
    if drift.fall is None or drift.fall <= rules.drift_fall:
        fell = "says nothing of itself" if drift.fall is None else f"fell by {points(drift.fall)} points"
        needed = f"more than {points(rules.drift_fall)} needed"
        return Guard("drift", False, f"Drift of {drift.what}, but accuracy by the model's own word {fell}: {needed}.")
    fell = f"accuracy by the model's own word fell by {points(drift.fall)} points"
    return Guard("drift", True, f"Drift of {drift.what} in {WINDOWS} windows in a row, and {fell}.")


def _calibration(facts: RetrainingFacts, rules: RetrainingRules, now: datetime) -> Guard:
    if not rules.on_calibration:
        return Guard(RECALIBRATION, False, "Confidence that is off starts no run: the policy says so.")
    if facts.recalibration.waiting:
        answer = facts.recalibration.waiting
        return Guard(RECALIBRATION, False, f"{answer} was recalibrated and waits for a decision.")
    if facts.calibration is None:
        return Guard(RECALIBRATION, False, "Whether it is as sure as it is right is not measurable yet.")
    distance, low = facts.calibration
    off = f"Confidence is off by {points(distance)} points, at least {points(low)}"
    if distance > BROKEN and low > SURELY:
        return Guard(RECALIBRATION, True, f"{off}: recalibrate before retraining.")
    return Guard(RECALIBRATION, False, f"{off}: within what is allowed.")


CAUSES: tuple[Cause, ...] = (_performance, _event, _new_labels, _schedule, _drift, _calibration)
