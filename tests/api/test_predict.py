"""`POST /models/{slug}/predict/`: an image in, the champion's word out, stored and routed like any other."""

from __future__ import annotations

import hashlib
import io
import json
from functools import partial
from typing import Any

import numpy as np
import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

import tests.factories as make
from labeling import desk
from labeling.models import Deployment, Inspection, Item, ItemQuality, Prediction, SamplingDesign, Selection
from labeling.tasks import make_derivatives
from models_registry import files, serving
from models_registry.models import ModelVersion
from models_registry.training import artifact, features
from models_registry.training.trainer import fit
from tests.api.line import Line, error_of

PREDICT = "/api/v1/models/steel/predict/"


def upload(data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("a.png", data, content_type="image/png")


@pytest.fixture
def champion(line: Line) -> ModelVersion:
    """A real artifact: bright pictures are ok, dark ones scratched."""
    pictures = [Image.new("L", (32, 24), shade) for shade in (*range(0, 60, 3), *range(190, 250, 3))]
    fitted = fit(features.extract_many(pictures), ["scratch"] * 20 + ["ok"] * 20, classes=["ok", "scratch"], seed=1)
    key = "artifacts/test.skops"
    path = files.local_copy(key)
    path.parent.mkdir(parents=True)
    sha256 = artifact.save(path, fitted, metadata={})
    ModelVersion.objects.filter(pk=line.champion.pk).update(artifact=key, artifact_sha256=sha256)
    line.champion.refresh_from_db()
    return line.champion


def fields(number: int = 1, **more: Any) -> dict[str, Any]:
    return {"inspection_id": f"part-{number}", "source": "cam-1", "serial": "S1", **more}


def test_the_champions_label_and_scores_come_back_and_are_stored(line: Line, champion: ModelVersion) -> None:
    answer = line.send_form(fields(image=upload(make.png(shade=20))), url=PREDICT)

    assert answer.status_code == 201
    body = answer.json()
    assert (body["label"], body["version"], body["disposition"]) == ("scratch", "v1", "reject")
    assert sum(body["scores"].values()) == pytest.approx(1)
    assert body["confidence"] == body["scores"]["scratch"]
    prediction = Prediction.objects.get()
    assert (prediction.model_version, prediction.scores) == (champion, body["scores"])
    assert Selection.objects.get().pi == body["probability"]
    assert Item.objects.get().sha256 == hashlib.sha256(make.png(shade=20)).hexdigest()


def test_a_worker_prepares_and_measures_what_people_will_look_at(
    line: Line, champion: ModelVersion, django_capture_on_commit_callbacks: Any
) -> None:
    SamplingDesign.objects.update(budget=1, audit_share=1)
    with django_capture_on_commit_callbacks() as callbacks:
        assert line.send_form(fields(image=upload(make.png(shade=20))), url=PREDICT).status_code == 201

    (said,) = [one.keywords["kwargs"] for one in callbacks if isinstance(one, partial) and "kwargs" in one.keywords]
    make_derivatives(**said)

    assert ItemQuality.objects.get().item == Item.objects.get()


def test_a_champion_that_was_promoted_a_moment_ago_answers_at_once(
    line: Line, champion: ModelVersion, settings: LazySettings
) -> None:
    """What is remembered of the model does not know it yet."""
    settings.CATALOG_SECONDS = 60
    try:
        assert line.send_form(fields(1, image=upload(make.png(shade=20))), url=PREDICT).status_code == 201
        ModelVersion.objects.filter(pk=champion.pk).update(stage="retired")
        newest = make.make_version(
            registered_model=line.model, external_name="", stage="champion", artifact=champion.artifact,
            artifact_sha256=champion.artifact_sha256,
        )  # fmt: skip

        answer = line.send_form(fields(2, serial="S2", image=upload(make.png(shade=20))), url=PREDICT)

        assert (answer.status_code, answer.json()["version"]) == (201, newest.short_name)
        assert Deployment.objects.filter(model_version=newest).exists()
    finally:
        desk.forget()


def test_a_resend_gets_the_first_answer_and_the_model_is_not_asked_again(
    line: Line, champion: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = line.send_form(fields(image=upload(make.png(shade=20))), url=PREDICT)
    monkeypatch.delattr(serving, "predict_parts")

    again = line.send_form(fields(image=upload(make.png(shade=20))), url=PREDICT)

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json() | {"status": "duplicate"}


def test_another_image_under_the_same_id_is_a_conflict(line: Line, champion: ModelVersion) -> None:
    line.send_form(fields(image=upload(make.png(shade=20))), url=PREDICT)

    assert error_of(line.send_form(fields(image=upload(make.png(shade=21))), url=PREDICT), 409)["code"] == "conflict"
    assert Prediction.objects.count() == 1


def test_the_champion_speaks_for_itself_though_a_line_has_named_its_version_alike(
    line: Line, champion: ModelVersion
) -> None:
    make.make_version(registered_model=line.model, external_name="v1", stage="observed", origin="observed")

    line.send_form(fields(image=upload(make.png(shade=20))), url=PREDICT)

    assert Prediction.objects.get().model_version == champion


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({}, "image"),
        ({"label": "ok"}, "label"),
        ({"confidence": "0.5"}, "confidence"),
        ({"model": "other"}, "model"),
        ({"source": "cam-9"}, "source"),
    ],
)
def test_what_does_not_belong_is_refused(
    line: Line, champion: ModelVersion, change: dict[str, Any], field: str
) -> None:
    image = {"image": upload(make.png())} if change else {}

    answer = line.send_form({**fields(), **change, **image}, url=PREDICT)

    assert answer.status_code in {400, 404}
    assert list(error_of(answer, answer.status_code)["fields"]) == [field]
    assert not Inspection.objects.exists()


