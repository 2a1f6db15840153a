"""Why not now, what was decided so far, and systems that ask for a run: once, within the policy."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

import tests.factories as make
from labeling.keys import issue_key
from models_registry.models import RegisteredModel, RetrainingDecision, RetrainingRequest
from tests.api.line import error_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def model() -> RegisteredModel:
    return make.make_model(slug="steel", retraining={"min_new_labels": 4})


@pytest.fixture
def plant(model: RegisteredModel) -> dict[str, str]:
    """A key that may ask for runs and nothing else."""
    user = make.make_member("integration", registered_model=model, user=make.make_user("plant"))
    return {"Authorization": f"Bearer {issue_key(user=user, name='mes', now=make.NOW, verbs=['retrain'])[1]}"}


def ask(plant: dict[str, str], body: Any, **headers: str) -> Any:
    address, kind = "/api/v1/models/steel/retraining-requests/", "application/json"
    return Client().post(address, json.dumps(body), content_type=kind, headers=plant | headers)


def test_a_system_asks_once_however_often_it_sends_and_is_told_what_holds_it_back(plant: dict[str, str]) -> None:
    first, again = (ask(plant, {"reason": "New material."}, **{"Idempotency-Key": "a-1"}) for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert RetrainingRequest.objects.get().reason == "New material."
    said = first.json()["decision"]
    assert (said["retrain"], said["cause"], said["reason"]) == (False, "event", "0 labels in all, 50 needed.")
    other = ask(plant, {"reason": "Another."}, **{"Idempotency-Key": "a-1"})
    assert other.status_code == 409


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": " "}, {"reason": "a\0b"}, {"reason": 7}, [], {"x": 1}])
def test_what_says_no_reason_is_refused(plant: dict[str, str], body: Any) -> None:
    answer = ask(plant, body)

    assert answer.status_code == 400
    assert error_of(answer)["fields"]
    assert not RetrainingRequest.objects.exists()


def test_the_ledger_is_read_page_by_page_and_reading_writes_nothing(model: RegisteredModel) -> None:
    client = Client()
    client.force_login(make.make_member("auditor", registered_model=model))
    for n in range(3):
        make.make_decision(registered_model=model, n_repeats=n, decided_at=make.NOW + timedelta(days=n))
    make.make_decision()  # of another model

    first = client.get("/api/v1/models/steel/retraining/decisions/?page_size=2").json()
    last = client.get(first["next"]).json()

    assert [one["n_repeats"] for one in (*first["results"], *last["results"])] == [2, 1, 0]
    assert last["next"] is None
    now = client.get("/api/v1/models/steel/retraining/").json()
    assert (now["retrain"], now["reason"]) == (False, "Waiting for new labels: 0 of 4.")
    assert {"performance", "drift", "schedule", "event", "new_labels"} <= {one["name"] for one in now["causes"]}
    assert RetrainingDecision.objects.count() == 4
    assert client.get("/api/v1/models/steel/retraining/decisions/?cursor=x").status_code == 400
