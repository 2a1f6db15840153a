"""The link to MLflow, against a real server: what it is told, told again, told late, and what is taken from it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from models_registry.mlflow import MlflowClient, MlflowError, open_mlflow
from models_registry.models import Alert, MlflowPush, ModelVersion
from models_registry.services.aliases import drop_alias, set_alias, set_tag
from models_registry.services.mlflow_link import due, push
from models_registry.services.promotion import promote
from models_registry.tasks import push_to_mlflow
from tests import factories as make
from tests.conftest import PROJECT

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.timeout(300)]
PYTHON = PROJECT / ".venv" / "mlflow" / "bin" / "python"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real `mlflow server` with SQLite on loopback."""
    if not PYTHON.exists():
        if os.environ.get("REQUIRE_MLFLOW") == "1":
            pytest.fail("MLflow is missing and REQUIRE_MLFLOW=1 (make mlflow)")
        pytest.skip("MLflow is missing")
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(PYTHON), "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{folder}/m.db"]
    command += ["--artifacts-destination", str(folder / "files"), "--host", "127.0.0.1", "--port", str(port)]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "MLFLOW_DISABLE_TELEMETRY": "true"}
    with Path(folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, "--workers", "1"], env=environment, stdout=log, stderr=log,
                                   start_new_session=True)  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, process)
        yield address
    finally:
        os.killpg(process.pid, 15)
        process.wait(30)


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + 200
    while time.monotonic() < ends and process.poll() is None:
        try:
            if httpx.get(f"{address}/health", trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.3)
    pytest.fail("the MLflow server did not start")


@pytest.fixture
def client(server: str) -> Iterator[MlflowClient]:
    with open_mlflow(server, token="", seconds=60) as client:
        yield client


def trained() -> tuple[ModelVersion, ModelVersion]:
    """A champion from elsewhere, and a candidate that was trained here."""
    champion = make.make_version()
    model = champion.registered_model
    run = make.make_run(dataset=make.make_dataset(registered_model=model), status="succeeded")
    candidate = make.make_version(
        registered_model=model, training_run=run, origin="trained", external_name="",
        metrics={"holdout_accuracy": 0.93, "holdout_n": 240, "holdout_low": None},
    )  # fmt: skip
    return champion, candidate


def tell_all(client: MlflowClient) -> int:
    return sum(push(version_id=pk, client=client, now=make.NOW) for pk in due(now=make.NOW))


def there(client: MlflowClient, version: ModelVersion) -> dict[str, Any]:
    row = MlflowPush.objects.get(version=version)
    return client.version(version.registered_model.slug, row.mlflow_version)


def tags(of: dict[str, Any]) -> dict[str, str]:
    return {one["key"]: one["value"] for one in of["tags"]}


def test_runs_versions_aliases_and_digests_are_there_and_nothing_twice(client: MlflowClient) -> None:
    champion, candidate = trained()
    slug = champion.registered_model.slug
    set_alias(registered_model=candidate.registered_model, name="pilot", version=candidate, now=make.NOW)
    set_tag(version=candidate, key="validated_by", value="lena", now=make.NOW)
    assert tell_all(client) == 2
    assert tell_all(client) == 0
    assert tags(there(client, candidate)) == {
        "reviewapp.version": "2", "reviewapp.stage": "candidate", "validated_by": "lena",
    }  # fmt: skip
    run = client.call("GET", "runs/get", {"run_id": there(client, candidate)["run_id"]})["run"]
    measured = {one["key"]: one["value"] for one in run["data"]["metrics"]}
    assert measured == {"holdout_accuracy": 0.93, "holdout_n": 240}
    dataset = candidate.training_run.dataset  # type: ignore[union-attr]
    assert run["inputs"]["dataset_inputs"][0]["dataset"]["digest"] == dataset.sha256[:36]
    assert run["info"]["status"] == "FINISHED"
    assert client.aliased(slug, "champion") == there(client, champion)["version"]

    promote(version=candidate, by=None, reason="Better.", now=make.NOW)
    drop_alias(registered_model=candidate.registered_model, name="pilot", now=make.NOW)
    assert tell_all(client) == 2
    assert client.aliased(slug, "champion") == there(client, candidate)["version"]
    assert client.aliased(slug, "pilot") is None
    assert tags(there(client, champion))["reviewapp.stage"] == "retired"

    MlflowPush.objects.all().delete()  # a backup from before: everything is told again, and found
    assert tell_all(client) == 2
    found = client.call("GET", "model-versions/search", {"filter": f"name='{slug}'"})["model_versions"]
    assert sorted(tags(one)["reviewapp.version"] for one in found) == ["1", "2"]


def test_a_version_of_its_registry_comes_in_by_reference_and_once(
    client: MlflowClient, server: str, settings: LazySettings
) -> None:
    model = make.make_model()
    client.registered("vendor")
    number = client.make_version("vendor", source="s3://models/vendor/7", run_id="", tags={})
    client.call("POST", "registered-models/alias", {"name": "vendor", "alias": "best", "version": number})
    settings.MLFLOW_URL = server
    for wanted in (number, "@best"):
        call_command("pull_mlflow", model.slug, "vendor", wanted, stdout=StringIO())
    version = model.versions.get()
    assert (version.origin, version.external_name, version.artifact) == ("external", f"vendor/{number}", "")
    assert version.tags.get(key="mlflow.source").value == "s3://models/vendor/7"
    assert version.pk not in due(now=make.NOW)
    for wanted in ("@worst", "99", "newest"):
        with pytest.raises(CommandError):
            call_command("pull_mlflow", model.slug, "vendor", wanted, stdout=StringIO())


def test_a_server_that_is_away_is_an_alert_and_told_later(client: MlflowClient, settings: LazySettings) -> None:
    candidate = trained()[1]
    settings.MLFLOW_URL = "http://127.0.0.1:9"
    push_to_mlflow()
    row = MlflowPush.objects.get(version=candidate)
    assert (row.n_failed, row.state_sha256) == (1, "")
    assert set(Alert.objects.filter(kind="mlflow", resolved_at=None).values_list("slice", flat=True)) == {"v1", "v2"}
    assert row.next_attempt_at is not None
    assert due(now=row.next_attempt_at - timedelta(seconds=30)) == []
    later = row.next_attempt_at + timedelta(minutes=5)
    assert all(push(version_id=pk, client=client, now=later) for pk in due(now=later))
    assert not Alert.objects.filter(kind="mlflow", resolved_at=None).exists()


def test_an_answer_that_is_no_json_is_a_refusal() -> None:
    page = httpx.MockTransport(lambda request: httpx.Response(200, text="<html>a proxy</html>"))
    with httpx.Client(base_url="http://mlflow", transport=page) as plain, pytest.raises(MlflowError):
        MlflowClient(plain).registered("steel")
