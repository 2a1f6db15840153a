"""Who trains a model is chosen by name, from what the operator declared; a run keeps what it was told and its price."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

import tests.factories as make
from models_registry.models import PolicyChange, RegisteredModel, RetrainingPolicy
from models_registry.run_cost import cost_of
from models_registry.services.training import request_training
from tests.admin.doors import address, form_of
from tests.labeling.test_policy_page import form

pytestmark = pytest.mark.django_db
API = "/api/v1/models/steel/trainer/"


@pytest.fixture
def model(settings: Any, tmp_path: Path) -> RegisteredModel:
    settings.TRAINERS_FILE = tmp_path / "trainers.toml"
    settings.TRAINERS_FILE.write_text('[trainers.gpu]\nkind = "command"\ncommand = ["/opt/train"]\n')
    return make.make_model(slug="steel")


@pytest.fixture
def lena(model: RegisteredModel) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(make.make_member("lead", registered_model=model, user=make.make_user("lena")))
    return client


def put(client: Client, body: Any) -> Any:
    return client.put(API, json.dumps(body), content_type="application/json")


def test_by_the_api_and_what_is_not_declared_is_refused_with_the_list(lena: Client, model: RegisteredModel) -> None:
    assert lena.get(API).json() == {
        "trainer": "builtin", "trainers": ["builtin", "gpu"], "balanced": False, "search_seconds": 30.0,
        "hour_price": None,
    }  # fmt: skip
    assert put(lena, {"trainer": "gpu", "balanced": True, "hour_price": 2}).json()["trainer"] == "gpu"
    assert put(lena, {"trainer": "gpu"}).status_code == 200

    refused = put(lena, {"trainer": "cpu", "balanced": False})

    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "trainer_unknown")
    assert "There are: builtin, gpu." in refused.json()["error"]["fields"]["trainer"]
    assert RetrainingPolicy.objects.get().balanced  # nothing of it was done
    kept = {name: ends for one in PolicyChange.objects.filter(via="api") for name, ends in one.fields.items()}
    assert kept == {"trainer": ["builtin", "gpu"], "balanced": [False, True], "hour_price": [None, 2]}
    for wrong in ({"search_seconds": -1}, {"search_seconds": 4000}, {"hour_price": "2"}, {"trainer": ""}, {"x": 1}, 7):
        assert put(lena, wrong).status_code == 400


def test_by_the_page_and_the_admin(lena: Client, model: RegisteredModel) -> None:
    assert lena.post("/models/steel/policy/", form(model, trainer="nobody")).status_code == 400
    assert lena.post("/models/steel/policy/", form(model, trainer="gpu", search_seconds="0")).status_code == 302
    model.refresh_from_db()
    assert (model.trainer, RetrainingPolicy.objects.get().search_seconds) == ("gpu", 0)

    root = Client()
    root.force_login(make.make_user("root", is_staff=True, is_superuser=True))
    body = form_of(root, model)
    assert root.post(address(RegisteredModel, "change", model.pk), body | {"trainer": "nobody"}).status_code == 200
    assert root.post(address(RegisteredModel, "change", model.pk), body | {"trainer": "builtin"}).status_code == 302
    model.refresh_from_db()
    assert model.trainer == "builtin"
    said = PolicyChange.objects.filter(fields__has_key="trainer").values_list("via", "changed_by__username")
    assert set(said) == {("page", "lena"), ("admin", "root")}


def test_by_files_where_the_name_must_be_one_of_that_server(model: RegisteredModel, tmp_path: Path) -> None:
    file = tmp_path / "model.yaml"
    file.write_text("kind: model\nslug: steel\ntrainer: gpu\nretraining:\n  balanced: true\n")
    call_command("apply", file, stdout=io.StringIO())
    model.refresh_from_db()
    assert (model.trainer, RetrainingPolicy.objects.get().balanced) == ("gpu", True)
    assert PolicyChange.objects.get(fields__has_key="trainer").via == "file"
    call_command("export_config", tmp_path / "out")
    assert "trainer: gpu" in (tmp_path / "out" / "models.yaml").read_text()

    file.write_text("kind: model\nslug: steel\ntrainer: cpu\n")
    with pytest.raises(CommandError, match=r"trainer.*There are: builtin, gpu"):
        call_command("apply", file)


def test_a_run_keeps_what_it_was_told_and_what_an_hour_of_it_costs(lena: Client, model: RegisteredModel) -> None:
    put(lena, {"balanced": True, "search_seconds": 5, "hour_price": 36})
    make.make_costs(registered_model=model, currency="EUR")
    run = request_training(
        dataset=make.make_dataset(registered_model=model), trigger="person", reason="Now.", now=make.NOW
    )
    put(lena, {"hour_price": 72, "balanced": False})

    run.refresh_from_db()
    assert run.config == {"balanced": True, "search_seconds": 5.0}
    begun = make.NOW
    run.steps.filter(name="collect").update(started_at=begun, finished_at=begun + timedelta(seconds=10))
    run.steps.filter(name="features").update(started_at=begun + timedelta(seconds=60), finished_at=None)
    cost = cost_of(run, run.steps.all(), now=begun + timedelta(seconds=100))
    assert cost is not None
    assert cost.took == timedelta(seconds=50)
    assert cost.sum == pytest.approx(0.5)
    page = lena.get(run.get_absolute_url()).content.decode()
    assert "Balanced: yes" in page
    assert "built-in" in page
    assert "€\xa036" in page
