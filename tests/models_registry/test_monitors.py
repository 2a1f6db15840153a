"""Monitors of a version: what they watch, what they are fed, when they ring, and when they stop."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import transaction

from models_registry.models import Alert, Event, ModelVersion, Monitor, MonitorTransition, RegisteredModel
from models_registry.services.feeding import SettledDraw
from models_registry.services.monitors import N_POINTS, end_monitors, feed_monitors, start_monitors, thinned
from tests import factories as make

pytestmark = pytest.mark.django_db
NOW = make.NOW


@pytest.fixture
def model() -> RegisteredModel:
    return make.make_model(target_accuracy=0.96)


@pytest.fixture
def version(model: RegisteredModel) -> ModelVersion:
    return make.make_version(registered_model=model)


def start(version: ModelVersion, *, minutes: int = 0) -> list[Monitor]:
    at = NOW + timedelta(minutes=minutes)
    return start_monitors(version=version, floor_pi=0.05, run_length=lambda: 1e6, now=at)


def feed(version: ModelVersion, *draws: SettledDraw, minutes: int = 1) -> None:
    feed_monitors(version=version, draws=draws, now=NOW + timedelta(minutes=minutes))


def wrong(n_before: int = 19, **fields: Any) -> SettledDraw:
    return SettledDraw(n_before=n_before, predicted="scratch", true="dent", pi=0.05, floor_pi=0.05, **fields)


def right(n_before: int = 19) -> SettledDraw:
    return SettledDraw(n_before=n_before, predicted="ok", true="ok", pi=0.05, floor_pi=0.05)


def escaped(true: str = "dent", n_before: int = 19) -> SettledDraw:
    return SettledDraw(n_before, "ok", true, is_escape=True, pi=0.05, floor_pi=0.05)


def only(version: ModelVersion, guard: str = "") -> Monitor:
    return Monitor.objects.get(model_version=version, guard=guard, ended_at=None)


def test_what_is_watched_follows_from_the_target_and_the_limits_of_escapes(model: RegisteredModel) -> None:
    make.make_limit(registered_model=model, label="", max_rate=0.002)
    make.make_limit(registered_model=model, label="dent", max_rate=0.001)
    make.make_limit(registered_model=model, label="gone", max_rate=0.001)  # of an older label set
    version = make.make_version(registered_model=model, metrics={"holdout_n": 100, "holdout_accuracy": 0.98})

    watched = {one.guard: (one.p0, one.accepted) for one in start(version)}

    assert set(watched) == {"", "escape", "escape:dent"}
    assert watched["escape"] == (0.002, None)
    assert watched["escape:dent"] == (0.001, None)
    p0, accepted = watched[""]
    assert p0 == 0.04
    assert accepted == pytest.approx(0.0472, abs=5e-5)  # Wilson's upper end at 80 %, two-sided, of 2 in 100


def test_without_a_target_a_limit_or_a_hold_out_nothing_is_watched() -> None:
    assert start(make.make_version()) == []


def test_starting_again_starts_nothing_twice(version: ModelVersion) -> None:
    first, second = start(version), start(version, minutes=5)
    assert [one.pk for one in first] == [one.pk for one in second]
    assert second[0].started_at == NOW


def test_each_guard_counts_the_errors_that_are_its_own(model: RegisteredModel, version: ModelVersion) -> None:
    make.make_limit(registered_model=model, label="", max_rate=0.002)
    make.make_limit(registered_model=model, label="dent", max_rate=0.001)
    start(version)
    feed(version, right(), wrong(), escaped("dent"), escaped("scratch"), SettledDraw(100))

    found = {one.guard: (one.n_fed, one.n_drawn, one.n_errors) for one in Monitor.objects.all()}
    assert found == {"": (180, 4, 3), "escape": (180, 4, 2), "escape:dent": (180, 4, 1)}


def test_evidence_rings_an_alert_once_and_a_graver_one_takes_its_place(version: ModelVersion) -> None:
    make.make_webhook(registered_model=version.registered_model, events=["model.alert"])
    start(version)
    for minute in range(1, 30):
        feed(version, wrong(n_before=9), minutes=minute)

    monitor = only(version)
    states = [(one.from_state, one.to_state) for one in monitor.transitions.order_by("pk")]
    assert states[-1] == ("alert", "critical")
    assert [one for _, one in states] == sorted({one for _, one in states}, key=["watch", "alert", "critical"].index)
    alerts = list(Alert.objects.order_by("pk"))
    assert [(one.kind, one.slice, one.resolved_at is None) for one in alerts] == [
        ("accuracy", "", False),
        ("accuracy", "", True),
    ]
    assert alerts[1].message.startswith("Critical: v1 errs in more than 4 % of all parts. Alarm evidence ")
    assert alerts[1].evidence["n_errors"] == alerts[1].evidence["n_inspections"] / 10
    assert Event.objects.filter(name="model.alert").count() == 2


def test_recovery_resolves_the_alert_and_begins_anew(version: ModelVersion) -> None:
    start(version)
    feed(version, *[wrong(n_before=9)] * 10)
    assert only(version).state == "critical"
    feed(version, *[right(n_before=19)] * 800, minutes=9)

    monitor = only(version)
    assert (monitor.state, monitor.evidence <= 1) == ("ok", True)
    assert monitor.max_evidence > 100
    assert not Alert.objects.filter(resolved_at=None).exists()
    last = monitor.transitions.order_by("-pk")[0]
    assert (last.from_state, last.to_state, last.cause) == ("critical", "ok", "recovered")


def test_in_pieces_or_at_once_a_monitor_comes_to_the_same(model: RegisteredModel, version: ModelVersion) -> None:
    draws = [right(), wrong(), right(3), SettledDraw(7), escaped(), SettledDraw(0, "ok", None, pi=0.05), wrong(0)] * 6
    other = make.make_version(registered_model=model)
    start(version)
    start(other)
    feed(version, *draws)
    for draw in draws:
        feed(other, draw)

    one, two = only(version), only(other)
    assert (one.n_fed, one.n_drawn, one.n_errors, one.n_unanswered) == (
        two.n_fed,
        two.n_drawn,
        two.n_errors,
        two.n_unanswered,
    )
    assert one.inputs_hash == two.inputs_hash
    assert one.evidence == pytest.approx(two.evidence, rel=1e-9)
    kept = [each.capital["watched"]["harm"]["log_capitals"] for each in (one, two)]
    assert kept[0] == pytest.approx(kept[1], abs=1e-10)
    assert (one.ci_low, one.ci_high) == pytest.approx((two.ci_low, two.ci_high))


def test_what_nobody_judged_in_time_makes_later_errors_of_its_like_weigh_more(model: RegisteredModel) -> None:
    silent, heard = make.make_version(registered_model=model), make.make_version(registered_model=model)
    for version, true in ((silent, None), (heard, "ok")):
        start(version)
        feed(version, *[SettledDraw(19, "ok", true, pi=0.05, floor_pi=0.05), right()] * 20, escaped())

    assert (only(silent).n_unanswered, only(heard).n_unanswered) == (20, 0)
    assert only(silent).evidence > only(heard).evidence


def test_a_later_design_that_draws_more_thinly_stops_nothing(version: ModelVersion) -> None:
    start(version)
    feed(version, *[wrong(n_before=9)] * 10)
    thin = SettledDraw(199, "scratch", "dent", pi=0.001, floor_pi=0.001)
    feed(version, thin, SettledDraw(5, "ok", "dent", pi=0.0005, floor_pi=0.001))
    assert only(version).n_errors == 12


def test_a_changed_target_ends_the_monitor_and_starts_another(model: RegisteredModel, version: ModelVersion) -> None:
    start(version)
    feed(version, *[wrong(n_before=9)] * 10)
    model.target_accuracy = 0.9
    model.save()
    start(ModelVersion.objects.get(pk=version.pk), minutes=5)

    old, new = Monitor.objects.order_by("pk")
    assert (old.ended_at, old.state) == (NOW + timedelta(minutes=5), "critical")
    assert (new.p0, new.evidence, new.n_fed, new.ended_at) == (0.1, 1.0, 0, None)
    assert not Alert.objects.filter(resolved_at=None).exists()


def test_another_champion_ends_what_watched_the_one_before(model: RegisteredModel, version: ModelVersion) -> None:
    start(version)
    feed(version, *[wrong(n_before=9)] * 10)
    newer = make.make_version(registered_model=model)
    start(newer)
    assert end_monitors(registered_model=model, but=[newer], now=NOW + timedelta(hours=1)) == 1
    assert list(Monitor.objects.filter(ended_at=None)) == [only(newer)]
    assert not Alert.objects.filter(resolved_at=None).exists()


def test_a_feed_that_is_rolled_back_leaves_no_trace(version: ModelVersion) -> None:
    start(version)
    before = Monitor.objects.values().get()
    with transaction.atomic():
        feed(version, *[wrong(n_before=9)] * 10)
        transaction.set_rollback(True)
    assert Monitor.objects.values().get() == before
    assert not MonitorTransition.objects.exists()
    assert not Alert.objects.exists()


def test_nothing_to_feed_changes_nothing(version: ModelVersion) -> None:
    start(version)
    before = Monitor.objects.values().get()
    feed(version)
    assert Monitor.objects.values().get() == before


def grown(n: int) -> Iterator[list[Any]]:
    history: list[Any] = [["start", 0, 1.0]]
    for number in range(1, n):
        history = thinned(history, [str(number), number, float(number)])
        yield history


def test_a_history_of_any_length_stays_short_evenly_spaced_and_up_to_date() -> None:
    last: list[Any] = []
    for number, history in enumerate(grown(5_000), start=1):
        assert len(history) <= N_POINTS
        assert history[-1][1] == number
        last = history
    assert last[0] == ["start", 0, 1.0]
    gaps = [b[1] - a[1] for a, b in pairwise(last)]
    assert len(last) >= 60
    assert max(gaps) <= 5_000 / (N_POINTS / 2) * 2
