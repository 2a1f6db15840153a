"""The line says what it did with a part: once, by any of its names, and never for a part that is not its own."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

import tests.factories as make
from labeling.models import DispositionRecord, Inspection, Review, SamplingDesign
from tests.api.line import Line, error_of

URL = "/api/v1/dispositions/"
THEN = "2026-03-02T10:00:00+01:00"


def blocking_part(line: Line, number: int = 1) -> dict[str, Any]:
    SamplingDesign.objects.update(rules={"blocking_labels": ["scratch"]})
    answer = line.send(line.row(number, serial=f"S{number}")).json()
    assert (answer["disposition"], answer["review"]) == ("hold", "blocking")
    return dict(answer)


def reported(line: Line, body: Any) -> Any:
    return line.send(body, url=URL)


def part(line: Line, **fields: Any) -> dict[str, Any]:
    return {"station": line.source.station.slug, "inspection_id": "part-1", "disposition": "reject", **fields}


def test_by_station_and_id_or_by_source_and_serial(line: Line) -> None:
    blocking_part(line)
    line.send(line.row(2, serial="S1"))
    first = reported(line, part(line, done_at=THEN))
    assert (first.status_code, first.json()["status"], first.json()["attempt"]) == (201, "created", 1)
    again = reported(line, part(line, done_at=THEN))
    assert (again.status_code, again.json()["status"]) == (200, "duplicate")
    by_serial = {"source": "cam-1", "serial": "S1", "disposition": "pass"}
    assert reported(line, by_serial).json()["attempt"] == 2
    assert reported(line, by_serial | {"attempt": 1, "done_at": THEN, "disposition": "reject"}).status_code == 200
    assert DispositionRecord.objects.filter(origin="reported").count() == 2


def test_a_part_that_left_is_not_waited_for(line: Line) -> None:
    pk = blocking_part(line)["review_id"]
    reported(line, part(line))
    review = line.client.get(f"/api/v1/reviews/{pk}/", headers=line.headers).json()
    assert (review["mode"], review["deadline"], review["status"]) == ("measuring", None, "open")


def test_each_row_of_a_list_is_answered(line: Line) -> None:
    blocking_part(line)
    rows = [part(line), part(line, inspection_id="nobody"), part(line, disposition="scrap"), part(line), 7]
    answer = reported(line, rows)
    assert answer.status_code == 207
    said = [(one["status"], one.get("error", {}).get("code")) for one in answer.json()["results"]]
    assert said == [
        ("created", None), ("error", "unknown_part"), ("error", "invalid"), ("duplicate", None), ("error", "invalid"),
    ]  # fmt: skip
    assert answer.json()["results"][1]["error"]["row"] == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"disposition": "scrap"}, "disposition"),
        ({"disposition": None}, "disposition"),
        ({"serial": "S1"}, "serial"),
        ({"source": "cam-1"}, "station"),
        ({"attempt": 1}, "attempt"),
        ({"attempt": 2**40, "serial": "S1", "inspection_id": None}, "attempt"),
        ({"done_at": "yesterday"}, "done_at"),
        ({"done_at": "2026-03-02T10:00:00"}, "done_at"),
        ({"done_at": "2199-01-01T00:00:00Z"}, "done_at"),
        ({"inspection_id": "a\0b"}, "inspection_id"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_wrong_is_named(line: Line, change: dict[str, Any], field: str) -> None:
    blocking_part(line)
    row = {name: value for name, value in part(line, **change).items() if value is not None or name == "disposition"}
    error = error_of(reported(line, row))
    assert (error["fields"].keys(), error["row"]) == ({field}, 0)
    assert not DispositionRecord.objects.filter(origin="reported").exists()


def test_a_contradiction_is_a_conflict_that_says_how_to_say_it(line: Line) -> None:
    blocking_part(line)
    reported(line, part(line, done_at=THEN))
    assert error_of(reported(line, part(line, done_at=THEN, disposition="pass")), 409)["fields"].keys() == {
        "disposition"
    }
    assert error_of(reported(line, part(line, disposition="pass")), 409)["fields"].keys() == {"done_at"}


def test_a_stranger_learns_nothing_and_an_inspector_may_not(line: Line) -> None:
    blocking_part(line)
    for role, model in (("integration", make.make_model()), ("inspector", line.model)):
        line.client.force_login(make.make_member(role, user=make.make_user(role), registered_model=model))
        answer = line.client.post(URL, part(line), content_type="application/json")
        assert error_of(answer, 404)["code"] == "unknown_part"
    assert Inspection.objects.get().dispositions.count() == 1


def test_a_review_says_what_the_line_may_do(line: Line) -> None:
    pk = blocking_part(line)["review_id"]
    url = f"/api/v1/reviews/{pk}/"
    held = line.client.get(url, headers=line.headers).json()
    assert (held["disposition"], held["release_at"], held["status"]) == ("hold", None, "open")
    now = timezone.now()
    Review.objects.update(status="settled", settled_at=now, release_at=now)
    make.make_ground_truth(registered_model=line.model, inspection=Inspection.objects.get(), label="ok")
    secret = line.client.get(url + "?wait=1", headers=line.headers)
    assert (secret.json()["status"], secret.json()["label"], secret.json()["disposition"]) == ("open", None, "hold")
    assert secret.json()["release_at"] is not None
    (listed,) = line.client.get("/api/v1/reviews/", headers=line.headers).json()["results"]
    assert (listed["status"], listed["settled_at"]) == ("open", None)
    assert line.client.get("/api/v1/ground-truth/", headers=line.headers).json()["results"] == []
    Review.objects.update(release_at=None)
    assert len(line.client.get("/api/v1/ground-truth/", headers=line.headers).json()["results"]) == 1


def test_only_who_sends_predictions_learns_what_a_measuring_part_was_answered(line: Line) -> None:
    SamplingDesign.objects.update(rules={"certainty_labels": ["scratch"]})
    answer = line.send(line.row()).json()
    assert (answer["disposition"], answer["review"]) == ("reject", "measuring")
    url = f"/api/v1/reviews/{answer['review_id']}/"
    assert line.client.get(url, headers=line.headers).json()["disposition"] == "reject"
    line.client.force_login(make.make_member("inspector", registered_model=line.model))
    assert line.client.get(url).json()["disposition"] is None


@pytest.mark.parametrize("wait", ["-1", "61", "soon", "1.5", "", "9" * 30, "٣"])
def test_a_wait_that_is_none_is_named(line: Line, wait: str) -> None:
    pk = blocking_part(line)["review_id"]
    answer = line.client.get(f"/api/v1/reviews/{pk}/", {"wait": wait}, headers=line.headers)
    assert error_of(answer)["fields"].keys() == {"wait"}
