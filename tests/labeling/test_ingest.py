"""Ingest under concurrency: twins in the same moment are stored once, and everyone gets an answer."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from django.test import Client

import tests.factories as make
from labeling.keys import issue_key
from labeling.models import DispositionRecord, Inspection, Prediction, Review, SamplingDesign, Selection
from models_registry.models import Alert, ModelVersion, RegisteredModel
from tests.together import all_done

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def key() -> str:
    model = make.make_model(slug="steel", design={"budget": 1, "audit_share": 1})
    make.make_version(registered_model=model, external_name="")
    make.make_source(slug="cam-1")
    user = make.make_member("integration", user=make.make_user("line-3"), registered_model=model)
    return issue_key(user=user, name="line 3", now=make.NOW)[1]


def row(number: object, **fields: Any) -> dict[str, Any]:
    part = {
        "model": "steel",
        "version": 1,
        "source": "cam-1",
        "inspection_id": f"part-{number}",
        "label": "ok",
        "scores": {"ok": 1},
    }
    return part | fields


def send(key: str, rows: Any, *, query: str = "") -> Any:
    body, headers = json.dumps(rows), {"Authorization": f"Bearer {key}"}
    return Client().post(f"/api/v1/predictions/{query}", body, content_type="application/json", headers=headers)


def test_twin_requests_in_the_same_moment_store_once_and_get_one_answer(key: str) -> None:
    answers = all_done([partial(send, key, row(1, serial="S1"))] * 8)

    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({json.dumps(answer.json() | {"status": ""}) for answer in answers}) == 1
    for table in (Inspection, Prediction, Selection, Review, DispositionRecord):
        assert table.objects.count() == 1


def test_a_serial_seen_in_the_same_moment_counts_every_attempt(key: str) -> None:
    answers = all_done([partial(send, key, row(number, serial="S1")) for number in range(10)])

    assert [answer.status_code for answer in answers] == [201] * 10
    assert sorted(answer.json()["attempt"] for answer in answers) == list(range(1, 11))


def test_an_unknown_version_is_observed_once_with_one_alert(key: str) -> None:
    answers = all_done([partial(send, key, row(number, version="build-9")) for number in range(8)])

    assert [answer.status_code for answer in answers] == [201] * 8
    assert ModelVersion.objects.filter(external_name="build-9").count() == 1
    assert Alert.objects.count() == 1
    assert Prediction.objects.filter(model_version__external_name="build-9").count() == 8


def test_views_that_arrive_in_the_same_moment_make_one_part(key: str) -> None:
    answers = all_done([partial(send, key, row(1, view=f"view-{number}")) for number in range(6)])

    assert [answer.status_code for answer in answers] == [201] * 6
    assert Inspection.objects.get().items.count() == 6
    assert {one["view"] for one in Prediction.objects.get().findings} == {f"view-{number}" for number in range(6)}


def test_two_contents_for_one_key_in_the_same_moment_let_one_win(key: str) -> None:
    answers = all_done([partial(send, key, row(1, label=label, scores={label: 1})) for label in ("ok", "dent")])

    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert Prediction.objects.count() == 1


def test_lists_that_cross_in_one_transaction_do_not_end_in_a_deadlock(key: str) -> None:
    rows = [row(number) for number in range(12)]

    answers = all_done([partial(send, key, order, query="?atomic=true") for order in (rows, rows[::-1]) * 2])

    assert {answer.status_code for answer in answers} <= {200, 201}
    assert Inspection.objects.count() == 12


def test_two_versions_of_one_part_in_the_same_moment_share_one_draw(key: str) -> None:
    make.make_version(registered_model=RegisteredModel.objects.get(), external_name="")

    answers = all_done([partial(send, key, row(1, version=number)) for number in (1, 2) * 3])

    assert {answer.status_code for answer in answers} <= {200, 201}
    assert (Prediction.objects.count(), Selection.objects.count(), Review.objects.count()) == (2, 1, 1)


def test_a_model_without_a_design_gets_one_by_its_first_parts(key: str) -> None:
    SamplingDesign.objects.all().delete()

    answers = all_done([partial(send, key, row(number)) for number in range(6)])

    assert [answer.status_code for answer in answers] == [201] * 6
    assert SamplingDesign.objects.count() == 1
