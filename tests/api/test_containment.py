"""Containment: everything that one version passed on one line between two times, with what is known of it."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

import tests.factories as make
from labeling.models import DispositionRecord, Outcome
from tests.api.line import error_of
from tests.api.test_lists import Plant, at

pytestmark = pytest.mark.django_db
DAY = "from=2026-11-23T00:00:00Z&to=2026-11-24T00:00:00Z"


@pytest.fixture
def plant(db: None) -> Plant:
    return Plant()


def asked(plant: Plant, more: str = "", *, version: str = "v2", station: str = "") -> str:
    return f"?model=steel&version={version}&station={station or plant.a.station.slug}&{DAY}{more}"


def test_it_is_what_the_version_passed_there_and_then(plant: Plant) -> None:
    plant.part("passed", serial="S-1")
    plant.part("rejected", told="reject")
    plant.part("elsewhere", source=plant.b)
    plant.part("of the old version", version=plant.old)
    plant.part("too late", captured_at=at(20))
    assert plant.seen("containment", asked(plant)) == ["passed"]
    assert plant.seen("containment", asked(plant, version="cam-net")) == ["of the old version"]
    assert plant.seen("containment", asked(plant, station=plant.b.station.slug)) == ["elsewhere"]
    assert plant.seen("containment", asked(plant, "&disposition=reject")) == ["rejected"]
    assert plant.seen("containment", asked(plant, "&disposition=any")) == ["rejected", "passed"]


def test_a_part_that_went_out_before_it_was_called_back_is_in(plant: Plant) -> None:
    one = plant.part("called back")
    DispositionRecord.objects.update(revoked_at=at(1))
    DispositionRecord.objects.create(inspection=one.inspection, disposition="reject", created_at=at(1))
    held = plant.part("held, and passed by the line itself", told="hold")
    DispositionRecord.objects.create(
        inspection=held.inspection, disposition="pass", origin="reported", created_at=at(1), done_at=at(1)
    )
    assert plant.seen("containment", asked(plant)) == ["held, and passed by the line itself", "called back"]


def test_every_part_comes_with_its_evidence(plant: Plant) -> None:
    one = plant.part("x", serial="S-1", lot="L-1", label="ok", confidence=0.97)
    review = one.inspection.reviews.get()
    make.make_verdict(review=review, label="dent")
    make.make_item(inspection=one.inspection, source=plant.a, view="back", content=make.png())
    Outcome.objects.create(
        registered_model=plant.model, station=plant.a.station, named_id="x", label=one.label, origin="complaint",
        observed_at=at(3), received_at=at(3), submitted_by=plant.lena, inspection=one.inspection,
    )  # fmt: skip
    (row,) = plant.get("containment", asked(plant)).json()["results"]
    assert (row["serial"], row["lot"], row["model"], row["version"]) == ("S-1", "L-1", "steel", "v2")
    assert (row["prediction"]["label"], row["prediction"]["confidence"]) == ("ok", 0.97)
    assert (row["disposition"], [one["origin"] for one in row["dispositions"]]) == ("pass", ["answered"])
    assert row["draw"] == {"drawn": True, "stratum": "sampled", "probability": 0.5}
    assert [(one["status"], [v["label"] for v in one["verdicts"]]) for one in row["reviews"]] == [("settled", ["dent"])]
    assert (row["ground_truth"]["label"], row["outcomes"][0]["origin"]) == ("dent", "complaint")
    assert [plant.client.get(url).status_code for url in row["images"]] == [200]


def test_the_same_as_csv_in_one_answer_however_many_pages(plant: Plant, monkeypatch: Any) -> None:
    monkeypatch.setattr("labeling.api.containment.MOST", 2)
    for number in range(5):
        plant.part(f"p{number}", captured_at=at(number / 10))
    answer = plant.get("containment", asked(plant, "&format=csv"))
    assert answer.headers["Content-Type"].startswith("text/csv")
    lines = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [line["inspection_id"] for line in lines] == ["p4", "p3", "p2", "p1", "p0"]
    assert {(line["told"], line["truth"], line["review_status"]) for line in lines} == {("pass", "dent", "settled")}
    assert len(plant.seen("containment", asked(plant, "&page_size=3"))) == 3


def test_no_cell_of_the_csv_is_a_formula(plant: Plant) -> None:
    plant.part("=1+1", serial="@SUM(A1)", lot="-3")
    answer = plant.get("containment", asked(plant, "&format=csv"))
    (line,) = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode()))
    assert (line["inspection_id"], line["serial"], line["lot"]) == ("'=1+1", "'@SUM(A1)", "'-3")


def test_the_number_of_queries_does_not_grow_with_the_page(plant: Plant, django_assert_max_num_queries: Any) -> None:
    for number in range(20):
        plant.part(f"p{number}", captured_at=at(number / 100))
    with django_assert_max_num_queries(26):
        assert len(plant.seen("containment", asked(plant))) == 20


def test_judges_do_not_find_what_they_may_yet_judge(plant: Plant) -> None:
    plant.part("open", settled=False)
    plant.part("done")
    assert plant.seen("containment", asked(plant)) == ["done", "open"]
    plant.client.force_login(make.make_member("inspector", registered_model=plant.model))
    assert plant.seen("containment", asked(plant)) == ["done"]
    text = b"".join(plant.get("containment", asked(plant, "&format=csv")).streaming_content)
    assert b"done" in text
    assert b"open" not in text


def test_what_is_missing_or_makes_no_sense_is_named(plant: Plant) -> None:
    fields = error_of(plant.get("containment"), 400)["fields"]
    assert set(fields) == {"model", "version", "station", "from", "to"}
    backwards = asked(plant).replace("from", "x").replace("to", "from").replace("x=", "to=")
    for form in ("json", "csv"):
        assert "to" in error_of(plant.get("containment", f"{backwards}&format={form}"), 400)["fields"]
        error_of(plant.get("containment", asked(plant, f"&format={form}", version="v9")), 404)
        error_of(plant.get("containment", asked(plant, f"&format={form}", station="nowhere")), 404)
    assert "format" in error_of(plant.get("containment", asked(plant, "&format=xlsx")), 400)["fields"]
