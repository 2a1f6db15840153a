"""Who may open the station, and what its page carries."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from labeling.models import Review
from labeling.views.station import MODULES, label_buttons
from models_registry.models import RegisteredModel
from tests import factories as make

pytestmark = pytest.mark.django_db


def as_member(client: Client, model: RegisteredModel, role: str, name: str) -> Client:
    client.force_login(make.make_member(role, user=make.make_user(name), registered_model=model))
    return client


def config_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script id="station-config" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    config: dict[str, Any] = json.loads(found.group(1))
    return config


@pytest.fixture
def model() -> RegisteredModel:
    return make.make_model(slug="flange", name="Flange surface")


def test_alice_opens_the_station_of_her_model(client: Client, model: RegisteredModel) -> None:
    alice = make.make_member("inspector", registered_model=model)
    client.force_login(alice)
    answer = client.get("/review/flange/")
    assert answer.status_code == 200
    assert "csrftoken" in answer.cookies
    assert "no-store" in answer["Cache-Control"]
    config = config_of(answer.content.decode())
    assert (config["model"], config["person"]) == ({"slug": "flange", "name": "Flange surface"}, alice.pk)
    assert [(one["slug"], one["hotkey"]) for one in config["labels"]] == [("ok", "1"), ("scratch", "2"), ("dent", "3")]
    assert config["policy"] == {"min_view_ms": 250, "allow_suggestion": True, "lease_seconds": 300, "buffer": 4}
    assert config["urls"]["undo"] == "/api/v1/verdicts/{id}/undo/"
    assert config["urls"]["heartbeat"] == "/api/v1/reviews/{id}/heartbeat/"


def test_the_page_has_no_inline_script_or_style(client: Client, model: RegisteredModel) -> None:
    page = as_member(client, model, "inspector", "alice").get("/review/flange/").content.decode()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", page)
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", page) == ['<script id="station-config" type="application/json">']


def test_opening_the_page_claims_nothing(client: Client, model: RegisteredModel) -> None:
    make.make_review(registered_model=model)
    as_member(client, model, "inspector", "alice").get("/review/flange/")
    assert not Review.objects.filter(claimed_by__isnull=False).exists()


def test_charlie_is_not_told_that_the_model_exists(client: Client, model: RegisteredModel) -> None:
    client.force_login(make.make_user("charlie"))
    assert client.get("/review/flange/").status_code == 404


def test_an_auditor_sees_the_model_but_does_not_judge(client: Client, model: RegisteredModel) -> None:
    answer = as_member(client, model, "auditor", "otto").get("/review/flange/")
    assert answer.status_code == 403
    assert "judge its images" in answer.content.decode()


@pytest.mark.parametrize("path", ["/review/", "/review/flange/"])
def test_who_is_not_signed_in_goes_to_the_login(client: Client, model: RegisteredModel, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer["Location"]) == (302, f"/login/?next={path}")


def test_who_has_one_queue_is_taken_to_it(client: Client, model: RegisteredModel) -> None:
    answer = as_member(client, model, "inspector", "alice").get("/review/")
    assert (answer.status_code, answer["Location"]) == (302, "/review/flange/")


def test_who_has_several_queues_chooses_by_their_open_counts(client: Client, model: RegisteredModel) -> None:
    other = make.make_model(slug="bearing", name="Bearing")
    make.make_model(slug="gone", name="Retired model", is_active=False)
    for one in (model, other, RegisteredModel.objects.get(slug="gone")):
        as_member(client, one, "inspector", "alice")
    for _ in range(3):
        make.make_review(registered_model=other)
    answer = client.get("/review/")
    assert [(queue["model"].slug, queue["n_open"]) for queue in answer.context["queues"]] == [
        ("bearing", 3),
        ("flange", 0),
    ]
    assert "Retired model" not in answer.content.decode()


@pytest.mark.parametrize("name", ["charlie", "otto"])
def test_who_has_no_queue_is_told_who_can_change_that(client: Client, model: RegisteredModel, name: str) -> None:
    make.make_member("auditor", user=make.make_user("otto"), registered_model=model)
    client.force_login(make.make_user(name))
    answer = client.get("/review/")
    assert answer.status_code == 200
    assert "No queue is yours" in answer.content.decode()
    assert "An administrator or the ML lead" in answer.content.decode()


def test_labels_are_escaped_on_the_page(client: Client) -> None:
    labels = make.make_label_set(labels=[("ok", "OK", "1"), ("evil", "</script><b>bold</b>", "2")])
    model = make.make_model(slug="evil", label_set=labels)
    page = as_member(client, model, "inspector", "alice").get("/review/evil/").content.decode()
    assert "<b>bold" not in page
    assert config_of(page)["labels"][1]["name"] == "</script><b>bold</b>"


def test_without_suggestions_there_is_no_button_for_them(client: Client) -> None:
    model = make.make_model(slug="plain", review={"allow_suggestion": False})
    page = as_member(client, model, "inspector", "alice").get("/review/plain/").content.decode()
    assert 'id="suggested"' not in page


class TestLabelButtons:
    def keys(self, *labels: tuple[str, str, str]) -> list[str]:
        return [one["hotkey"] for one in label_buttons(make.make_label_set(labels=labels).labels.all())]

    def test_the_sets_own_keys_hold(self) -> None:
        assert self.keys(("ok", "OK", "1"), ("other", "Other", "o")) == ["1", "O"]

    def test_a_key_that_the_station_needs_is_replaced(self) -> None:
        assert self.keys(("ok", "OK", "1"), ("burr", "Burr", "b"), ("nick", "Nick", "z")) == ["1", "2", "3"]

    def test_labels_without_a_key_get_the_free_digits_and_the_tenth_gets_none(self) -> None:
        labels = [(f"label-{number}", f"Label {number}", "3" if number == 0 else "") for number in range(11)]
        assert self.keys(*labels) == ["3", "1", "2", "4", "5", "6", "7", "8", "9", "", ""]


def test_every_module_is_asked_for_at_once() -> None:
    """The page names them all: else a browser finds one after the other, a round trip each."""
    folder = Path(__file__).parents[2] / "labeling" / "static" / "labeling"
    found, seen = ["station.js"], {"station.js"}
    while found:
        imported = set(re.findall(r'^import .* from "\./(\w+\.js)";', (folder / found.pop()).read_text(), re.MULTILINE))
        found += imported - seen
        seen |= imported
    assert sorted(f"labeling/{name}" for name in seen - {"station.js"}) == sorted(MODULES)
