"""A version from an ONNX file, by every way in: tried apart, refused in words, compared, and decided by a person."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

from models_registry import files, serving
from models_registry.errors import FileRefused, NameTaken
from models_registry.manifest import ManifestImage, ManifestRow, Query
from models_registry.models import Dataset, ModelVersion, RegisteredModel
from models_registry.services import recomparing
from models_registry.services.datasets import freeze_dataset
from models_registry.services.registering import register_file
from models_registry.training import onnx_trial, trial
from models_registry.training.errors import ArtifactError, TrainingDataError
from tests import factories as make
from tests.admin.doors import address
from tests.unit.test_onnx_model import BRIGHT_IS_OK, DECLARED, linear, picture

pytestmark = pytest.mark.django_db
API = "/api/v1/models/steel/versions/"


def slugs(model: RegisteredModel) -> list[str]:
    return list(model.label_set.labels.values_list("slug", flat=True))


def fitting(model: RegisteredModel, sign: float = 1) -> bytes:
    """Says the first label of what is bright, or else the second."""
    classes = slugs(model)
    weights = np.zeros((BRIGHT_IS_OK.shape[0], len(classes)))
    weights[:, :2] = BRIGHT_IS_OK * sign
    return linear(weights, declared=DECLARED | {"classes": classes})


def frozen_with(model: RegisteredModel, parts: list[list[bytes]]) -> Dataset:
    """A dataset whose held-out parts have these views; beside them two to learn from."""
    rows = []
    for number, views in enumerate([*parts, [picture(1)], [picture(2)]]):
        images = []
        for data in views:
            sha256 = hashlib.sha256(data).hexdigest()
            files.put(f"images/{sha256}.png", data)
            images.append(ManifestImage(f"images/{sha256}.png", sha256))
        held = number < len(parts)
        rows.append(
            ManifestRow(
                inspection=f"1/{number}", group=f"g{number}", partition="holdout" if held else "train",
                label=slugs(model)[number % 2], weight=1.0, pi=0.5 if held else None, images=tuple(images),
                part=f"P{number}", arrived_at=make.NOW.isoformat(),
            )
        )  # fmt: skip
    return freeze_dataset(registered_model=model, rows=rows, query=Query("All."), cutoff=make.NOW, code_version="test")


@pytest.fixture
def model() -> RegisteredModel:
    return make.make_model(slug="steel")


@pytest.fixture
def lena(model: RegisteredModel) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(make.make_member("lead", registered_model=model, user=make.make_user("lena")))
    return client


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same trial in this process: a child takes a second, and one test has it."""
    monkeypatch.setattr("models_registry.services.registering.try_apart", in_this_process)


def in_this_process(path: Path, *, sha256: str) -> trial.Trial:
    try:
        return onnx_trial.try_out(path, sha256=sha256)
    except TrainingDataError as error:
        raise ArtifactError(error.code, error.message) from error


def send(client: Client, content: bytes, **fields: Any) -> Any:
    return client.post(API, {"file": SimpleUploadedFile("model.onnx", content), **fields})


def test_by_the_api_it_is_a_candidate_that_can_be_asked_and_the_same_bytes_are_the_same_version(
    lena: Client, model: RegisteredModel
) -> None:
    content = fitting(model)

    first, again = (send(lena, content, name="resnet-3") for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json() | {"status": "duplicate"}
    version = ModelVersion.objects.get()
    assert (version.stage, version.origin, version.external_name) == ("candidate", "external", "resnet-3")
    assert version.artifact_sha256 == first.json()["sha256"] == hashlib.sha256(content).hexdigest()
    assert files.read(version.artifact, sha256=version.artifact_sha256) == content
    assert version.metrics["size_mb"] > 0
    assert version.metrics["latency_ms"] > 0
    assert version.metrics["registered_by"] == "lena"
    (scores,) = serving.predict(version, [picture(255)])
    assert max(scores, key=lambda name: scores[name]) == slugs(model)[0]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_refused"),
        (b"no model", "unreadable"),
        (linear(BRIGHT_IS_OK), "other_classes"),
        (linear(BRIGHT_IS_OK, declared=None), "wrong_format"),
        (linear(np.full(BRIGHT_IS_OK.shape, np.nan)), "scores_refused"),
    ],
)
def test_what_cannot_be_served_is_refused_in_words_and_nothing_is_stored(
    lena: Client, model: RegisteredModel, here: None, content: bytes, code: str
) -> None:
    answer = send(lena, content)

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)
    assert answer.json()["error"]["fields"]["file"]
    assert not ModelVersion.objects.exists()


