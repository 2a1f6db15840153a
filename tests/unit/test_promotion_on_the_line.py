"""What cameras, the line and the machine may forbid a promotion, and what they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from models_registry.comparison import PairedComparison, compare_paired, gains_by_source
from models_registry.policy import Burden, PromotionDecision, PromotionRules, decide_promotion

RULES = PromotionRules(
    automatic=True, margin=0.02, require_superiority=False, class_margin=0.05, min_items=30, min_first_accuracy=None,
    source_margin=0.05,
)  # fmt: skip
CLASSES = ("ok", "dent", "hole")
Words = NDArray[np.str_]


def compared(*, fixed: int = 60, broken: int = 5, n: int = 1000, confidence: float = 0.95) -> PairedComparison:
    """The champion errs on the first ``fixed`` parts, the candidate on the last ``broken``."""
    truth = np.full(n, "ok")
    champion, candidate = truth.astype("<U8"), truth.astype("<U8")
    champion[:fixed], candidate[n - broken :] = "dent", "dent"
    return compare_paired(truth, champion, candidate, np.ones(n), classes=CLASSES, confidence=confidence)


def decided(live: PairedComparison | None = None, **rules: object) -> PromotionDecision:
    return decide_promotion(compared(), replace(RULES, **rules), has_champion=True, live=live)  # type: ignore[arg-type]


def test_a_camera_that_loses_is_named_and_refuses_though_all_in_all_it_is_better() -> None:
    rng = np.random.default_rng(1)
    truth, sources = np.full(2000, "ok"), np.where(np.arange(2000) < 200, "cam-1", "cam-2")
    champion, candidate = truth.astype("<U8"), truth.astype("<U8")
    champion[200 + rng.choice(1800, 150, replace=False)] = "dent"
    candidate[rng.choice(200, 40, replace=False)] = "dent"
    pi = np.ones(2000)
    paired = compare_paired(truth, champion, candidate, pi, classes=CLASSES)
    sourced = replace(paired, sources=gains_by_source(truth, champion, candidate, pi, sources, margin=0.05))
    assert decide_promotion(paired, RULES, has_champion=True).outcome == "promote"
    decision = decide_promotion(sourced, RULES, has_champion=True)
    assert decision.outcome == "refuse"
    assert "cam-1 fell by 20.0 points on 200 inspections" in decision.reason
    assert {guard.name: guard.passed for guard in decision.guards if "source" in guard.name} == {
        "source:cam-1": False, "source:cam-2": True,
    }  # fmt: skip
    assert decide_promotion(sourced, replace(RULES, source_margin=None), has_champion=True).outcome == "promote"


def test_of_a_camera_with_few_parts_nothing_is_held_up() -> None:
    truth = np.full(10, "ok")
    candidate = truth.astype("<U8")
    candidate[0] = "dent"
    few = gains_by_source(truth, truth, candidate, np.ones(10), np.full(10, "cam-3"), margin=0.05)
    sourced = replace(compared(), sources=few)
    assert decide_promotion(sourced, RULES, has_champion=True).outcome == "promote"


def test_the_line_can_refuse_and_can_be_waited_for() -> None:
    worse = compared(fixed=0, broken=60)
    refused = decided(live=worse)
    assert refused.outcome == "refuse"
    assert refused.reason.startswith("On the line it is worse")
    assert decided(live=compared(fixed=1, broken=2, n=60)).outcome == "promote"

    waits = decided(min_live_items=200)
    assert (waits.outcome, waits.guards[-1].name) == ("wait", "live_items")
    assert decided(live=compared(n=150), min_live_items=200).outcome == "wait"
    assert decided(live=compared(n=250), min_live_items=200).outcome == "promote"


def test_where_the_hold_out_is_silent_the_line_is_enough_if_it_is_asked_for() -> None:
    said = {"has_champion": True, "live": compared()}
    assert decide_promotion(None, RULES, **said).outcome == "wait"  # type: ignore[arg-type]
    assert decide_promotion(None, replace(RULES, min_live_items=200), **said).outcome == "promote"  # type: ignore[arg-type]


def test_a_wider_interval_of_an_early_look_is_said_with_its_confidence() -> None:
    early, late = compared(fixed=12, broken=4, confidence=0.975), compared(fixed=12, broken=4)
    assert early.ci_low is not None
    assert late.ci_low is not None
    assert early.ci_low < late.ci_low
    assert "97.5 % interval" in decided(live=early).guards[-1].detail


@pytest.mark.parametrize(
    ("burden", "outcome", "name"),
    [
        (Burden(latency_ms=120.0, size_mb=3.0), "refuse", "latency"),
        (Burden(latency_ms=20.0, size_mb=30.0), "refuse", "size"),
        (Burden(size_mb=3.0), "wait", "latency"),
        (Burden(latency_ms=20.0, size_mb=3.0), "promote", None),
    ],
)
def test_too_slow_or_too_large_is_refused_and_unmeasured_waits(burden: Burden, outcome: str, name: str | None) -> None:
    rules = replace(RULES, max_latency_ms=80.0, max_size_mb=10.0)
    decision = decide_promotion(compared(), rules, has_champion=True, burden=burden)
    failed = [guard.name for guard in decision.guards if not guard.passed]
    assert (decision.outcome, failed) == (outcome, [name] if name else [])
    assert decide_promotion(None, rules, has_champion=False, burden=burden).outcome == outcome
