"""Evidence over the API: as a system or a page reads it."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

import tests.factories as make
from models_registry.models import ModelVersion, Monitor
from models_registry.services.feeding import SettledDraw
from models_registry.services.monitors import feed_monitors, start_monitors
from models_registry.watch import standings

NOW = make.NOW


@pytest.fixture
def version(db: None) -> ModelVersion:
    model = make.make_model(slug="steel", target_accuracy=0.96)
    make.make_limit(registered_model=model, label="dent", max_rate=0.001)
    version = make.make_version(registered_model=model, metrics={"holdout_n": 200, "holdout_accuracy": 0.98})
    start_monitors(version=version, floor_pi=0.05, run_length=lambda: 1e6, now=NOW)
    return version


@pytest.fixture
def lena(version: ModelVersion, client: Client) -> Client:
    client.force_login(make.make_member("lead", registered_model=version.registered_model))
    return client


def feed(version: ModelVersion, n: int = 12) -> None:
    for minute in range(n):
        draw = SettledDraw(19, "ok", "dent", is_escape=True, pi=0.05, floor_pi=0.05)
        feed_monitors(version=version, draws=[draw], now=NOW + timedelta(minutes=minute))


def test_each_guard_is_answered_with_its_evidence_and_how_it_came_to_it(version: ModelVersion, lena: Client) -> None:
    feed(version)
    escapes, errors = lena.get("/api/v1/models/steel/monitors/").json()["monitors"]

    assert (errors["guard"], errors["limit"], errors["label"], errors["version"]) == ("", 0.04, None, 1)
    assert (escapes["guard"], escapes["limit"], escapes["label"]) == ("escape:dent", 0.001, "dent")
    assert escapes["state"] == "critical"
    assert escapes["evidence"] > 5 * escapes["alarm_at"] == 200
    assert escapes["p_value"] <= 1 / 200
    assert (escapes["n_inspections"], escapes["n_drawn"], escapes["n_errors"]) == (240, 12, 12)
    assert escapes["rate_low"] > 0.001
    assert (escapes["rise"], escapes["rise_alarm_at"]) == (None, None)
    assert (errors["rise"] > 1, errors["rise_alarm_at"]) == (True, 1e6)
    assert [escapes["history"][0]["n"], escapes["history"][-1]["n"]] == [0, 240]
    assert escapes["history"][-1]["evidence"] == pytest.approx(escapes["evidence"], rel=1e-4)
    changes = escapes["changes"]
    assert [changes[0]["before"], changes[-1]["after"]] == ["ok", "critical"]
    assert all(one["after"] == two["before"] for one, two in itertools.pairwise(changes))


def test_what_ended_comes_after_what_runs(version: ModelVersion, lena: Client) -> None:
    newer = make.make_monitor(version=make.make_version(registered_model=version.registered_model))
    Monitor.objects.filter(pk=newer.pk).update(ended_at=NOW)
    found = [(one["version"], one["ended_at"] is None, one["alarm_at"]) for one in monitors_of(lena)]
    assert found == [(1, True, 40.0), (1, True, 40.0), (2, False, None)]


def monitors_of(client: Client) -> list[dict[str, object]]:
    found: list[dict[str, object]] = client.get("/api/v1/models/steel/monitors/").json()["monitors"]
    return found


def test_a_model_that_nobody_set_a_target_for_has_none(lena: Client, version: ModelVersion) -> None:
    other = make.make_model(slug="glass")
    make.make_version(registered_model=other)
    assert standings(other) == []


def test_how_many_monitors_there_are_costs_no_query_more(version: ModelVersion) -> None:
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            standings(version.registered_model)
        counts.append(len(queries))
        feed(version)
        make.make_monitor(version=make.make_version(registered_model=version.registered_model))
    assert counts == [2, 2]
