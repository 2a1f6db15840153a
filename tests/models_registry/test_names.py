"""Aliases and tags on pages and what MLflow knows beside them; a version of its registry comes in by API."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse

from models_registry.mlflow import page_of
from models_registry.models import ModelAlias, ModelVersion, NameChange, VersionTag
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def version() -> ModelVersion:
    return make.make_version(registered_model=make.make_model(slug="steel"))


@pytest.fixture
def lena(version: ModelVersion, client: Client) -> Client:
    client.force_login(make.make_member("lead", registered_model=version.registered_model))
    return client


def test_a_lead_names_a_version_on_its_page_and_each_change_stays_with_who_made_it(
    version: ModelVersion, lena: Client
) -> None:
    page, alias, tag = (
        reverse("version", args=[version.pk]),
        reverse("alias", args=["steel"]),
        reverse("tag", args=[version.pk]),
    )
    second = make.make_version(registered_model=version.registered_model)
    assert lena.post(alias, {"name": "pilot", "version": "1", "from": version.pk})["Location"] == page
    assert lena.post(alias, {"name": "pilot", "version": "v2"})["Location"] == reverse("versions", args=["steel"])
    lena.post(tag, {"key": "validated_by", "value": "<b>bob</b>"})
    lena.post(tag, {"key": "validated_by", "value": "<b>bob</b>"})  # the same again changes nothing
    assert (ModelAlias.objects.get().version, VersionTag.objects.get().value) == (second, "<b>bob</b>")
    text = lena.get(page).content.decode()
    assert "&lt;b&gt;bob&lt;/b&gt;" in text
    assert "@champion" in text
    assert "@pilot" in lena.get(reverse("versions", args=["steel"])).content.decode()

    lena.post(alias, {"name": "pilot", "drop": ""})
    lena.post(tag, {"key": "validated_by", "drop": ""})
    kept = NameChange.objects.order_by("pk").values_list("kind", "before", "after", "changed_by__username")
    assert list(kept) == [
        ("alias", None, "v1", "lena"), ("alias", "v1", "v2", "lena"), ("tag", None, "<b>bob</b>", "lena"),
        ("alias", "v2", None, "lena"), ("tag", "<b>bob</b>", None, "lena"),
    ]  # fmt: skip


def test_what_is_no_name_is_refused_in_words_and_changes_nothing(version: ModelVersion, lena: Client) -> None:
    alias, tag = reverse("alias", args=["steel"]), reverse("tag", args=[version.pk])
    asked: list[tuple[str, dict[str, Any]]] = [
        (alias, {}), (alias, {"name": "champion", "version": "1"}), (alias, {"name": "a\x00", "version": "1"}),
        (alias, {"name": "pilot"}), (alias, {"name": "pilot", "version": "9" * 40}),
        (alias, {"name": "pilot", "version": "²"}), (alias, {"name": "pilot", "version": "7"}), (tag, {}),
        (tag, {"key": "k\x00", "value": ""}), (tag, {"key": "k", "value": "\x00"}), (tag, {"key": "k" * 121}),
    ]  # fmt: skip
    assert {lena.post(where, body).status_code for where, body in asked} == {400}
    for where, body in ((alias, {"name": "\x00", "drop": ""}), (tag, {"key": "\x00", "drop": ""})):
        assert lena.post(where, body).status_code == 302
    assert not NameChange.objects.exists()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(make.make_user("lena"))
    assert {strict.post(where, {"name": "pilot", "version": "1"}).status_code for where in (alias, tag)} == {403}


def test_the_page_leads_to_mlflow_without_the_servers_password(
    version: ModelVersion, lena: Client, settings: LazySettings
) -> None:
    settings.MLFLOW_URL = "https://robot:secret@mlflow.example.com:5000/ml/"
    make.make_push(version=version, mlflow_version="12", experiment_id="3", run_id="ab12")
    text = lena.get(reverse("version", args=[version.pk])).content.decode()
    assert 'href="https://mlflow.example.com:5000/ml/#/models/steel/versions/12"' in text
    assert 'href="https://mlflow.example.com:5000/ml/#/experiments/3/runs/ab12"' in text
    assert "secret" not in text
    (row,) = lena.get("/api/v1/models/steel/mlflow-versions/").json()["pushes"]
    assert (row["version"], row["mlflow_version"], row["problem"]) == (1, "12", "")
    assert [page_of(url, "models") for url in ("javascript:alert(1)", "", "http://[", "http://h:x")] == [""] * 4


class Registry(BaseHTTPRequestHandler):
    """What MLflow's registry answers of the model `vendor`, and of one that is broken."""

    def do_GET(self) -> None:
        known = {"name": "vendor", "version": "7", "source": "s3://models/vendor/7", "run_id": None}
        missing = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "No such version"}
        is_known = "name=vendor" in self.path and ("version=7" in self.path or "alias=best" in self.path)
        found: dict[str, Any] = {"model_version": known} if is_known else missing
        if "broken" in self.path:
            found = {"model_version": []}
        body = json.dumps(found).encode()
        self.send_response(404 if found is missing else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def registry(settings: LazySettings) -> Iterator[None]:
    server = HTTPServer(("127.0.0.1", 0), Registry)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    settings.MLFLOW_URL = f"http://127.0.0.1:{server.server_port}"
    yield
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_version_of_mlflow_comes_in_by_api_and_what_is_wrong_is_said(
    version: ModelVersion, lena: Client, registry: None, settings: LazySettings
) -> None:
    def ask(**said: Any) -> Any:
        body = {"name": "vendor", "version": "7", **said}
        return lena.post("/api/v1/models/steel/mlflow-versions/", body, content_type="application/json")

    first, again = ask(), ask(version="@best")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == {"id": first.json()["id"], "version": 2, "external_name": "vendor/7", "is_new": True}
    pulled = ModelVersion.objects.get(number=2)
    assert (pulled.origin, pulled.artifact) == ("external", "")
    assert NameChange.objects.get(name="mlflow.source").changed_by == make.make_user("lena")

    asked = [ask(**one) for one in ({"version": "8"}, {"name": "broken"}, {"version": "newest"}, {"version": "@"},
                                    {"name": "\x00"}, {"name": ""}, {"else": 1}, {"version": 7})]  # fmt: skip
    assert [one.status_code for one in asked] == [404, 502, 400, 400, 400, 400, 400, 400]
    assert all(one.json()["error"]["message"] for one in asked)
    settings.MLFLOW_URL = ""
    off = ask()
    assert (off.status_code, off.json()["error"]["code"]) == (409, "no_mlflow")
    assert ModelVersion.objects.count() == 2
