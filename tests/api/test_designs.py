"""Designs over the API: the same rules as the form, once however often they are sent, and no secret among them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

import tests.factories as make
from labeling.models import DesignState
from models_registry.models import RegisteredModel
from tests.api.line import error_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def model() -> RegisteredModel:
    return make.make_model(slug="steel")


@pytest.fixture
def lena(model: RegisteredModel) -> Client:
    client = Client()
    client.force_login(make.make_member("lead", registered_model=model))
    return client


def post(client: Client, said: dict[str, Any], path: str = "") -> Any:
    return client.post(f"/api/v1/models/steel/designs/{path}", json.dumps(said), content_type="application/json")


def test_the_designs_of_a_model_are_listed_with_what_was_counted_and_without_secrets(
    lena: Client, model: RegisteredModel
) -> None:
    make.make_campaign(registered_model=model, is_active=False)
    DesignState.objects.create(design=model.designs.get(number=1), n_sampled=100, n_drawn=7, thinning=0.5)
    answer = lena.get("/api/v1/models/steel/designs/")
    said = answer.json()
    assert [(one["number"], one["kind"], one["is_active"]) for one in said["designs"]] == [
        (1, "main", True), (2, "campaign", False),
    ]  # fmt: skip
    first = said["designs"][0]
    assert (first["n_sampled"], first["n_drawn"], first["thinning"]) == (100, 7, 0.5)
    assert (said["advised_audit_share"], said["advised_because"]) == (0.8, "no error rate is known yet")
    assert model.designs.get(number=1).secret not in answer.content.decode()


def test_a_main_design_is_replaced_once_and_gets_the_share_that_is_advised(
    lena: Client, model: RegisteredModel
) -> None:
    said = {"budget": 0.2, "rules": {"certainty_labels": ["dent"]}}
    first, again = post(lena, said), post(lena, said)
    assert (first.status_code, again.status_code) == (201, 200)
    assert (first.json()["number"], first.json()["audit_share"]) == (2, 0.8)
    assert first.json() == again.json()
    assert [(one.number, one.is_active) for one in model.designs.order_by("number")] == [(1, False), (2, True)]


def test_a_campaign_is_started_changed_and_ended(lena: Client, model: RegisteredModel) -> None:
    said = {"kind": "campaign", "name": "dents", "budget": 0.5, "max_draws": 50, "until": "2100-01-01T00:00:00Z"}
    said["rules"] = {"only": {"labels": ["dent"]}}
    assert post(lena, said).json()["audit_share"] == 1
    assert post(lena, said).status_code == 200
    assert post(lena, said | {"budget": 0.6}).json()["number"] == 3
    for _ in range(2):
        ended = post(lena, {}, "3/end/")
        assert (ended.status_code, ended.json()["is_active"]) == (200, False)
    assert [one.number for one in model.designs.filter(is_active=True)] == [1]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({}, "body"),
        ({"budget": 0}, "budget"),
        ({"budget": 0.1, "audit_share": 0.4}, "audit_share"),
        ({"budget": 0.1, "name": "x"}, "name"),
        ({"budget": 0.1, "rules": {"certainty_labels": ["crack"]}}, "rules"),
        ({"budget": 0.1, "rules": {"certainty_where": [{"metadata": {"a": "\0"}}]}}, "rules"),
        ({"budget": 0.1, "rules": []}, "rules"),
        ({"budget": 0.1, "kind": "campaign", "name": "x"}, "until"),
        ({"budget": 0.1, "kind": "campaign", "name": " ", "max_draws": 3}, "name"),
        ({"budget": 0.1, "kind": "campaign", "name": "a\0", "max_draws": 3}, "name"),
        ({"budget": 0.1, "kind": "campaign", "name": "x", "until": "2020-01-01T00:00:00Z"}, "until"),
        ({"budget": 0.1, "kind": "campaign", "name": "x", "until": "2100-01-01T00:00:00"}, "until"),
        ({"budget": 0.1, "kind": "campaign", "name": "x", "until": "9999-12-31T23:59:59-14:00"}, "until"),
        ({"budget": 0.1, "kind": "campaign", "name": "x", "max_draws": 0}, "max_draws"),
    ],
)
def test_a_design_that_cannot_work_is_refused_by_the_field(
    said: dict[str, Any], field: str, lena: Client, model: RegisteredModel
) -> None:
    assert field in error_of(post(lena, said))["fields"]
    assert model.designs.count() == 1


def test_what_is_no_campaign_of_the_model_is_not_ended(lena: Client, model: RegisteredModel) -> None:
    assert error_of(post(lena, {}, "1/end/"), 409)["code"] == "not_a_campaign"
    for number in (9, 10**12):
        error_of(post(lena, {}, f"{number}/end/"), 404)
