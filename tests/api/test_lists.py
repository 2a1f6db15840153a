"""Lists: what was asked for and no more, page by page, only what the person may see, and blind where judging is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

import tests.factories as make
from labeling.models import DispositionRecord, Membership, Prediction
from labeling.paging import Position
from models_registry.models import RegisteredModel
from tests.api.line import error_of

pytestmark = pytest.mark.django_db
LISTS = ("predictions", "inspections", "reviews", "ground-truth", "dispositions", "versions")
OF_PARTS = LISTS[:-1]


class Plant:
    """Two lines at two sites, a model, and parts with a prediction, a draw, a disposition, a review and a label."""

    def __init__(self) -> None:
        self.model: RegisteredModel = make.make_model(slug="steel")
        self.old = make.make_version(registered_model=self.model, stage="retired", external_name="cam-net")
        self.new = make.make_version(registered_model=self.model)
        self.a, self.b = make.make_source(slug="cam-a"), make.make_source(slug="cam-b")
        self.lena = make.make_member("lead", registered_model=self.model)
        self.client = Client(raise_request_exception=True)
        self.client.force_login(self.lena)

    def part(self, name: str, *, source: Any = None, version: Any = None, **fields: Any) -> Prediction:
        source = source or self.a
        said = {key: fields.pop(key) for key in ("label", "confidence") if key in fields}
        told, settled = fields.pop("told", "pass"), fields.pop("settled", True)
        inspection = make.make_inspection(station=source.station, inspection_id=name, **fields)
        make.make_item(inspection=inspection, source=source)
        make.make_selection(inspection=inspection, registered_model=self.model)
        prediction = make.make_prediction(version=version or self.new, inspection=inspection, **said)
        DispositionRecord.objects.create(
            inspection=inspection, prediction=prediction, disposition=told, created_at=inspection.received_at
        )
        make.make_review(prediction=prediction, status="settled" if settled else "open")
        if settled:
            make.make_ground_truth(registered_model=self.model, inspection=inspection, label="dent")
        return prediction

    def get(self, what: str, query: str = "") -> Any:
        return self.client.get(f"/api/v1/{what}/{query}")

    def seen(self, what: str, query: str = "") -> list[str]:
        answer = self.get(what, query)
        assert answer.status_code == 200, answer.content
        return [row["inspection_id"] for row in answer.json()["results"]]


@pytest.fixture
def plant(db: None) -> Plant:
    return Plant()


def at(hours: float) -> datetime:
    return make.NOW + timedelta(hours=hours)


@pytest.mark.parametrize("what", LISTS)
def test_pages_follow_each_other_without_gap_or_repetition(what: str, plant: Plant) -> None:
    for number in range(7):
        moment = at(number // 3)  # some share their moment
        plant.part(f"p{number}", source=(plant.a, plant.b)[number % 2], captured_at=moment)
        make.make_version(registered_model=plant.model, stage="retired")
    whole = plant.get(what).json()
    assert whole["next"] is None
    pages = list(walk(plant, what, "?page_size=2"))
    assert [len(page) for page in pages[:-1]] == [2] * (len(pages) - 1)
    assert [row["id"] for page in pages for row in page] == [row["id"] for row in whole["results"]]
    assert len({row["id"] for row in whole["results"]}) >= 7


def walk(plant: Plant, what: str, query: str) -> Iterator[list[dict[str, Any]]]:
    url: str | None = f"/api/v1/{what}/{query}"
    while url:
        page = plant.client.get(url).json()
        yield page["results"]
        url = page["next"]


@pytest.mark.parametrize("what", ["predictions", "inspections"])
def test_what_arrives_while_somebody_reads_moves_no_page(what: str, plant: Plant) -> None:
    for number in range(4):
        plant.part(f"p{number}", captured_at=at(number))
    first = plant.get(what, "?page_size=2").json()
    plant.part("newer", captured_at=at(9))
    second = plant.client.get(first["next"]).json()
    assert [row["inspection_id"] for row in (*first["results"], *second["results"])] == ["p3", "p2", "p1", "p0"]


EACH = {
    "model=steel": ["y", "x"],
    "station={b}": ["y"],
    "source=cam-b": ["y"],
    "inspection_id=x": ["x"],
    "serial=S-1": ["x"],
    "lot=L-1": ["x"],
    "since={noon}": ["y"],
    "until={noon}": ["x"],
}
OWN = {
    "predictions": {
        "model=steel&version=cam-net": ["x"], "model=steel&version=2": ["y"], "model=steel&version=v1": ["x"],
        "label=dent": ["y"], "label=scratch": ["x"], "confidence_min=0.5": ["x"], "confidence_max=0.5": ["y"],
        "disposition=reject": ["x"], "disposition=hold": [],
    },
    "inspections": {"disposition=pass": ["y"], "purpose=production": ["y", "x"], "purpose=demo": []},
    "reviews": {"status=settled": ["y", "x"], "status=open": [], "mode=measuring": ["y", "x"]},
    "ground-truth": {"label=dent": ["y", "x"], "label=ok": [], "outcome=bad_image": []},
    "dispositions": {"disposition=reject": ["x"], "origin=reported": [], "origin=answered": ["y", "x"]},
}  # fmt: skip


@pytest.mark.parametrize("what", OF_PARTS)
def test_every_filter_says_what_it_says(what: str, plant: Plant) -> None:
    plant.part("x", version=plant.old, serial="S-1", lot="L-1", told="reject", captured_at=at(-1))
    plant.part("y", source=plant.b, label="dent", confidence=0.4, captured_at=at(1))
    noon, b = quote(make.NOW.isoformat()), plant.b.station.slug
    asked = {query.format(noon=noon, b=b): names for query, names in {**EACH, **OWN[what]}.items()}
    if what == "ground-truth":  # what the factories settle is settled when it was made
        asked = {query: names for query, names in asked.items() if "since" not in query and "until" not in query}
    assert {query: plant.seen(what, f"?{query}") for query in asked} == asked


def test_versions_are_listed_by_model_stage_and_origin(plant: Plant) -> None:
    make.make_version(stage="rejected")
    of_steel = [row["version"] for row in plant.get("versions", "?model=steel").json()["results"]]
    assert of_steel == ["v2", "v1"]
    assert [row["external_name"] for row in plant.get("versions", "?stage=retired").json()["results"]] == ["cam-net"]
    assert plant.get("versions", "?origin=observed").json()["results"] == []


ODD = {
    "modle=steel": "modle", "model=": "model", "model=steel&model=zinc": "model", "model=a%00b": "model",
    "model=" + "x" * 121: "model", "page_size=0": "page_size", "page_size=501": "page_size",
    "page_size=-1": "page_size", "page_size=x": "page_size", "page_size=%C2%B2": "page_size", "cursor=x": "cursor",
    "cursor=": "cursor", "cursor=WzFd%00": "cursor", "cursor=W10": "cursor", "cursor=" + "W" * 300: "cursor",
    "cursor=%C2%B2": "cursor", "offset=5": "offset",
}  # fmt: skip


@pytest.mark.parametrize("what", LISTS)
def test_what_cannot_be_meant_is_refused_with_its_name(what: str, plant: Plant) -> None:
    found = {query: error_of(plant.get(what, f"?{query}"), 400)["fields"] for query in ODD}
    assert {query: list(fields) for query, fields in found.items()} == {query: [name] for query, name in ODD.items()}


OUT_OF_RANGE = [
    "confidence_min=nan", "confidence_min=inf", "confidence_min=1.01", "confidence_max=-0.1", "confidence_min=x",
    "confidence_min=1e999", "since=yesterday", "since=2026-11-24", "since=2026-11-24T06:00:00",
    "since=0001-01-01T00:00:00%2B14:00", "until=9999-12-31T23:59:59-14:00", "since=2026-13-01T00:00:00Z",
    "since=2026-11-24T06:00:00+01:00", "until=2099-03-05T15:34:41-20:50", "disposition=scrap", "version=3",
]  # fmt: skip


def test_a_value_out_of_range_is_refused_with_its_name(plant: Plant) -> None:
    for query in OUT_OF_RANGE:
        assert list(error_of(plant.get("predictions", f"?{query}"), 400)["fields"]) == [query.partition("=")[0]]


def test_what_is_not_there_is_not_found(plant: Plant) -> None:
    for query in ("model=zinc", "station=nowhere", "model=steel&version=9", "model=steel&version=v"):
        error_of(plant.get("predictions", f"?{query}"), 404)


@pytest.mark.parametrize("what", LISTS)
def test_a_cursor_of_another_list_is_refused(what: str, plant: Plant) -> None:
    timed = what in {"predictions", "inspections"}
    other = Position(5, None if timed else make.NOW).as_text()
    error_of(plant.get(what, f"?cursor={other}"), 400)
    assert plant.get(what, f"?cursor={Position(5, make.NOW if timed else None).as_text()}").status_code == 200


@pytest.mark.parametrize("what", LISTS)
def test_a_stranger_finds_nothing_and_nobody_is_let_in_without_a_name(what: str, plant: Plant) -> None:
    plant.part("x")
    plant.client.force_login(make.make_user("charlie"))
    assert plant.get(what).json() == {"next": None, "next_cursor": None, "results": []}
    error_of(plant.get(what, "?model=steel"), 404)
    plant.client.logout()
    error_of(plant.get(what), 401)


@pytest.mark.parametrize("what", OF_PARTS)
def test_a_member_of_a_site_sees_that_sites_parts(what: str, plant: Plant) -> None:
    plant.part("here")
    plant.part("there", source=plant.b)
    make.make_deployment(station=plant.a.station, version=plant.new)
    bob = make.make_user("bob")
    Membership.objects.create(user=bob, role="auditor", site=plant.a.station.site)
    plant.client.force_login(bob)
    assert plant.seen(what) == ["here"]
    assert plant.seen(what, "?model=steel") == ["here"]
    assert plant.seen(what, f"?station={plant.b.station.slug}") == []


@pytest.mark.parametrize("what", OF_PARTS)
def test_another_models_parts_are_not_seen(what: str, plant: Plant) -> None:
    plant.part("mine")
    other = Plant.__new__(Plant)
    other.__dict__ = {**plant.__dict__, "model": make.make_model(slug="zinc")}
    other.new = make.make_version(registered_model=other.model)
    other.part("theirs")
    assert plant.seen(what) == ["mine"]
    plant.client.force_login(make.make_user("root", is_superuser=True))
    assert plant.seen(what) == ["theirs", "mine"]
    assert plant.seen(what, "?model=zinc") == ["theirs"]


@pytest.mark.parametrize("role", Membership.Role.values)
def test_who_may_still_judge_a_part_does_not_learn_what_the_model_said(role: str, plant: Plant) -> None:
    plant.part("open", settled=False, told="reject")
    plant.part("done")
    someone: User = make.make_member(role, user=make.make_user("someone"), registered_model=plant.model)
    plant.client.force_login(someone)
    blind = role in {"inspector", "adjudicator"}
    for what in ("predictions", "inspections", "dispositions"):
        for query in ("", "?model=steel"):
            assert plant.seen(what, query) == (["done"] if blind else ["done", "open"])
        assert plant.seen(what, "?disposition=reject") == ([] if blind else ["open"])


def test_an_inspector_of_a_site_is_blind_there_too(plant: Plant) -> None:
    plant.part("open", settled=False)
    plant.part("done")
    make.make_deployment(station=plant.a.station, version=plant.new)
    bob = make.make_user("bob")
    Membership.objects.create(user=bob, role="inspector", site=plant.a.station.site)
    plant.client.force_login(bob)
    assert {what: plant.seen(what) for what in ("predictions", "inspections", "dispositions")} == {
        "predictions": ["done"], "inspections": ["done"], "dispositions": ["done"],
    }  # fmt: skip


def test_the_list_of_reviews_says_nothing_that_the_judge_must_not_know(plant: Plant) -> None:
    plant.part("open", settled=False, label="dent")
    (row,) = plant.get("reviews").json()["results"]
    assert not {"prediction", "label", "confidence", "disposition", "reason"} & set(row)


def test_a_list_never_writes(plant: Plant) -> None:
    plant.part("x")
    with CaptureQueriesContext(connection) as asked:
        for what in LISTS:
            plant.get(what)
    assert {query["sql"].split()[0] for query in asked.captured_queries} == {"SELECT", "SET", "SAVEPOINT", "RELEASE"}


def test_what_takes_too_long_is_said_to_be_too_broad(plant: Plant, monkeypatch: Any) -> None:
    monkeypatch.setattr("labeling.paging.PATIENCE_MS", 1)
    monkeypatch.setattr("labeling.api.listed.told", lambda ids: _sleep())
    plant.part("x")
    assert error_of(plant.get("predictions"), 400)["code"] == "too_broad"


def _sleep() -> Any:
    return list(Prediction.objects.extra(where=["pg_sleep(0.1) IS NULL"]))
