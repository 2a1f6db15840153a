"""A canary by API: a line that runs versions itself asks which, and what cannot be one is refused by its field."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from labeling import memory
from labeling.models import Canary, Inspection, Prediction
from models_registry.models import ModelVersion
from tests import factories as make
from tests.api.line import Line, error_of

CANARIES = "/api/v1/models/steel/canaries/"
SERVING = "/api/v1/models/steel/serving/"


@pytest.fixture
def lead(line: Line) -> Client:
    memory.forget()
    client = Client()
    client.force_login(make.make_member("lead", registered_model=line.model))
    return client


def start(lead: Client, **said: Any) -> Any:
    body = {"version": 2, "lot_share": 1.0, "reason": "Two lots first", **said}
    return lead.post(CANARIES, body, content_type="application/json")


def test_a_line_that_runs_its_versions_asks_once_a_lot_and_sends_what_it_was_told(line: Line, lead: Client) -> None:
    """As docs/api.md shows it: both versions are the line's own, so nothing is answered here."""
    ModelVersion.objects.filter(pk=line.champion.pk).update(external_name="net-7")
    make.make_version(registered_model=line.model, external_name="net-8")
    assert line.send({"source": "cam-1", "lot": "L-1"}, url=SERVING).json()["external_name"] == "net-7"
    assert line.send(line.row(1, version="net-7", lot="L-1", serial="S1")).status_code == 201
    assert start(lead).status_code == 201

    told = {lot: line.send({"source": "cam-1", "lot": lot}, url=SERVING).json() for lot in ("L-1", "L-2", "L-2")}
    assert {lot: one["external_name"] for lot, one in told.items()} == {"L-1": "net-7", "L-2": "net-8"}
    assert told["L-2"] == {"version": 2, "external_name": "net-8", "is_canary": True}
    sent = [
        line.row(n, version=told[lot]["external_name"], lot=lot, serial=f"S{n}") for n, lot in ((2, "L-1"), (3, "L-2"))
    ]
    assert line.send(sent).status_code == 201
    del sent[1]["lot"]  # sent again by something that has forgotten it
    again = line.send(sent).json()
    assert [one["status"] for one in again["results"]] == ["duplicate", "duplicate"]
    assert Inspection.objects.get(inspection_id="part-3").lot == "L-2"
    assert Prediction.objects.filter(model_version__number=2).count() == 1


def test_a_second_canary_and_one_of_the_champion_are_refused(line: Line, lead: Client) -> None:
    make.make_version(registered_model=line.model, external_name="net-8")
    make.make_version(registered_model=line.model, external_name="net-9")
    assert error_of(start(lead, version=1), 409)["code"] == "stage_refused"
    assert start(lead).status_code == 201
    assert error_of(start(lead, version=3), 409)["code"] == "canary_runs"
    assert Canary.objects.count() == 1


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"lot_share": 0}, "lot_share"), ({"lot_share": "all"}, "lot_share"), ({"lot_share": None}, "stations"),
        ({"stations": ["nowhere"]}, "stations"), ({"stations": ["\x00"]}, "stations"), ({"stations": 7}, "stations"),
        ({"version": -1}, "version"), ({"version": 10**30}, "version"), ({"reason": " "}, "reason"),
        ({"reason": "\x00"}, "reason"), ({"change_number": "9" * 61}, "change_number"), ({"else": 1}, "body"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_canary_is_refused_by_its_field(
    line: Line, lead: Client, said: dict[str, Any], field: str
) -> None:
    make.make_version(registered_model=line.model)
    assert field in error_of(start(lead, **said))["fields"]
    assert not Canary.objects.exists()


@pytest.mark.parametrize(
    "body", [{}, [], 7, {"source": "nowhere"}, {"source": "\x00"}, {"source": "cam-1", "lot": "x" * 121}]
)
def test_who_asks_for_a_version_in_a_wrong_way_is_told(line: Line, body: Any) -> None:
    assert error_of(line.send(body, url=SERVING))["fields"]
