"""What holds a run back, whatever asks for it (STATISTICS §3.2). Every guard is evaluated, so that all can be shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from models_registry.policy.facts import RetrainingFacts, RetrainingRules
from models_registry.policy.guards import Guard, count, duration

FEWEST_TO_RECALIBRATE = 50
"""New labels below which a temperature would follow chance."""

MIN_OVERLAP = 50
"""Parts that several people judged, below which their agreement is shown and holds nothing back (STATISTICS §4)."""


def guards_of(facts: RetrainingFacts, rules: RetrainingRules, now: datetime) -> tuple[Guard, ...]:
    n, n_classes, rarest = facts.n_labels_total, facts.n_classes_with_labels, facts.min_class_labels
    return (
        Guard("enabled", rules.enabled, f"Automatic retraining is {'on' if rules.enabled else 'off'} for this model."),
        Guard(
            "total_labels", n >= rules.min_total_labels,
            f"{count(n, 'label')} in all, {rules.min_total_labels} needed.",
        ),
        Guard(
            "classes",
            n_classes >= rules.min_classes,
            f"{count(n_classes, 'class', 'classes')} with labels, {rules.min_classes} needed.",
        ),
        Guard(
            "per_class",
            rarest >= rules.min_per_class,
            f"The rarest class has {count(rarest, 'label')}, {rules.min_per_class} needed.",
        ),
        Guard("no_active_run", not facts.active_run, f"{'A' if facts.active_run else 'No'} run is active."),
        _cooldown(facts, rules, now),
        _new_since(facts, rules),
        _budget(facts, rules),
        _agreement(facts, rules),
        _images(facts, rules),
    )  # fmt: skip


def recalibration_guards(facts: RetrainingFacts, rules: RetrainingRules, now: datetime) -> tuple[Guard, ...]:
    """What holds back a run that only fits the champion's confidence: it costs seconds and no budget."""
    n, version = facts.n_new_labels, facts.recalibration.version
    kept = f"The model of {version} is kept." if version else "No champion was trained here: nothing can be fitted."
    return (
        Guard("enabled", rules.enabled, f"Automatic retraining is {'on' if rules.enabled else 'off'} for this model."),
        Guard("kept_model", bool(version), kept),
        Guard(
            "new_labels_to_fit", n >= FEWEST_TO_RECALIBRATE,
            f"{count(n, 'label')} that no run has learned from, {FEWEST_TO_RECALIBRATE} needed.",
        ),
        Guard("no_active_run", not facts.active_run, f"{'A' if facts.active_run else 'No'} run is active."),
        _cooled([facts.recalibration.ended_at], rules, now),
        _agreement(facts, rules),
        _images(facts, rules),
    )  # fmt: skip


def _cooldown(facts: RetrainingFacts, rules: RetrainingRules, now: datetime) -> Guard:
    """A failed run cools down too: what made it fail is rarely gone a minute later."""
    return _cooled([facts.last_finished_at, facts.last_failed_at], rules, now)


def _cooled(ended: Sequence[datetime | None], rules: RetrainingRules, now: datetime) -> Guard:
    ends = [at for at in ended if at is not None]
    if not ends:
        return Guard("cooldown", True, "No run has ended yet.")
    left = max(ends) + rules.cooldown - now
    ago = duration(now - max(ends))
    if left > timedelta(0):
        return Guard("cooldown", False, f"The last run ended {ago} ago, the next may start in {duration(left)}.")
    return Guard("cooldown", True, f"The last run ended {ago} ago, {duration(rules.cooldown)} needed.")


def _new_since(facts: RetrainingFacts, rules: RetrainingRules) -> Guard:
    """Never more than what would ask for a run by itself: a policy that is content with 20 is not held up at 50."""
    needed = min(rules.min_between, rules.min_new_labels)
    n = facts.n_new_labels
    if facts.last_finished_at is None:
        return Guard("new_since", True, "No run has succeeded yet.")
    return Guard("new_since", n >= needed, f"{count(n, 'new label')} since the last successful run, {needed} needed.")


def _budget(facts: RetrainingFacts, rules: RetrainingRules) -> Guard:
    n, budget = facts.n_runs_this_month, rules.monthly_budget
    if budget is None:
        return Guard("monthly_budget", True, f"{count(n, 'run')} this month, no limit.")
    return Guard("monthly_budget", n < budget, f"{count(n, 'run')} this month, {budget} allowed.")


def _agreement(facts: RetrainingFacts, rules: RetrainingRules) -> Guard:
    if rules.min_agreement is None:
        return Guard("label_quality", True, "People's agreement is not asked for.")
    if facts.agreement is None:
        return Guard("label_quality", True, "People's agreement is not measurable yet.")
    value, n = facts.agreement
    said = f"People agree by {value:.2f} beyond chance on {count(n, 'part')} that several judged"
    if n < MIN_OVERLAP:
        return Guard("label_quality", True, f"{said}: too few to hold a run back, {MIN_OVERLAP} needed.")
    return Guard("label_quality", value >= rules.min_agreement, f"{said}, {rules.min_agreement:.2f} needed.")


def _images(facts: RetrainingFacts, rules: RetrainingRules) -> Guard:
    cameras = ", ".join(facts.bad_cameras)
    if not facts.bad_cameras and facts.silent_cameras:
        silent = ", ".join(facts.silent_cameras)
        return Guard("image_quality", True, f"Images of {silent} were unusual; no new one came for a week.")
    if not facts.bad_cameras:
        return Guard("image_quality", True, "No camera has an open incident.")
    if not rules.hold_on_bad_images:
        return Guard("image_quality", True, f"Images of {cameras} are unusual; the policy trains all the same.")
    return Guard("image_quality", False, f"Images of {cameras} are unusual: mend the camera first.")
