"""API keys: hashed, revocable, ending, and a 401 in the one shape for everything else."""

from __future__ import annotations

import io
import time
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

import tests.factories as make
from labeling.keys import REMEMBERED_SECONDS, find_key, forget_keys, issue_key, revoke_keys
from labeling.models import ApiKey, Inspection, Membership
from tests.api.line import Line, error_of


def test_a_key_is_stored_as_a_hash_only(line: Line) -> None:
    text = line.headers["Authorization"].split()[1]
    row = ApiKey.objects.values().get()

    assert text.split("_", 2)[2] not in " ".join(map(str, row.values()))
    assert len(row["digest"]) == 64


def test_the_last_use_is_written_down_but_not_at_every_call(line: Line) -> None:
    line.send(line.row(1))
    first = ApiKey.objects.get().last_used_at
    line.send(line.row(2))

    assert first is not None
    assert ApiKey.objects.get().last_used_at == first


@pytest.mark.parametrize("change", [{"revoked_at": timezone.now()}, {"expires_at": timezone.now()}])
def test_a_dead_key_is_refused(line: Line, change: dict[str, Any]) -> None:
    assert line.send(line.row(1)).status_code == 201
    ApiKey.objects.update(**change)
    forget_keys()

    assert error_of(line.send(line.row(2)), 401)["code"] == "key_refused"


def test_a_key_that_was_revoked_here_is_refused_at_once(line: Line) -> None:
    line.send(line.row(1))

    assert revoke_keys(ApiKey.objects.all(), now=timezone.now()) == 1
    error_of(line.send(line.row(2)), 401)
    assert revoke_keys(ApiKey.objects.all(), now=timezone.now()) == 0


def test_a_key_that_was_revoked_elsewhere_is_refused_within_seconds(line: Line, monkeypatch: Any) -> None:
    line.send(line.row(1))
    ApiKey.objects.update(revoked_at=timezone.now())

    assert line.send(line.row(2)).status_code == 201
    clock = time.monotonic() + REMEMBERED_SECONDS
    monkeypatch.setattr("labeling.keys.time.monotonic", lambda: clock)
    error_of(line.send(line.row(3)), 401)


def test_a_remembered_key_costs_no_query(line: Line, django_assert_num_queries: Any) -> None:
    text = line.headers["Authorization"].split()[1]
    find_key(text, now=timezone.now())

    with django_assert_num_queries(0):
        assert find_key(text, now=timezone.now()) is not None


def test_a_key_ends_on_time_though_it_is_remembered(line: Line) -> None:
    end = timezone.now() + timedelta(minutes=5)
    ApiKey.objects.update(expires_at=end)
    text = line.headers["Authorization"].split()[1]

    assert find_key(text, now=timezone.now()) is not None
    assert find_key(text, now=end) is None


def test_the_key_of_an_inactive_person_is_refused(line: Line) -> None:
    ApiKey.objects.get().user.__class__.objects.update(is_active=False)

    error_of(line.send(line.row()), 401)


def test_a_key_works_until_it_ends(line: Line) -> None:
    ApiKey.objects.update(expires_at=timezone.now() + timedelta(minutes=5))

    assert line.send(line.row()).status_code == 201


@pytest.mark.parametrize(
    "header",
    [
        "", "Bearer", "Bearer ", "Bearer x", "Bearer a b", "Basic YWxpY2U6eA==", "Bearer rk_00000000_x",
        "Bearer rk_\0_x",
        "Bearer rk_00000000_" + "x" * 43, "Bearer " + "x" * 10_000, "Bearer \xff\xfe", "\0",
        "Digest x", "bearer rk__", "Token  ",
    ],
)  # fmt: skip
def test_garbage_in_the_header_is_a_401_in_the_one_shape(line: Line, header: str) -> None:
    answer = line.client.post("/api/v1/predictions/", b"{}", content_type="application/json", HTTP_AUTHORIZATION=header)

    error_of(answer, 401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_half_a_key_is_no_key(line: Line) -> None:
    line.headers["Authorization"] = line.headers["Authorization"][:-1]

    error_of(line.send(line.row()), 401)


def test_nobody_gets_in_without_a_key_or_a_session(line: Line) -> None:
    for url in ("/api/v1/predictions/", "/api/v1/inspections/", "/api/v1/models/steel/predict/", "/api/v1/verdicts/"):
        error_of(Client().post(url, b"{}", content_type="application/json"), 401)


def test_a_strangers_model_is_a_404_per_row_and_a_missing_one_says_the_same(line: Line) -> None:
    make.make_model(slug="theirs")

    answer = line.send([line.row(1), line.row(2, model="theirs"), line.row(3, model="nowhere")])

    results = answer.json()["results"]
    assert [one.get("http_status") for one in results] == [None, 404, 404]
    assert {one["error"]["code"] for one in results[1:]} == {"not_found"}
    assert results[1]["error"]["message"].replace("theirs", "nowhere") == results[2]["error"]["message"]


def test_who_may_only_look_may_not_send(line: Line) -> None:
    Membership.objects.update(role="auditor")

    assert error_of(line.send(line.row()), 403)["code"] == "not_allowed"
    assert error_of(line.send({}, url="/api/v1/models/steel/predict/"), 403)["code"] == "not_allowed"


def test_a_system_of_one_site_does_not_write_into_another(line: Line) -> None:
    """Its right comes from the site, where the model runs."""
    elsewhere = make.make_source(slug="cam-b")
    make.make_deployment(station=line.source.station, version=line.champion)
    user = make.make_member("integration", user=make.make_user("site-a"), site=line.source.station.site)
    line.headers = {"Authorization": f"Bearer {issue_key(user=user, name='a', now=make.NOW)[1]}"}

    answer = line.send([line.row(1), line.row(2, source=elsewhere.slug)])

    assert [one["status"] for one in answer.json()["results"]] == ["created", "error"]
    assert answer.json()["results"][1]["error"]["code"] == "unknown_source"
    assert not Inspection.objects.filter(station=elsewhere.station).exists()


def issued(*arguments: str) -> str:
    out = io.StringIO()
    call_command("issue_key", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue().strip()


def test_a_key_is_issued_from_the_command_line_and_works(line: Line) -> None:
    text = issued("line-3", "--model", "steel", "--verb", "ingest", "--days", "2", "--per-minute", "90")
    line.headers = {"Authorization": f"Bearer {text}"}

    assert line.send(line.row(1)).status_code == 201
    assert error_of(line.client.get("/api/v1/models/steel/", headers=line.headers), 403)["code"] == "outside_scope"
    key = ApiKey.objects.get(name="line-3")
    assert (key.only_models, key.only_verbs, key.requests_per_minute) == ([line.model.pk], ["ingest"], 90)
    assert key.expires_at is not None
    assert timedelta(days=1) < key.expires_at - timezone.now() <= timedelta(days=2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nobody"], "no user nobody"),
        (["line-3", "--model", "steel", "--model", "stele"], "no model stele"),
        (["line-3", "--verb", "fly"], "invalid choice"),
        (["line-3", "--days", "0"], "--days is a number from 1"),
        (["line-3", "--per-minute", "-1"], "--per-minute is a number from 1"),
    ],
)
def test_a_key_that_makes_no_sense_is_not_issued(line: Line, arguments: list[str], words: str) -> None:
    n_before = ApiKey.objects.count()

    with pytest.raises(CommandError, match=words):
        issued(*arguments)
    assert ApiKey.objects.count() == n_before
