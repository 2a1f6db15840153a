"""What rules would have done: the same decision over a past, with its own runs in between."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from models_registry.policy import Request
from models_registry.policy.replay import STEP, History, Settled, Span, replay
from tests.unit.test_policy import NOW, RULES

START = NOW - timedelta(days=90)
EVERY_DAY = replace(RULES, min_new_labels=100, cooldown=timedelta(hours=24), monthly_budget=None)
LABELS = [
    Settled(START + timedelta(days=day, hours=1), "dent" if day % 2 else "ok", 10, bool(day % 2)) for day in range(90)
]


def test_labels_ask_for_a_run_each_time_enough_are_new() -> None:
    played = replay(History(LABELS), EVERY_DAY, start=START, end=NOW)

    assert [run.n_new_labels for run in played.runs] == [100] * 9
    assert {run.cause for run in played.runs} == {"new_labels"}
    assert all(
        after.at - before.at == timedelta(days=10) for before, after in zip(played.runs, played.runs[1:], strict=False)
    )
    assert played.last.reason.startswith("Waiting for new labels: 0 of 100")


def test_what_was_learned_before_is_not_new_and_a_dearer_policy_runs_less() -> None:
    labels = [replace(one, at=one.at - timedelta(days=90)) for one in LABELS] + LABELS
    past = History(labels, runs=[START - timedelta(hours=1)])

    assert len(replay(past, EVERY_DAY, start=START, end=NOW).runs) == 9
    assert len(replay(past, replace(EVERY_DAY, min_new_labels=300), start=START, end=NOW).runs) == 3
    assert len(replay(past, replace(EVERY_DAY, new_labels_share=0.5), start=START, end=NOW).runs) == 1


def test_an_alarm_is_answered_by_one_run_and_a_bad_camera_holds_it_back_for_so_long() -> None:
    alarm = Span(START + timedelta(days=20), None, "v3 errs too often.")
    camera = Span(START + timedelta(days=19), START + timedelta(days=25), "cam-1")
    rules = replace(EVERY_DAY, min_new_labels=10_000, min_between=50)

    played = replay(History(LABELS, alarms=[alarm], bad_cameras=[camera]), rules, start=START, end=NOW)

    assert [(run.at, run.cause) for run in played.runs] == [(camera.end, "performance")]
    assert played.held == {"image_quality": timedelta(days=5)}


def test_a_schedule_and_a_system_ask_in_the_past_as_they_would_now() -> None:
    monday = replace(EVERY_DAY, min_new_labels=10_000, schedule="0 2 * * 1", zone="Europe/Berlin")
    asked = (Request("plant", "New tool.", START + timedelta(days=30)), START + timedelta(days=37))

    assert [run.cause for run in replay(History(LABELS), monday, start=START, end=NOW).runs] == ["schedule"] * 13
    played = replay(History(LABELS, requests=[asked]), replace(monday, schedule=""), start=START, end=NOW)
    assert [run.cause for run in played.runs] == ["event"]
    assert played.runs[0].at - asked[0].at < STEP
