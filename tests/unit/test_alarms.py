"""What an alarm says."""

from __future__ import annotations

from typing import Any

from models_registry.alarms import alarm_message


def said(**fields: Any) -> str:
    facts = {
        "version": "v3", "guard": "", "cause": "limit", "critical": False, "limit": 0.04, "accepted": None,
        "evidence": 41.3, "n_inspections": 12_400, "n_errors": 27,
    }  # fmt: skip
    return alarm_message(**{**facts, **fields})


def test_an_alarm_names_the_claim_its_strength_and_what_it_rests_on() -> None:
    assert said() == (
        "v3 errs in more than 4 % of all parts. Alarm evidence 41 to 1, from 12,400 parts and 27 errors found."
    )


def test_escapes_are_counted_in_parts_per_million() -> None:
    escapes = said(guard="escape", limit=0.0001, n_errors=1)
    assert escapes.startswith("v3 takes a defect for good in more than 100 ppm of all parts.")
    assert escapes.endswith("1 error found.")
    assert said(guard="escape:dent", limit=0.0005).startswith("v3 takes “dent” for good in more than 500 ppm")


def test_a_sudden_rise_is_told_from_a_limit_that_was_passed() -> None:
    assert said(cause="change", limit=None, accepted=0.021).startswith(
        "v3 errs more often than when it was put to work (at most 2.1 % then)."
    )


def test_strong_evidence_is_said_without_false_exactness() -> None:
    assert "more than 1,000,000 to 1" in said(evidence=1e300, critical=True)
    assert said(critical=True).startswith("Critical: v3 errs")
