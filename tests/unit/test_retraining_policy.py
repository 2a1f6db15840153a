"""What asks for a run, and what holds one back: each cause and guard at its border, and schedules on real clocks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from models_registry.policy import Alarm, Drift, Recalibration, Request, RetrainingRules, decide_retraining
from models_registry.policy.schedule import check_schedule, check_zone, last_time, next_time
from tests.unit.test_policy import NOW, RIPE, RULES

QUIET = replace(RIPE, n_new_labels=60)
"""Nothing asks, nothing holds back."""
ALARM = Alarm("v3 errs too often.", NOW - timedelta(hours=2))
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("facts", "rules", "cause"),
    [
        ({}, {}, None),
        ({"alarms": (ALARM,)}, {}, "performance"),
        ({"alarms": (ALARM,)}, {"on_alarm": False}, None),
        ({"alarms": (replace(ALARM, answered_by="v4"),)}, {}, None),
        ({"alarms": (replace(ALARM, answered_by="v4"), ALARM)}, {}, "performance"),
        ({"requests": (Request("plant", "New material.", NOW),)}, {}, "event"),
        ({"requests": (Request("plant", "New material.", NOW),)}, {"on_request": False}, None),
        ({"n_new_labels": 200}, {}, "new_labels"),
        ({"n_new_labels": 200, "n_trained": 2010}, {"new_labels_share": 0.1}, None),
        ({"n_new_labels": 201, "n_trained": 2010}, {"new_labels_share": 0.1}, "new_labels"),
        ({"new_rare_labels": {"dent": 29}}, {"rare_class_labels": 30}, None),
        ({"new_rare_labels": {"dent": 30}}, {"rare_class_labels": 30}, "new_labels"),
        ({"new_rare_labels": {"dent": 99}}, {"rare_class_labels": None}, None),
        ({"drift": Drift(1, 0.3)}, {}, None),
        ({"drift": Drift(2, 0.02)}, {"drift_fall": 0.02}, None),
        ({"drift": Drift(2, None)}, {}, None),
        ({"drift": Drift(2, 0.021)}, {"drift_fall": 0.02}, "drift"),
        ({"drift": Drift(2, 0.3)}, {"on_drift": False}, None),
    ],
)
def test_a_cause_asks_at_its_border(facts: dict[str, Any], rules: dict[str, Any], cause: str | None) -> None:
    decision = decide_retraining(replace(QUIET, **facts), replace(RULES, **rules), now=NOW)

    assert (decision.cause, decision.retrain) == (cause, cause is not None)
    assert len({one.name for one in decision.causes}) == 6
    assert [one.name for one in decision.causes if one.passed][:1] == ([cause] if cause else [])


@pytest.mark.parametrize(
    ("facts", "rules", "guard"),
    [
        ({"n_new_labels": 49}, {"min_between": 50}, "new_since"),
        ({"n_new_labels": 49}, {"min_between": 50, "min_new_labels": 20}, None),
        ({"n_new_labels": 0, "last_finished_at": None}, {"min_between": 50}, None),
        ({"agreement": (0.6, 50)}, {"min_agreement": 0.67}, "label_quality"),
        ({"agreement": (0.6, 49)}, {"min_agreement": 0.67}, None),
        ({"agreement": (0.6, 500)}, {"min_agreement": None}, None),
        ({"bad_cameras": ("cam-1",)}, {}, "image_quality"),
        ({"bad_cameras": ("cam-1",)}, {"hold_on_bad_images": False}, None),
    ],
)
def test_a_guard_holds_an_alarms_run_back(facts: dict[str, Any], rules: dict[str, Any], guard: str | None) -> None:
    decision = decide_retraining(replace(QUIET, alarms=(ALARM,), **facts), replace(RULES, **rules), now=NOW)

    assert [one.name for one in decision.guards if not one.passed] == ([guard] if guard else [])
    assert decision.retrain is (guard is None)
    assert decision.cause in {"performance", "new_labels"}


OFF = replace(QUIET, calibration=(0.08, 0.031), recalibration=Recalibration("v3"))
"""The champion is not as sure as it is right, and its model was trained here."""


def test_a_model_that_is_not_as_sure_as_it_is_right_is_recalibrated_and_not_retrained() -> None:
    broken = decide_retraining(OFF, RULES, now=NOW)
    unsure = decide_retraining(replace(OFF, calibration=(0.08, 0.029)), RULES, now=NOW)
    both = decide_retraining(replace(OFF, alarms=(ALARM,)), RULES, now=NOW)
    held = decide_retraining(replace(OFF, alarms=(ALARM,), n_runs_this_month=10), RULES, now=NOW)

    assert (broken.recalibrate, broken.cause) == (True, "calibration")
    assert broken.reason == "Confidence is off by 8.0 points, at least 3.1: recalibrate before retraining."
    assert (unsure.retrain, unsure.cause) == (False, None)
    assert (both.retrain, both.recalibrate, both.cause) == (True, False, "performance")
    assert held.recalibrate  # the budget holds the dear run back, the cheap one helps meanwhile


@pytest.mark.parametrize(
    ("facts", "rules", "guard"),
    [
        ({"recalibration": Recalibration()}, {}, "kept_model"),
        ({"n_new_labels": 49}, {}, "new_labels_to_fit"),
        ({"active_run": True}, {}, "no_active_run"),
        ({"recalibration": Recalibration("v3", ended_at=NOW - timedelta(hours=23))}, {}, "cooldown"),
        ({"recalibration": Recalibration("v3", ended_at=NOW - timedelta(hours=24))}, {}, None),
        ({"last_finished_at": NOW, "n_runs_this_month": 99, "n_labels_total": 60}, {"min_total_labels": 70}, None),
        ({"bad_cameras": ("cam-1",)}, {}, "image_quality"),
        ({}, {"enabled": False}, "enabled"),
    ],
)
def test_what_holds_a_recalibration_back(facts: dict[str, Any], rules: dict[str, Any], guard: str | None) -> None:
    decision = decide_retraining(replace(OFF, **facts), replace(RULES, **rules), now=NOW)

    assert [one.name for one in decision.guards if not one.passed] == ([guard] if guard else [])
    assert decision.recalibrate is (guard is None)


def test_confidence_that_is_off_asks_no_more_where_the_policy_or_a_waiting_candidate_says_so() -> None:
    waits = replace(OFF, recalibration=Recalibration("v3", waiting="v4"))

    assert decide_retraining(OFF, replace(RULES, on_calibration=False), now=NOW).cause is None
    assert decide_retraining(waits, RULES, now=NOW).cause is None


def test_decisions_that_differ_in_counts_alone_have_one_gist() -> None:
    first, second = (decide_retraining(replace(QUIET, n_new_labels=n), RULES, now=NOW) for n in (60, 61))
    held = decide_retraining(replace(QUIET, bad_cameras=("cam-1",)), RULES, now=NOW)

    assert first.reason != second.reason
    assert first.gist == second.gist != held.gist


def scheduled(now: datetime, last: datetime, *, schedule: str = "30 2 * * *", zone: str = "Europe/Berlin") -> bool:
    rules: RetrainingRules = replace(RULES, schedule=schedule, zone=zone, cooldown=timedelta(0))
    return decide_retraining(replace(QUIET, schedule_from=last), rules, now=now).retrain


def test_missed_times_come_to_one_run_and_a_run_since_then_to_none() -> None:
    now = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

    assert scheduled(now, now - timedelta(days=10))
    assert not scheduled(now, now - timedelta(minutes=1))
    assert scheduled(datetime(2026, 11, 24, 1, 30, tzinfo=UTC), now - timedelta(days=1))  # on the minute
    assert not scheduled(datetime(2026, 11, 24, 1, 29, tzinfo=UTC), datetime(2026, 11, 23, 1, 30, tzinfo=UTC))


def test_the_clock_change_neither_swallows_nor_doubles_a_time() -> None:
    """02:30 is skipped on 29 March 2026 and comes twice on 25 October."""
    spring = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)  # 03:00 summer time
    assert last_time("30 2 * * *", "Europe/Berlin", now=spring) == spring
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert [
        last_time("30 2 * * *", "Europe/Berlin", now=first + timedelta(minutes=minutes)) for minutes in (0, 60, 600)
    ] == [first] * 3
    assert next_time("30 2 * * *", "Europe/Berlin", now=first) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("nonsense", ["", "0 2 * *", "* * * * * *", "61 * * * *", "0 0 31 2 *", "soon", "0 2 * * moon"])
def test_what_is_no_schedule_is_refused_and_names_no_time(nonsense: str) -> None:
    with pytest.raises(ValueError, match="schedule"):
        check_schedule(nonsense)
    if nonsense != "* * * * * *":
        assert last_time(nonsense, "UTC", now=NOW) is next_time(nonsense, "UTC", now=NOW) is None


@pytest.mark.parametrize("nonsense", ["", "Europe/Atlantis", "../etc/passwd", "Europe", "a\0b"])
def test_what_is_no_time_zone_is_refused(nonsense: str) -> None:
    with pytest.raises(ValueError, match="time zone"):
        check_zone(nonsense)
