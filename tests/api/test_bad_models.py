"""Artifacts that are not what was registered, a full disk, two promotions at once: told in words, never half done."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from typing import Any

import pytest
from celery import current_app
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client

import tests.factories as make
from models_registry import serving
from models_registry.models import Alert, Dataset, LabelMapping, ModelVersion, Promotion, RegisteredModel, TrainingRun
from models_registry.services.label_sets import make_next_set
from tests.api.line import Line, counts, draw_everything, error_of, image
from tests.full_disk import full_disk
from tests.together import all_done
from tests.unit.test_onnx_model import BRIGHT_IS_OK, linear

PREDICT = "/api/v1/models/steel/predict/"


@pytest.fixture
def champion(line: Line) -> ModelVersion:
    """Says ok or dent. Nothing of it is warm."""
    serving.warm.clear()
    content = linear(BRIGHT_IS_OK)
    sha256 = hashlib.sha256(content).hexdigest()
    key = default_storage.save(f"artifacts/{sha256}.onnx", ContentFile(content))
    ModelVersion.objects.filter(pk=line.champion.pk).update(artifact=key, artifact_sha256=sha256)
    line.champion.refresh_from_db()
    return line.champion


def sent(line: Line, number: int) -> Any:
    fields = {"inspection_id": f"part-{number}", "source": "cam-1", "serial": f"S{number}", "image": image()}
    return line.send_form(fields, url=PREDICT)


def put(key: str, content: bytes) -> None:
    default_storage.delete(key)
    default_storage.save(key, ContentFile(content))


def test_a_tampered_artifact_is_refused_with_an_alert_and_serves_again_when_it_is_put_back(
    line: Line, champion: ModelVersion
) -> None:
    content, before = default_storage.open(champion.artifact).read(), counts()
    put(champion.artifact, content[:-1] + b"!")

    assert error_of(sent(line, 1), 409)["code"] == "hash_mismatch"

    alert = Alert.objects.get(kind="artifact_refused")
    assert alert.slice == champion.short_name
    assert "Put the file back, or roll back" in alert.message
    Alert.objects.filter(pk=alert.pk).delete()
    assert counts() == before
    put(champion.artifact, content)
    assert sent(line, 1).status_code == 201


def test_a_champion_that_says_a_class_which_the_label_set_lost_is_refused_in_words(
    line: Line, champion: ModelVersion
) -> None:
    newer = make_next_set(line.model.label_set)
    gone = newer.labels.get(slug="dent")
    LabelMapping.objects.filter(new_label=gone).update(new_label=None)
    gone.delete()
    RegisteredModel.objects.update(label_set=newer)
    before = counts()

    answer = sent(line, 1)

    assert 400 <= answer.status_code < 500
    assert "dent" in json.dumps(error_of(answer, answer.status_code))
    assert counts() == before


def test_a_full_disk_takes_no_image_and_says_that_it_may_later(line: Line) -> None:
    fields = line.row() | {"scores": '{"ok": 0.1, "scratch": 0.9}', "image": image()}
    before = counts()
    with full_disk(after=10):
        answer = line.send_form(fields)
    assert error_of(answer, 503)["code"] == "store_unavailable"
    assert counts() == before
    assert line.send_form(fields | {"image": image()}).status_code == 201


RETRAIN = "/models/steel/retrain/"


@pytest.fixture
def lena(line: Line) -> Client:
    """Leads a model with four labels to learn from."""
    for number in range(4):
        part = make.make_inspection()
        make.make_item(inspection=part, content=make.png(shade=number))
        make.make_ground_truth(registered_model=line.model, inspection=part, label="ok" if number % 2 else "scratch")
    client = Client()
    client.force_login(make.make_member("lead", registered_model=line.model))
    return client


def test_a_person_who_starts_a_run_on_a_full_disk_is_told_and_nothing_is_frozen(lena: Client) -> None:
    with full_disk(after=10):
        answer = lena.post(RETRAIN, {"reason": "New lamp."})
    assert answer.status_code == 503
    assert not Dataset.objects.exists()
    assert not TrainingRun.objects.exists()
    assert lena.post(RETRAIN, {"reason": "New lamp."}).status_code == 302


@pytest.fixture
def dead_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages go to an address where nobody listens."""
    monkeypatch.setitem(current_app.conf, "broker_write_url", "redis://127.0.0.1:9/0")
    monkeypatch.setattr(current_app.amqp, "_producer_pool", None)


@pytest.mark.django_db(transaction=True)
def test_what_is_committed_is_answered_though_nobody_takes_the_message(
    line: Line, lena: Client, champion: ModelVersion, dead_broker: None
) -> None:
    draw_everything(line)
    assert lena.post(RETRAIN, {"reason": "New lamp."}).status_code == 302
    assert TrainingRun.objects.get().status == "queued"  # the sweeper tells a worker
    assert sent(line, 1).status_code == 201  # and its image is prepared when somebody asks for it


@pytest.mark.django_db(transaction=True)
def test_two_promotions_at_once_make_one_champion_and_the_other_is_told(line: Line) -> None:
    candidates = [make.make_version(registered_model=line.model) for _ in range(2)]
    for candidate in candidates:
        make.make_comparison(candidate=candidate, champion=line.champion)
    root = make.make_user("root", is_superuser=True)

    def promote(version: ModelVersion) -> tuple[int, str]:
        client = Client()
        client.force_login(root)
        address = f"/api/v1/versions/{version.pk}/promote/"
        answer = client.post(address, {"reason": "Better."}, content_type="application/json")
        return answer.status_code, answer.json().get("error", {}).get("code", "")

    found = all_done([partial(promote, one) for one in candidates])

    assert sorted(status for status, _ in found) == [200, 409]
    assert {code for status, code in found if status == 409} <= {"champion_changed", "stage_refused"}
    assert ModelVersion.objects.filter(stage="champion").count() == 1
    assert Promotion.objects.filter(action="promote").count() == 1  # the later one also refuses the earlier