def test_without_a_champion_or_its_artifact_nothing_is_stored(line: Line) -> None:
    assert error_of(line.send_form(fields(image=upload(make.png())), url=PREDICT), 409)["code"] == "not_servable"
    ModelVersion.objects.all().delete()
    assert error_of(line.send_form(fields(image=upload(make.png())), url=PREDICT), 409)["code"] == "no_champion"
    assert not Inspection.objects.exists()


@pytest.mark.parametrize(
    ("mode", "size"),
    [("L", (1, 1)), ("1", (2000, 1)), ("I;16", (40, 30)), ("F", (9, 9)), ("CMYK", (7, 7)), ("PA", (5, 5))],
)
def test_every_image_that_is_taken_can_be_judged(
    line: Line, champion: ModelVersion, mode: str, size: tuple[int, int]
) -> None:
    stream = io.BytesIO()
    Image.new(mode, size).save(stream, "TIFF")

    answer = line.send_form(fields(image=upload(stream.getvalue())), url=PREDICT)

    assert answer.status_code == 201
    assert np.isfinite(list(answer.json()["scores"].values())).all()


def test_the_lots_of_a_canary_have_its_candidate_and_the_others_the_champion(
    line: Line, champion: ModelVersion
) -> None:
    same = {"artifact": champion.artifact, "artifact_sha256": champion.artifact_sha256}
    candidate = make.make_version(registered_model=champion.registered_model, **same)
    canary = make.make_canary(candidate=candidate, champion=champion, lot_share=1)
    make.make_canary_lot(canary=canary, lot="L-1", version=champion)

    answers = [
        line.send_form(fields(n, lot=lot, serial=f"S{n}", image=upload(make.png(shade=20 + n))), url=PREDICT).json()
        for n, lot in enumerate(("L-1", "L-2", ""), start=1)
    ]
    assert [answer["version"] for answer in answers] == ["v1", "v2", "v1"]


def several(line: Line, rows: list[dict[str, Any]], shades: list[int | None], query: str = "") -> Any:
    """Rows with a picture of a shade each; None: without one."""
    images = {f"image.{n}": upload(make.png(shade=shade)) for n, shade in enumerate(shades) if shade is not None}
    return line.send_form({"rows": json.dumps(rows), **images}, url=PREDICT + query)


def test_many_are_judged_in_one_request_and_each_row_has_its_answer(line: Line, champion: ModelVersion) -> None:
    rows = [
        fields(1), fields(2, serial="S2"), fields(3, serial="S3"), fields(4, source="cam-9"),
        fields(5, serial="S5", label="ok"), fields(6, serial="S6", view="a"), fields(6, serial="S6", view="b"),
    ]  # fmt: skip

    answer = several(line, rows, [20, 220, None, 20, 20, 20, None])

    assert answer.status_code == 207
    results = answer.json()["results"]
    assert [one["row"] for one in results] == [0, 1, 2, 3, 4, 5, 6]
    assert [one.get("label") for one in results[:2]] == ["scratch", "ok"]
    fields_of = [list(one["error"]["fields"]) for one in results[2:5]]
    assert fields_of == [["image"], ["source"], ["label"]]
    assert [one["error"]["code"] for one in results[5:]] == ["part_refused", "image_missing"]
    assert Prediction.objects.count() == 2

    again = several(line, rows[:2], [20, 220])
    assert (again.status_code, again.json()["counts"]) == (200, {"created": 0, "duplicate": 2, "error": 0})
    assert [one["scores"] for one in again.json()["results"]] == [one["scores"] for one in results[:2]]


def test_the_views_of_a_part_get_one_label_from_what_all_of_them_show(line: Line, champion: ModelVersion) -> None:
    rows = [fields(1, view="top"), fields(1, view="side"), fields(2, serial="S2", view="top")]

    answer = several(line, rows, [20, 220, 20])

    assert answer.status_code == 201
    top, side, alone = answer.json()["results"]
    assert top["scores"] == side["scores"] != alone["scores"]
    (expected,) = serving.predict_parts(champion, [[make.png(shade=20), make.png(shade=220)]])
    assert top["scores"] == pytest.approx(expected)
    part = Prediction.objects.get(inspection__inspection_id="part-1")
    assert {one["view"] for one in part.findings} == {"top", "side"}
    assert several(line, rows, [20, 220, 20]).json()["counts"]["duplicate"] == 3


def test_all_or_nothing_and_no_more_than_a_request_may_bring(
    line: Line, champion: ModelVersion, settings: LazySettings
) -> None:
    settings.MAX_JUDGED = 2
    rows = [fields(n, serial=f"S{n}") for n in range(3)]
    assert error_of(several(line, rows, [20, 20, 20]), 413)["code"] == "too_many_rows"
    assert error_of(several(line, rows[:2], [20, None], "?atomic=true"), 400)["row"] == 1
    assert not Inspection.objects.exists()
    ModelVersion.objects.update(artifact="", artifact_sha256="")
    assert error_of(several(line, rows[:2], [20, 20]), 409)["code"] == "not_servable"
