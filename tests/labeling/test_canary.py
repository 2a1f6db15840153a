"""A candidate answers for a part of the line: whole lots, some stations, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from labeling import memory
from labeling.canaries import (
    candidates_for,
    end_decided_canaries,
    running_canary,
    start_canary,
    stop_canary,
    version_in_charge,
)
from labeling.models import Canary, CanaryLot
from labeling.monitoring import keep_watch
from models_registry.models import ModelVersion, Monitor
from models_registry.services.promotion import promote, refuse
from reviewapp.errors import ReviewAppError
from tests import factories as make

pytestmark = pytest.mark.django_db
ARTIFACT: dict[str, Any] = {"artifact": "artifacts/a.skops", "artifact_sha256": "ab" * 32}


class Plant:
    """A champion and a candidate that can answer here, two stations, lena who decides."""

    def __init__(self) -> None:
        memory.forget()
        self.champion = make.make_version(**ARTIFACT)
        self.model = self.champion.registered_model
        self.candidate = make.make_version(registered_model=self.model, **ARTIFACT)
        self.here, self.there = make.make_source().station, make.make_source().station
        self.lena = make.make_user("lena")

    def start(self, **said: Any) -> Canary:
        said = {"stations": [], "lot_share": 0.5, "reason": "Two lots first.", **said}
        return start_canary(candidate=self.candidate, by=self.lena, now=make.NOW, **said)

    def asks(self, lot: str, station: Any = None) -> ModelVersion | None:
        where = (station or self.here).pk
        return version_in_charge(registered_model=self.model, station=where, lot=lot, now=make.NOW)


def test_about_the_share_of_the_lots_has_the_candidate_and_each_lot_is_whole() -> None:
    plant = Plant()
    plant.start(lot_share=0.3)
    lots = [f"L-{n}" for n in range(200)]
    first = {lot: plant.asks(lot) for lot in lots}
    assert 35 <= sum(version == plant.candidate for version in first.values()) <= 85
    assert {lot: plant.asks(lot, plant.there) for lot in lots} == first
    assert plant.asks("") == plant.champion


def test_a_lot_keeps_its_version_when_the_canary_is_stopped_or_decided_and_no_lot_begins_with_it() -> None:
    plant = Plant()
    canary = plant.start(lot_share=1.0)
    assert plant.asks("L-1") == plant.candidate
    assert stop_canary(canary=canary, by=plant.lena, reason="Enough seen.", now=make.NOW)
    assert not stop_canary(canary=canary, by=plant.lena, reason="Again.", now=make.NOW)
    assert (plant.asks("L-1"), plant.asks("L-2")) == (plant.candidate, plant.champion)

    plant.start(lot_share=1.0, stations=[plant.there])
    assert plant.asks("L-3") == plant.champion
    promote(version=plant.candidate, by=None, reason="Better.", now=make.NOW)
    assert (plant.asks("L-3"), plant.asks("L-4")) == (plant.champion, plant.candidate)
    assert end_decided_canaries(registered_model=plant.model, now=make.NOW) == 1
    assert Canary.objects.latest("pk").outcome == "promoted"


def test_a_lot_on_its_way_stays_with_the_champion() -> None:
    plant = Plant()
    part = make.make_inspection(station=plant.here, lot="L-1", received_at=make.NOW - timedelta(minutes=5))
    make.make_prediction(version=plant.champion, inspection=part)
    plant.start(lot_share=1.0)
    assert (plant.asks("L-1"), plant.asks("L-2")) == (plant.champion, plant.candidate)
    assert CanaryLot.objects.count() == 2


def test_a_lot_of_which_the_champion_has_said_something_meanwhile_stays_with_it() -> None:
    """A line that did not ask: its lot is nobody's yet, and half judged."""
    plant = Plant()
    plant.start(lot_share=1.0)
    for lot, version in (("L-1", plant.champion), ("L-2", plant.candidate)):
        part = make.make_inspection(station=plant.here, lot=lot, received_at=make.NOW + timedelta(minutes=5))
        make.make_prediction(version=version, inspection=part)
    assert (plant.asks("L-1"), plant.asks("L-2")) == (plant.champion, plant.candidate)


def test_a_part_that_comes_again_without_its_lot_is_of_its_lot() -> None:
    plant = Plant()
    plant.start(lot_share=1.0)
    part = make.make_inspection(station=plant.here, lot="L-1")
    asked: dict[str, Any] = {"registered_model": plant.model, "lot": "", "now": make.NOW}
    assert version_in_charge(station=plant.here.pk, part=part.inspection_id, **asked) == plant.candidate
    assert version_in_charge(station=plant.there.pk, part=part.inspection_id, **asked) == plant.champion
    assert version_in_charge(station=plant.here.pk, part="new", **asked) == plant.champion


