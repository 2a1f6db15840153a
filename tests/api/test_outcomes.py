"""`POST /outcomes/`: stored once, joined with the part when it is there. `GET /incidents/`: what passed and was bad."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

import tests.factories as make
from labeling.late_truth import join_waiting
from labeling.models import DispositionRecord, ImageFetch, Inspection, Outcome
from tests.api.line import Line, error_of

OUTCOMES = "/api/v1/outcomes/"
INCIDENTS = "/api/v1/models/steel/incidents/"
YESTERDAY = timezone.now() - timedelta(days=1)


def outcome(line: Line, **fields: Any) -> dict[str, Any]:
    row = {
        "model": line.model.slug, "source": line.source.slug, "inspection_id": "part-1", "label": "dent",
        "origin": "complaint", "observed_at": YESTERDAY.isoformat(),
    }  # fmt: skip
    return {name: value for name, value in (row | fields).items() if value is not None}


def by_serial(line: Line, serial: str = "S1", **fields: Any) -> dict[str, Any]:
    return outcome(line, inspection_id=None, serial=serial, **fields)


def part(line: Line, number: int = 1, **fields: Any) -> Inspection:
    fields = {"captured_at": YESTERDAY - timedelta(days=1), **fields}
    return make.make_inspection(station=line.source.station, inspection_id=f"part-{number}", **fields)


def test_an_outcome_is_joined_with_its_part_and_a_resend_changes_nothing(line: Line) -> None:
    inspection = part(line)
    first = line.send(outcome(line, note="Found by the customer"), url=OUTCOMES)
    again = line.send(outcome(line, note="Found by the customer"), url=OUTCOMES)
    assert (first.status_code, again.status_code) == (201, 200)
    stored = Outcome.objects.get()
    assert first.json() == {
        "row": 0, "status": "created", "outcome": stored.pk, "matched": True, "inspection_id": "part-1", "attempt": 1,
    }  # fmt: skip
    assert again.json() == first.json() | {"status": "duplicate"}
    assert (stored.inspection, stored.label.slug, stored.submitted_by.username) == (inspection, "dent", "line-3")


@pytest.mark.parametrize(("address", "wanted"), [("", "wanted"), ("https://camera.example/a.png", "fetching")])
def test_an_image_that_nobody_wanted_is_wanted_once_the_truth_is_known(line: Line, address: str, wanted: str) -> None:
    inspection = part(line)
    item = make.make_item(inspection=inspection, image_status="not_wanted", image_address=address, view="top")

    assert line.send(outcome(line), url=OUTCOMES).status_code == 201

    item.refresh_from_db()
    assert item.image_status == wanted
    assert ImageFetch.objects.filter(item=item).exists() == (wanted == "fetching")


def test_other_content_under_the_same_key_is_a_conflict_and_a_later_observation_is_not(line: Line) -> None:
    part(line)
    line.send(outcome(line), url=OUTCOMES)
    assert error_of(line.send(outcome(line, label="ok"), url=OUTCOMES), 409)["fields"].keys() == {"label"}
    assert error_of(line.send(outcome(line, note="No"), url=OUTCOMES), 409)["fields"].keys() == {"note"}
    later = outcome(line, label="ok", observed_at=timezone.now().isoformat())
    assert line.send(later, url=OUTCOMES).status_code == 201
    assert Outcome.objects.current().get().label.slug == "ok"
    earlier = outcome(line, label="scratch", observed_at=(YESTERDAY - timedelta(hours=1)).isoformat())
    assert line.send(earlier, url=OUTCOMES).status_code == 201  # a late message is not the last word
    assert Outcome.objects.current().get().label.slug == "ok"


def test_a_serial_means_its_latest_attempt_before_the_observation_unless_one_is_named(line: Line) -> None:
    days = [YESTERDAY - timedelta(days=2), YESTERDAY - timedelta(days=1), YESTERDAY + timedelta(hours=1)]
    one, two, _ = [
        part(line, number, serial="S1", attempt=number, captured_at=at) for number, at in enumerate(days, start=1)
    ]
    rows = [by_serial(line), by_serial(line, attempt=1), by_serial(line, attempt=9)]
    answers = line.send(rows, url=OUTCOMES).json()["results"]
    assert [(one["matched"], one["attempt"]) for one in answers] == [(True, 2), (True, 1), (False, None)]
    assert [o.inspection for o in Outcome.objects.order_by("pk")] == [two, one, None]


def test_an_outcome_that_comes_before_its_part_is_joined_when_it_arrives(line: Line) -> None:
    rows = [outcome(line), by_serial(line), outcome(line, inspection_id="part-7")]
    assert [one["matched"] for one in line.send(rows, url=OUTCOMES).json()["results"]] == [False, False, False]
    inspection = part(line, serial="S1")
    part(line, 7).__class__.objects.filter(inspection_id="part-7").update(station=make.make_station())
    assert join_waiting(now=timezone.now()) == 2
    assert join_waiting(now=timezone.now()) == 0
    assert Outcome.objects.filter(inspection=inspection).count() == 2
    assert join_waiting(now=timezone.now() + timedelta(days=31)) == 0


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"label": "crack"}, "label", "unknown_label"),
        ({"model": "nothing"}, "model", "not_found"),
        ({"source": "cam-9"}, "source", "unknown_source"),
        ({"source": None, "station": "line-9"}, "station", "unknown_station"),
        ({"source": None}, "station", "invalid"),
        ({"station": "line-1"}, "station", "invalid"),
        ({"inspection_id": None}, "serial", "invalid"),
        ({"serial": "S1"}, "serial", "invalid"),
        ({"attempt": 1}, "attempt", "invalid"),
        ({"inspection_id": None, "serial": "S1", "attempt": 0}, "attempt", "invalid"),
        ({"origin": "rumour"}, "origin", "invalid"),
        ({"observed_at": "2026-11-24T06:00:00"}, "observed_at", "invalid"),
        ({"observed_at": "soon"}, "observed_at", "invalid"),
        ({"observed_at": (timezone.now() + timedelta(hours=1)).isoformat()}, "observed_at", "invalid"),
        ({"note": "x" * 2001}, "note", "invalid"),
        ({"note": "a\0b"}, "note", "invalid"),
        ({"reference": 7}, "reference", "invalid"),
        ({"lable": "ok"}, "lable", "invalid"),
        ({"origin": None}, "origin", "invalid"),
    ],
)
def test_a_row_that_is_not_right_is_refused_with_its_field(
    change: dict[str, Any], field: str, code: str, line: Line
) -> None:
    answer = line.send([outcome(line), outcome(line, **change)], url=OUTCOMES)
    assert answer.status_code == 207, answer.content
    good, bad = answer.json()["results"]
    assert (good["status"], bad["status"]) == ("created", "error")
    assert (bad["error"]["row"], bad["error"]["code"], list(bad["error"]["fields"])) == (1, code, [field])
    assert Outcome.objects.count() == 1


@pytest.mark.parametrize("body", [[], [1], 1, None, "x", {}, [[]]])
def test_nonsense_is_no_500(body: Any, line: Line) -> None:
    assert line.send(body, url=OUTCOMES).status_code in {200, 400}


def test_strangers_and_other_sites_are_refused(line: Line) -> None:
    assert line.client.post(OUTCOMES).status_code == 401
    stranger = line.client
    stranger.force_login(make.make_user("charlie"))
    assert stranger.get(INCIDENTS).status_code == 404
    site_only = make.make_member("integration", user=make.make_user("line-9"), site=make.make_site())
    stranger.force_login(site_only)
    answer = stranger.post(OUTCOMES, outcome(line), content_type="application/json")
    assert error_of(answer)["code"] == "unknown_source"


def test_incidents_are_parts_that_passed_and_turned_out_to_be_defect(line: Line) -> None:
    told = {1: ["pass"], 2: ["reject"], 3: ["pass"], 4: ["pass", "reject"], 5: ["reject"]}
    for number, dispositions in told.items():
        inspection = part(line, number)
        for at, disposition in enumerate(dispositions):
            DispositionRecord.objects.create(
                inspection=inspection, disposition=disposition, created_at=make.NOW + timedelta(minutes=at)
            )
    DispositionRecord.objects.create(
        inspection=Inspection.objects.get(inspection_id="part-5"), disposition="pass", origin="reported",
        created_at=make.NOW, done_at=make.NOW,
    )  # fmt: skip
    rows = [outcome(line, inspection_id=f"part-{n}", label="ok" if n == 3 else "dent") for n in told]
    assert line.send(rows, url=OUTCOMES).status_code == 201
    found = line.client.get(INCIDENTS, headers=line.headers).json()["results"]
    assert [one["inspection_id"] for one in found] == ["part-5", "part-1"]
    assert (found[1]["label"], found[1]["origin"]) == ("dent", "complaint")
    make.make_deployment(station=make.make_station(), version=line.champion)
    elsewhere = make.make_member("auditor", site=line.model.deployments.get().station.site)
    line.client.force_login(elsewhere)
    assert line.client.get(INCIDENTS).json()["results"] == []
    none = line.client.get(INCIDENTS + "?origin=rework", headers=line.headers).json()["results"]
    assert none == []
    assert line.client.get(INCIDENTS + "?origin=rumour", headers=line.headers).status_code == 400
