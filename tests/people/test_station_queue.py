"""One queue across the models of a station: who may open it, what comes first, and whose labels the page carries."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from labeling.models import Membership, Review
from tests import factories as make

pytestmark = pytest.mark.django_db


class Line:
    """Two models at one station, and a part of one of them elsewhere. alice judges both, bob the first."""

    def __init__(self) -> None:
        self.station, self.elsewhere = make.make_station(slug="line-a", name="Line A"), make.make_station()
        screws = make.make_label_set(labels=[("fine", "Fine", "1"), ("bent", "Bent", "2")])
        self.flange = make.make_model(slug="flange", name="Flange", review={"lease_seconds": 60})
        self.screw = make.make_model(slug="screw", name="Screw", label_set=screws, review={"min_view_ms": 500})
        for model in (self.flange, self.screw):
            version = make.make_version(registered_model=model)
            for station in (self.station, self.elsewhere):
                make.make_deployment(station=station, version=version)
        self.alice = make.make_member(registered_model=self.flange)
        make.make_member(registered_model=self.screw)
        self.bob = make.make_member(user=make.make_user("bob"), registered_model=self.flange)

    def part(self, model: Any, *, station: Any = None, **fields: Any) -> Review:
        inspection = make.make_inspection(station=station or self.station)
        if fields.get("mode") == "blocking":
            fields |= {"deadline": timezone.now() + timedelta(minutes=5), "default_disposition": "hold", "priority": 0}
        return make.make_review(registered_model=model, inspection=inspection, **fields)

    def claim(self, user: User, n: Any = 9, **said: Any) -> Any:
        client = Client()
        client.force_login(user)
        address = f"/api/v1/stations/{self.station.slug}/reviews/claim/"
        return client.post(address, {"n": n, **said}, content_type="application/json")


@pytest.fixture
def line() -> Line:
    return Line()


def handed(answer: Any) -> list[tuple[int, str]]:
    return [(one["id"], one["model"]) for one in answer.json()["reviews"]]


def test_parts_that_wait_come_first_then_the_oldest_of_whatever_model(line: Line) -> None:
    parts = [line.part(model) for model in (line.flange, line.screw, line.flange, line.screw)]
    waits = line.part(line.screw, mode="blocking")
    line.part(line.flange, station=line.elsewhere)
    answer = line.claim(line.alice)
    assert handed(answer) == [
        (waits.pk, "screw"), (parts[0].pk, "flange"), (parts[1].pk, "screw"),
        (parts[2].pk, "flange"), (parts[3].pk, "screw"),
    ]  # fmt: skip
    said = answer.json()
    assert (said["n_open"], said["n_mine_today"], said["recent"]) == (5, 0, [])


def test_each_part_keeps_the_lease_of_its_own_model(line: Line) -> None:
    line.part(line.flange)
    line.part(line.screw)
    line.claim(line.alice)
    until = {one.registered_model_id: one.claim_expires_at for one in Review.objects.all()}
    assert until[line.screw.pk] - until[line.flange.pk] == timedelta(seconds=240)  # type: ignore[operator]


def test_nobody_is_handed_a_part_of_a_model_that_is_not_theirs_or_that_another_holds(line: Line) -> None:
    first, other = line.part(line.flange), line.part(line.flange)
    line.part(line.screw)
    assert handed(line.claim(line.bob, n=1)) == [(first.pk, "flange")]
    assert (other.pk, "flange") in handed(line.claim(line.alice))
    assert handed(line.claim(line.bob)) == [(first.pk, "flange")]


def test_what_is_left_out_is_not_counted(line: Line) -> None:
    line.part(line.flange)
    said: dict[str, Any] = {"with": []}
    assert set(line.claim(line.alice, **said).json()) == {"reviews"}


def test_ones_last_verdicts_there_name_their_model(line: Line) -> None:
    review = line.part(line.flange)
    make.make_verdict(review=review, reviewer=line.alice, label="dent", said_at=timezone.now())
    make.make_verdict(review=line.part(line.flange, station=line.elsewhere), reviewer=line.alice, label="dent")
    answer = line.claim(line.alice).json()
    assert [(one["review"], one["model"]) for one in answer["recent"]] == [(review.pk, "flange")]
    assert answer["n_mine_today"] == 1


def test_a_stranger_and_a_member_of_another_place_learn_nothing(line: Line) -> None:
    stranger, neighbour = make.make_user("charlie"), make.make_user("nina")
    Membership.objects.create(user=neighbour, role="inspector", site=make.make_site())
    assert [line.claim(one).status_code for one in (stranger, neighbour)] == [404, 404]
    Membership.objects.create(user=neighbour, role="inspector", site=line.station.site)
    assert line.claim(neighbour).status_code == 200


@pytest.mark.parametrize("body", [{"n": "x"}, {"holding": ["x"]}, {"with": ["more"]}, {"label": "dent"}])
def test_what_is_not_asked_rightly_is_refused(line: Line, body: dict[str, Any]) -> None:
    assert line.claim(line.alice, **{"n": 1, **body}).status_code == 400


def page_of(line: Line, user: User) -> tuple[str, dict[str, Any]]:
    client = Client()
    client.force_login(user)
    page = client.get("/review/station/line-a/").content.decode()
    found = re.search(r'<script id="station-config" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    config: dict[str, Any] = json.loads(found.group(1))
    return page, config


def test_the_page_carries_labels_keys_and_rules_of_each_model(line: Line) -> None:
    page, config = page_of(line, line.alice)
    models = config["models"]
    assert {slug: [one["slug"] for one in said["labels"]] for slug, said in models.items()} == {
        "flange": ["ok", "scratch", "dent"], "screw": ["fine", "bent"],
    }  # fmt: skip
    assert (models["flange"]["policy"]["min_view_ms"], models["screw"]["policy"]["min_view_ms"]) == (250, 500)
    assert config["policy"]["lease_seconds"] == 60  # the shortest: leases are prolonged in time for all
    assert config["urls"]["claim"] == "/api/v1/stations/line-a/reviews/claim/"
    assert config["model"] == {"slug": "station.line-a", "name": "Line A"}
    assert page.count("data-labels-of=") == 2
    assert "data-remap" not in page  # a key that is free in one model may be a label's in another
    assert len(re.findall(r'id="(?:it-is|wait|suggested)"', page)) == 3


def test_who_judges_one_model_there_sees_that_one(line: Line) -> None:
    page, config = page_of(line, line.bob)
    assert set(config["models"]) == {"flange"}
    assert "data-remap" in page


def test_the_list_of_queues_has_stations_too(line: Line) -> None:
    line.part(line.flange)
    line.part(line.screw)
    client = Client()
    client.force_login(line.alice)
    page = client.get("/review/")
    assert ("line-a", 2) in [(one["station"].slug, one["n_open"]) for one in page.context["places"]]
    assert "/review/station/line-a/" in page.content.decode()
    said = client.get("/api/v1/queues/").json()["stations"]
    assert {"slug": "line-a", "name": "Line A", "n_open": 2} in said


def test_notes_of_the_last_shift_stand_on_the_stations_page(line: Line) -> None:
    make.make_note(station=line.station, shown_until=timezone.now() + timedelta(hours=1))
    make.make_note(station=line.station, text="long gone")
    page, _ = page_of(line, line.alice)
    assert "The lamp flickers" in page
    assert "Bob, " in page
    assert "long gone" not in page
