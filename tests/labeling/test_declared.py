"""Imported labels measure only what a person declared, apart from what was drawn, and under that person's name."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client

import tests.factories as make
from labeling.declared import declarations, declare_sample, measure_declared, withdraw_sample
from labeling.measurement import evaluate
from labeling.models import DeclaredSample, Station
from models_registry.models import Evaluation, ModelVersion
from reviewapp.errors import Conflict, ReviewAppError
from tests.admin.doors import act, address

pytestmark = pytest.mark.django_db
NOW = make.NOW


@pytest.fixture
def version() -> ModelVersion:
    return make.make_version()


@pytest.fixture
def station() -> Station:
    return make.make_station()


def imported(
    version: ModelVersion, station: Station, n: int, *, wrong: int = 0, lot: str = "", said: bool = True,
    **fields: Any,
) -> None:  # fmt: skip
    for number in range(n):
        inspection = make.make_inspection(station=station, purpose="import", lot=lot, **fields)
        make.make_ground_truth(registered_model=version.registered_model, inspection=inspection, label="ok")
        if said:
            make.make_prediction(version=version, inspection=inspection, label="dent" if number < wrong else "ok")


def declare(version: ModelVersion, station: Station, **fields: Any) -> DeclaredSample:
    said = {"lot": "", "population": 1000, "as_of": date(2026, 11, 20), "note": "Drawn by random numbers.", "now": NOW}
    lena = make.make_user("lena")
    return declare_sample(registered_model=version.registered_model, station=station, by=lena, **{**said, **fields})


def test_imported_labels_alone_measure_nothing(version: ModelVersion, station: Station) -> None:
    imported(version, station, 40, wrong=4)
    measure_declared(version.registered_model, now=NOW)
    evaluation = evaluate(version, now=NOW + timedelta(hours=1))
    assert evaluation is not None
    assert (evaluation.n, evaluation.value, Evaluation.objects.count()) == (0, None, 1)


def test_a_declaration_measures_under_its_own_slice_and_leaves_the_drawn_estimate_alone(
    version: ModelVersion, station: Station
) -> None:
    imported(version, station, 40, wrong=4)
    drawn = evaluate(version, now=NOW + timedelta(hours=1))
    sample = declare(version, station)
    measure_declared(version.registered_model, now=NOW)  # nothing changed: nothing is recorded
    found = Evaluation.objects.get(slice=sample.slice)
    assert (found.value, found.n, found.n_found, found.n_arrived) == (0.9, 40, 4, 1000)
    assert (found.method, found.window_start.date()) == ("declared_srs_wilson", date(2026, 11, 20))
    assert evaluate(version, now=NOW + timedelta(hours=2)) is None
    assert Evaluation.objects.get(slice="") == drawn
    assert declarations(version) == [(sample, found)]


def test_which_parts_belong_to_it_is_fixed_and_a_lot_can_be_meant(version: ModelVersion, station: Station) -> None:
    imported(version, station, 30, lot="A")
    imported(version, station, 10, wrong=10, lot="B")
    sample = declare(version, station, lot="A")
    imported(version, station, 10, wrong=10, lot="A")
    measure_declared(version.registered_model, now=NOW)
    assert (sample.n_sampled, Evaluation.objects.get(slice=sample.slice).value) == (30, 1.0)


def test_a_version_that_did_not_see_all_of_it_is_not_measured(version: ModelVersion, station: Station) -> None:
    imported(version, station, 30)
    imported(version, station, 1, said=False)
    declare(version, station)
    assert not Evaluation.objects.exists()


def test_a_version_trained_here_is_measured_on_what_was_held_out_alone(station: Station) -> None:
    trained = make.make_version(origin="trained", training_run=make.make_run(status="succeeded"))
    imported(trained, station, 40, wrong=0, partition="train")
    imported(trained, station, 40, wrong=8, partition="holdout")
    sample = declare(trained, station, population=800)
    found = Evaluation.objects.get(slice=sample.slice)
    assert (found.value, found.n, found.n_arrived) == (0.8, 40, 400)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"population": 9}, "population"),
        ({"lot": "B"}, "lot"),
        ({"as_of": date(2026, 11, 24)}, "as_of"),
        ({"note": "  "}, "note"),
    ],
)
def test_what_cannot_be_declared_is_refused_with_its_field(
    change: dict[str, Any], field: str, version: ModelVersion, station: Station
) -> None:
    imported(version, station, 10)
    with pytest.raises(ReviewAppError) as refusal:
        declare(version, station, **change)
    assert list(refusal.value.fields) == [field]
    assert not DeclaredSample.objects.exists()


def test_a_withdrawn_declaration_is_shown_no_more(version: ModelVersion, station: Station) -> None:
    imported(version, station, 40)
    sample = declare(version, station)
    withdraw_sample(sample=sample, now=NOW)
    assert declarations(version) == []
    with pytest.raises(Conflict):
        withdraw_sample(sample=sample, now=NOW)


def test_the_model_page_says_declared_by_whom_and_when(version: ModelVersion, station: Station, client: Client) -> None:
    imported(version, station, 40, wrong=4)
    client.force_login(make.make_member("auditor", registered_model=version.registered_model))
    assert "Declared" not in client.get(version.registered_model.get_absolute_url()).content.decode()
    declare(version, station)
    page = client.get(version.registered_model.get_absolute_url()).content.decode()
    for words in (
        "Declared",
        "90.0",
        "40 of 1,000 parts, 4 wrong",
        "Lena declared on 23 November 2026",
        "20 November 2026",
    ):
        assert words in page
    assert "Not measurable yet" in page  # nothing was drawn


def test_a_sample_is_declared_and_withdrawn_in_the_admin_under_ones_own_name(
    version: ModelVersion, station: Station, client: Client, django_user_model: Any
) -> None:
    client.force_login(django_user_model.objects.create_superuser("root"))
    imported(version, station, 40)
    body = {
        "registered_model": version.registered_model_id, "station": station.pk, "lot": "", "population": "5",
        "as_of": "2026-11-20", "note": "Random numbers",
    }  # fmt: skip
    assert b"not larger than" in client.post(address(DeclaredSample, "add"), body).content
    assert client.post(address(DeclaredSample, "add"), body | {"population": "500"}).status_code == 302
    sample = DeclaredSample.objects.get()
    assert (sample.declared_by.username, sample.n_sampled, sample.parts.count()) == ("root", 40, 40)
    assert "was withdrawn" in act(client, [sample], "withdraw")[0]


def test_a_sample_is_declared_over_the_api(version: ModelVersion, station: Station, client: Client) -> None:
    model = version.registered_model
    client.force_login(make.make_member("lead", registered_model=model))
    imported(version, station, 40)
    body = {"station": station.slug, "population": 500, "as_of": "2026-11-20", "note": "Random numbers"}
    url = f"/api/v1/models/{model.slug}/declared-samples/"
    answer = client.post(url, body, content_type="application/json")
    assert (answer.status_code, answer.json()["declared_by"]) == (201, "lena")
    bad = client.post(url, body | {"population": "many"}, content_type="application/json")
    assert (bad.status_code, list(bad.json()["error"]["fields"])) == (400, ["population"])
    elsewhere = client.post(url, body | {"station": "nowhere"}, content_type="application/json")
    assert elsewhere.status_code == 404