def test_where_the_line_runs_the_versions_a_candidate_needs_no_artifact_here() -> None:
    plant = Plant()
    ModelVersion.objects.filter(pk=plant.candidate.pk).update(artifact="", artifact_sha256="")
    assert candidates_for(plant.model) == []
    with pytest.raises(ReviewAppError, match="no artifact"):
        plant.start()
    ModelVersion.objects.filter(registered_model=plant.model).update(artifact="", artifact_sha256="")
    assert candidates_for(plant.model) == [plant.candidate]
    plant.start(lot_share=1.0)
    assert (plant.asks("L-1"), plant.asks("L-1", plant.there)) == (plant.candidate, plant.candidate)


def test_a_canary_whose_candidate_was_promoted_meanwhile_holds_no_new_one_up() -> None:
    plant = Plant()
    plant.start()
    promote(version=plant.candidate, by=None, reason="Better.", now=make.NOW)
    assert plant.asks("L-1") == plant.candidate
    plant.candidate = make.make_version(registered_model=plant.model, **ARTIFACT)
    plant.start()
    assert [one.outcome for one in Canary.objects.order_by("pk")] == ["promoted", ""]


def test_a_station_without_lots_has_the_candidate_for_every_part() -> None:
    plant = Plant()
    plant.start(stations=[plant.here], lot_share=None)
    assert (plant.asks(""), plant.asks("", plant.there)) == (plant.candidate, plant.champion)
    refuse(version=plant.candidate, by=plant.lena, reason="Misses dents.", now=make.NOW)
    assert plant.asks("") == plant.champion
    end_decided_canaries(registered_model=plant.model, now=make.NOW)
    assert (Canary.objects.get().outcome, running_canary(plant.model)) == ("refused", None)


def test_what_cannot_be_a_canary_is_refused() -> None:
    plant = Plant()
    for said in ({"lot_share": None}, {"lot_share": 0.0}, {"reason": " "}):
        with pytest.raises(ReviewAppError):
            plant.start(**said)
    plant.start()
    with pytest.raises(ReviewAppError, match="runs already"):
        plant.start()
    plant.candidate = plant.champion
    with pytest.raises(ReviewAppError):
        plant.start()


def test_its_candidate_is_watched_beside_the_champion_and_an_alarm_is_its_own() -> None:
    plant = Plant()
    plant.model.target_accuracy = 0.95
    plant.model.save()
    watch: dict[str, Any] = {"registered_model": plant.model, "champion": plant.champion, "now": make.NOW}
    keep_watch(**watch, canary=plant.candidate)
    running = Monitor.objects.filter(ended_at=None)
    assert {one.model_version_id for one in running} == {plant.champion.pk, plant.candidate.pk}
    keep_watch(**watch)
    assert {one.model_version_id for one in running.all()} == {plant.champion.pk}


def test_a_lead_starts_and_stops_it_on_its_page() -> None:
    plant = Plant()
    make.make_deployment(station=plant.here, version=plant.champion)
    make.make_member("lead", user=plant.lena, registered_model=plant.model)
    client = Client()
    client.force_login(plant.lena)
    page = reverse("canary", args=[plant.model.slug])
    assert plant.here.name in client.get(page).content.decode()
    start = {"candidate": plant.candidate.pk, "lot_share": "20", "reason": "First"}
    for wrong in ({"lot_share": "many"}, {"lot_share": "nan"}, {"stations": "no\x00where"}, {"stations": "nowhere"},
                  {"reason": "a\x00"}, {"change_number": "\x00"}, {"candidate": "9" * 18}):  # fmt: skip
        assert (client.post(page, start | wrong).status_code, Canary.objects.count()) == (400, 0)
    said = {"candidate": plant.candidate.pk, "stations": plant.here.slug, "lot_share": "20", "reason": "First"}
    refused = client.post(page, said | {"lot_share": "many"}).content.decode()
    assert f'value="{plant.here.slug}" checked' in refused  # what was ticked stays ticked
    assert client.post(page, said).status_code == 302
    assert running_canary(plant.model).lot_share == pytest.approx(0.2)  # type: ignore[union-attr]
    assert "v2 answers for a part" in client.get(page).content.decode()
    assert client.post(reverse("canary-stop", args=[plant.model.slug]), {"reason": "Seen"}).status_code == 302
    assert Canary.objects.get().outcome == "stopped"