def test_names_fields_and_methods_that_are_not_right(lena: Client, model: RegisteredModel, here: None) -> None:
    register_file(registered_model=model, content=fitting(model), name="a", by=None)
    assert send(lena, fitting(model, -1), name="a").status_code == 409
    assert send(lena, fitting(model, -1), name="x" * 121).status_code == 400
    assert send(lena, fitting(model, -1), colour="red").json()["error"]["fields"] == {"colour": "Not expected."}
    assert lena.post(API, {"name": "b"}).json()["error"]["code"] == "image_missing"
    assert lena.post(API, "{}", content_type="application/json").status_code == 415
    with pytest.raises(NameTaken):
        register_file(registered_model=model, content=fitting(model, -1), name="a", by=None)
    assert ModelVersion.objects.count() == 1


def test_a_file_that_breaks_what_tries_it_breaks_a_child_alone(
    model: RegisteredModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "CHILD", "antigravity_that_is_not_there")
    with pytest.raises(FileRefused, match="broke the process") as refused:
        register_file(registered_model=model, content=fitting(model), name="", by=None)
    assert refused.value.code == "broke_down"


def test_by_page_admin_and_command(lena: Client, model: RegisteredModel, here: None, tmp_path: Path) -> None:
    page = "/models/steel/versions/register/"
    assert "A model of your own" in lena.get("/models/steel/versions/").content.decode()
    answer = lena.post(page, {"file": SimpleUploadedFile("m.onnx", fitting(model))}, follow=True)
    assert "v1 is a candidate now." in answer.content.decode()
    wrong = lena.post(page, {"file": SimpleUploadedFile("m.onnx", b"no model")}, follow=True)
    assert "Nothing was registered." in wrong.content.decode()

    root = Client()
    root.force_login(make.make_user("root", is_staff=True, is_superuser=True))
    form = {"registered_model": model.pk, "external_name": "", "score_kind": "probabilities"}
    add = address(ModelVersion, "add")
    refused = root.post(add, form | {"file": SimpleUploadedFile("m.onnx", b"no model")})
    assert "cannot read the model file" in refused.content.decode()
    assert root.post(add, form | {"file": SimpleUploadedFile("m.onnx", fitting(model, 2))}).status_code == 302
    assert ModelVersion.objects.get(number=2).metrics["registered_by"] == "root"

    (tmp_path / "m.onnx").write_bytes(fitting(model, -1))
    said = io.StringIO()
    call_command("register_onnx", "steel", tmp_path / "m.onnx", "--name", "mine", stdout=said)
    assert said.getvalue() == "Registered as v3.\n"
    with pytest.raises(CommandError, match="No such file"):
        call_command("register_onnx", "steel", tmp_path / "gone.onnx")


def test_it_is_compared_on_the_newest_hold_out_and_a_person_decides(model: RegisteredModel, here: None) -> None:
    frozen = frozen_with(model, [[picture(shade)] for shade in (0, 80, 160, 255)])
    model.promotion_policy.automatic, model.promotion_policy.margin = True, 0.5
    model.promotion_policy.save()
    champion, _ = register_file(registered_model=model, content=fitting(model), name="", by=None)
    ModelVersion.objects.filter(pk=champion.pk).update(stage="champion")
    candidate, _ = register_file(registered_model=model, content=fitting(model, 2), name="", by=None)

    assert recomparing.overtaken_comparisons() == [candidate.pk]
    compared = recomparing.recompare(version=candidate, now=make.NOW)

    assert compared is not None
    assert (compared.dataset, compared.champion, compared.n) == (frozen, champion, 4)
    candidate.refresh_from_db()
    assert candidate.stage == "candidate"
    assert recomparing.overtaken_comparisons() == []
