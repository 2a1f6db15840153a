"""A person's own keys, and the golden samples of a model, through the API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

import tests.factories as make
from labeling.models import KeyMap
from models_registry.models import RegisteredModel
from tests.api.line import error_of

pytestmark = pytest.mark.django_db

KEYS = "/api/v1/models/steel/keys/"


@pytest.fixture
def model() -> RegisteredModel:
    return make.make_model(slug="steel")


@pytest.fixture
def alice(model: RegisteredModel) -> Client:
    client = Client()
    client.force_login(make.make_member(registered_model=model))
    return client


def put(client: Client, keys: Any, url: str = KEYS) -> Any:
    return client.put(url, json.dumps({"keys": keys}), content_type="application/json")


def test_changed_keys_hold_and_are_answered_with_all_the_others(alice: Client) -> None:
    said = put(alice, {"unsure": "q", "label:dent": "d"}).json()
    assert said["own"] == {"unsure": "q", "label:dent": "d"}
    assert (said["actions"]["unsure"], said["actions"]["undo"]) == (["q"], ["z", "backspace"])
    assert said["labels"] == {"ok": "1", "scratch": "2", "dent": "d"}
    assert alice.get(KEYS).json() == said


def test_a_key_that_is_taken_is_refused_and_nothing_changes(alice: Client) -> None:
    put(alice, {"unsure": "q"})
    error = error_of(put(alice, {"unsure": "1"}), 409)
    assert (error["code"], error["fields"]) == ("key_taken", {"unsure": "1 is the key of “OK”."})
    assert KeyMap.objects.get().keys == {"unsure": "q"}


def test_keys_of_another_models_labels_stay(alice: Client) -> None:
    other = make.make_label_set(labels=[("hole", "Hole", "1")])
    foundry = make.make_model(slug="foundry", label_set=other)
    make.make_member(registered_model=foundry)
    put(alice, {"label:hole": "o"}, "/api/v1/models/foundry/keys/")
    put(alice, {"label:dent": "d"})
    assert KeyMap.objects.get().keys == {"label:hole": "o", "label:dent": "d"}


def test_everybody_has_keys_of_their_own(alice: Client, model: RegisteredModel) -> None:
    put(alice, {"unsure": "q"})
    bob = Client()
    bob.force_login(make.make_member(user=make.make_user("bob"), registered_model=model))
    assert bob.get(KEYS).json()["own"] == {}


@pytest.mark.parametrize("keys", [[], {"unsure": 3}, {"unsure": ""}, {"unsure": "x" * 13}, None])
def test_what_is_no_map_of_keys_is_refused(alice: Client, keys: Any) -> None:
    assert put(alice, keys).status_code == 400
    assert not KeyMap.objects.exists()


def test_the_station_prints_a_persons_own_keys(alice: Client) -> None:
    put(alice, {"unsure": "q"})
    page = alice.get("/review/steel/").content.decode()
    assert '<kbd class="key" data-cap="unsure">Q</kbd>' in page


def test_golden_samples_come_in_the_order_of_the_labels(alice: Client, model: RegisteredModel) -> None:
    dent = make.make_golden(registered_model=model, label="dent", caption="From 3 mm on: reject")
    make.make_golden(registered_model=model, label="ok")
    make.make_golden()  # of another model
    samples = alice.get("/api/v1/models/steel/golden/").json()["samples"]
    assert [(one["label"], one["caption"]) for one in samples] == [
        ("ok", "Good part, certified in October"),
        ("dent", "From 3 mm on: reject"),
    ]
    assert str(dent.item.public_id) in samples[1]["item"]["url"]
