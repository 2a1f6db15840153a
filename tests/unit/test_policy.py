"""Retraining and promotion are decided by rules, and every decision says why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from models_registry.comparison import ClassGain, Gain, PairedComparison
from models_registry.policy import (
    PromotionRules,
    RetrainingFacts,
    RetrainingRules,
    decide_promotion,
    decide_retraining,
)

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
RIPE = RetrainingFacts(
    n_new_labels=250,
    n_labels_total=900,
    n_classes_with_labels=4,
    min_class_labels=12,
    active_run=False,
    last_finished_at=NOW - timedelta(hours=30),
    last_failed_at=None,
    n_runs_this_month=2,
)
RULES = RetrainingRules(
    enabled=True,
    min_new_labels=200,
    min_total_labels=50,
    min_classes=2,
    min_per_class=5,
    cooldown=timedelta(hours=24),
    monthly_budget=10,
)
GUARDED = PromotionRules(
    automatic=True, margin=0.01, require_superiority=False, class_margin=0.05, min_items=30, min_first_accuracy=None
)


def make_class(
    gain: float | None = 0.02, ci_low: float | None = -0.02, *, n: int = 80, guarded: bool = True
) -> ClassGain:
    high = None if gain is None else gain + 0.05
    return ClassGain("scratch", guarded, n, 4, 2, gain, ci_low, high, "none" if gain is None else "normal")


def make_comparison(
    gain: float = 0.04, ci_low: float = 0.01, *, n: int = 400, one_class: ClassGain | None = None
) -> PairedComparison:
    return PairedComparison(
        n=n,
        n_fixed=30,
        n_broken=14,
        n_both_wrong=10,
        n_both_right=n - 54,
        gain=gain,
        ci_low=ci_low,
        ci_high=gain + 0.03,
        method="normal",
        champion_accuracy=0.9,
        challenger_accuracy=0.94,
        p_value=0.02,
        classes=(one_class or make_class(),),
    )


def test_enough_new_labels_start_a_run() -> None:
    decision = decide_retraining(RIPE, RULES, now=NOW)

    assert decision.retrain
    assert (decision.cause, decision.reason) == ("new_labels", "250 new labels since the last dataset, 200 needed.")
    assert all(guard.passed for guard in decision.guards)


def test_without_a_cause_nothing_starts_and_the_reason_counts() -> None:
    decision = decide_retraining(replace(RIPE, n_new_labels=120), RULES, now=NOW)

    assert not decision.retrain
    assert (decision.cause, decision.reason) == (None, "Waiting for new labels: 120 of 200.")


@pytest.mark.parametrize(
    ("facts", "guard", "reason"),
    [
        (replace(RIPE, n_labels_total=49), "total_labels", "49 labels in all, 50 needed."),
        (replace(RIPE, n_classes_with_labels=1), "classes", "1 class with labels, 2 needed."),
        (replace(RIPE, min_class_labels=4), "per_class", "The rarest class has 4 labels, 5 needed."),
        (replace(RIPE, active_run=True), "no_active_run", "A run is active."),
        (
            replace(RIPE, last_finished_at=NOW - timedelta(hours=21)),
            "cooldown",
            "The last run ended 21 h ago, the next may start in 3 h.",
        ),
        (
            replace(RIPE, last_failed_at=NOW - timedelta(minutes=5)),
            "cooldown",
            "The last run ended 5 min ago, the next may start in 24 h.",
        ),
        (replace(RIPE, n_runs_this_month=10), "monthly_budget", "10 runs this month, 10 allowed."),
    ],
)
def test_one_failing_guard_holds_a_run_back_and_says_so(facts: RetrainingFacts, guard: str, reason: str) -> None:
    decision = decide_retraining(facts, RULES, now=NOW)

    assert not decision.retrain
    assert [one.name for one in decision.guards if not one.passed] == [guard]
    assert (decision.cause, decision.reason) == ("new_labels", reason)


def test_switched_off_says_so_before_it_counts_labels() -> None:
    decision = decide_retraining(replace(RIPE, n_new_labels=0), replace(RULES, enabled=False), now=NOW)

    assert decision.reason == "Automatic retraining is off for this model."


def test_a_first_run_needs_no_cooldown_and_no_budget_means_no_limit() -> None:
    facts = replace(RIPE, last_finished_at=None, n_runs_this_month=99)

    assert decide_retraining(facts, replace(RULES, monthly_budget=None), now=NOW).retrain


def test_a_cooldown_ends_on_the_minute() -> None:
    facts = replace(RIPE, last_finished_at=NOW - timedelta(hours=24))

    assert decide_retraining(facts, RULES, now=NOW).retrain
    assert not decide_retraining(facts, RULES, now=NOW - timedelta(seconds=1)).retrain


def test_a_better_candidate_is_promoted_with_its_numbers() -> None:
    decision = decide_promotion(make_comparison(), GUARDED, has_champion=True)

    assert decision.outcome == "promote"
    assert decision.reason == (
        "The candidate fixes 30 and breaks 14 of 400 inspections, gain 4.0 points (95 % interval 1.0 to 7.0)."
    )


def test_a_person_decides_when_promotion_is_not_automatic() -> None:
    decision = decide_promotion(make_comparison(), replace(GUARDED, automatic=False), has_champion=True)

    assert decision.outcome == "wait"
    assert all(guard.passed for guard in decision.guards)


def test_a_worse_candidate_is_refused() -> None:
    decision = decide_promotion(make_comparison(-0.02, -0.05), GUARDED, has_champion=True)

    assert decision.outcome == "refuse"
    assert decision.reason == "The candidate fixes 30 and breaks 14 of 400 inspections, gain \N{MINUS SIGN}2.0 points."


def test_a_class_that_got_worse_refuses_and_is_named() -> None:
    comparison = make_comparison(one_class=make_class(-0.12, -0.2))
    decision = decide_promotion(comparison, GUARDED, has_champion=True)

    assert decision.outcome == "refuse"
    assert decision.reason == "Recall of scratch fell by 12.0 points on 80 inspections, 5.0 points are allowed."
    assert [guard.name for guard in decision.guards if not guard.passed] == ["class:scratch"]


def test_a_class_that_nobody_guards_refuses_nothing() -> None:
    comparison = make_comparison(one_class=make_class(-0.12, -0.2, guarded=False))

    assert decide_promotion(comparison, GUARDED, has_champion=True).outcome == "promote"


@pytest.mark.parametrize(
    ("comparison", "reason"),
    [
        (None, "A person decides: there is no comparison with the champion."),
        (make_comparison(n=12), "Not measurable yet: 12 inspections compared, 30 needed."),
        (make_comparison(-0.02, -0.05, n=12), "Not measurable yet: 12 inspections compared, 30 needed."),
        (
            make_comparison(0.01, -0.02),
            "Gain 1.0 points (95 % interval {minus}2.0 to 4.0), the lower end must stay above {minus}1.0.",
        ),
        (
            make_comparison(one_class=make_class(0.0, -0.2, n=14)),
            "Recall of scratch may have fallen by up to 20.0 points, 5.0 points are allowed: "
            "14 inspections cannot tell.",
        ),
        (
            make_comparison(one_class=make_class(None, None, n=0)),
            "Recall of scratch is not measurable yet: no inspection of it.",
        ),
    ],
)
def test_too_little_evidence_waits(comparison: PairedComparison | None, reason: str) -> None:
    decision = decide_promotion(comparison, GUARDED, has_champion=True)

    assert (decision.outcome, decision.reason) == ("wait", reason.format(minus="\N{MINUS SIGN}"))


def test_superiority_asks_for_more_than_not_being_worse() -> None:
    comparison = make_comparison(0.02, -0.005)

    assert decide_promotion(comparison, GUARDED, has_champion=True).outcome == "promote"
    assert decide_promotion(comparison, replace(GUARDED, require_superiority=True), has_champion=True).outcome == "wait"


@pytest.mark.parametrize(
    ("automatic", "needed", "accuracy", "outcome"),
    [
        (True, None, None, "promote"),
        (False, None, None, "wait"),
        (True, 0.9, 0.93, "promote"),
        (True, 0.9, 0.85, "refuse"),
        (True, 0.9, None, "wait"),
        (False, 0.9, 0.93, "wait"),
    ],
)
def test_a_first_version_meets_its_own_bar(
    automatic: bool, needed: float | None, accuracy: float | None, outcome: str
) -> None:
    rules = replace(GUARDED, automatic=automatic, min_first_accuracy=needed)

    assert decide_promotion(None, rules, has_champion=False, first_accuracy=accuracy).outcome == outcome


def test_rules_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        replace(RULES, min_new_labels=0)
    with pytest.raises(ValueError, match="negative"):
        replace(RULES, cooldown=timedelta(hours=-1))
    with pytest.raises(ValueError, match="margins"):
        replace(GUARDED, class_margin=float("nan"))
    with pytest.raises(ValueError, match="min_first_accuracy"):
        replace(GUARDED, min_first_accuracy=90.0)


@pytest.mark.parametrize(
    ("one", "outcome", "reason"),
    [
        (
            replace(make_class(-0.3, -0.4), escapes=0.0, escapes_low=-0.02, escapes_high=0.03, p_harm=1.0),
            "promote",
            "The candidate fixes 30 and breaks 14 of 400 inspections",
        ),
        (
            replace(make_class(), escapes=0.12, escapes_low=0.07, escapes_high=0.2, p_harm=0.01),
            "refuse",
            "Escapes of scratch rose by 12.0 points on 80 inspections, 5.0 points are allowed.",
        ),
        (
            replace(make_class(), escapes=0.12, escapes_low=0.02, escapes_high=0.2, p_harm=0.09),
            "wait",
            "Escapes of scratch may have risen by up to 20.0 points, 5.0 points are allowed: "
            "80 inspections cannot tell.",
        ),
    ],
)
def test_a_guarded_class_is_judged_by_its_escapes_where_a_class_is_known_to_be_good(
    one: ClassGain, outcome: str, reason: str
) -> None:
    decision = decide_promotion(make_comparison(one_class=one), GUARDED, has_champion=True)

    assert decision.outcome == outcome
    assert decision.reason.startswith(reason)


def test_a_candidate_whose_confidence_is_shown_to_be_worse_waits_for_a_person() -> None:
    worse = replace(make_comparison(), calibration=Gain(0.02, 0.01, 0.03, "normal"))
    unclear = replace(make_comparison(), calibration=Gain(0.02, -0.01, 0.05, "normal"))

    assert decide_promotion(unclear, GUARDED, has_champion=True).outcome == "promote"
    decision = decide_promotion(worse, GUARDED, has_champion=True)
    assert (decision.outcome, [one.name for one in decision.guards if not one.passed]) == ("wait", ["calibration"])
    assert (
        decision.reason == "The Brier score of its confidence changed by +0.0200 (+0.0100 to +0.0300), more is worse."
    )


@pytest.mark.parametrize(
    ("brier", "changed", "outcome", "failing"),
    [
        (Gain(-0.02, -0.03, 0.01, "normal"), 0, "promote", []),
        (Gain(0.001, -0.03, 0.01, "normal"), 0, "refuse", ["confidence"]),
        (Gain(-0.02, -0.03, -0.01, "normal"), 1, "refuse", ["same_words"]),
        (None, 0, "wait", ["confidence"]),
    ],
)
def test_a_champion_with_its_confidence_fitted_anew_says_the_same_with_a_better_confidence(
    brier: Gain | None, changed: int, outcome: str, failing: list[str]
) -> None:
    same = replace(make_comparison(0.0, 0.0), n_fixed=0, n_broken=changed, calibration=brier)

    decision = decide_promotion(same, GUARDED, has_champion=True, same_model=True)

    assert (decision.outcome, [one.name for one in decision.guards if not one.passed]) == (outcome, failing)
    assert decide_promotion(same, GUARDED, has_champion=True).outcome == "refuse"  # of a new model more is asked
