"""A promotion switches between requests and never within one; files are scored many at a time."""

from __future__ import annotations

import csv
import hashlib
import io
import threading
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from PIL import Image

from models_registry import serving
from models_registry.models import ModelVersion
from models_registry.services.promotion import promote, roll_back
from models_registry.training import features
from models_registry.training.trainer import fit
from models_registry.training.views import pooled
from tests import factories as make
from tests.unit.test_onnx_model import BRIGHT_IS_OK, linear, picture

pytestmark = pytest.mark.django_db(transaction=True)


def onnx_version(sign: int, **fields: Any) -> ModelVersion:
    """Says ok of what is bright, or with the other sign the opposite."""
    content = linear(BRIGHT_IS_OK * sign)
    sha256 = hashlib.sha256(content).hexdigest()
    key = f"artifacts/{sha256}.onnx"
    default_storage.save(key, ContentFile(content))
    return make.make_version(artifact=key, artifact_sha256=sha256, origin="trained", **fields)


def test_no_request_sees_half_of_a_promotion() -> None:
    champion = onnx_version(1, stage="champion")
    model = champion.registered_model
    candidate = onnx_version(-1, stage="candidate", registered_model=model, external_name="")
    bright, wrong, stop = picture(255), [], threading.Event()

    def ask() -> None:
        while not stop.is_set():
            version = ModelVersion.objects.champion_of(model)
            assert version is not None
            (scores,) = serving.predict(version, [bright])
            if (scores["ok"] > 0.5) != (version.pk == champion.pk):
                wrong.append((version.number, scores))
        connection.close()

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    lena = make.make_user("lena")
    for _ in range(5):
        candidate.refresh_from_db()
        if candidate.stage == "candidate":
            promote(version=candidate, by=lena, reason="Better.", now=timezone.now())
        roll_back(registered_model=model, by=lena, reason="Back.", now=timezone.now())
    stop.set()
    for asker in askers:
        asker.join()
    assert wrong == []


def test_the_views_of_a_part_are_judged_together_by_whatever_model(tmp_path: Path) -> None:
    onnx = onnx_version(1, stage="champion")
    bright, dark = picture(255), picture(0)
    alone, other, both = serving.predict_parts(onnx, [[bright], [dark], [bright, dark]])
    assert both["ok"] == pytest.approx((alone["ok"] + other["ok"]) / 2)
    many = [[bright, dark]] * 40 + [[dark]]  # more than a batch
    assert [one["ok"] for one in serving.predict_parts(onnx, many)] == [both["ok"]] * 40 + [other["ok"]]

    shades = [*range(0, 60, 6), *range(200, 255, 6)]
    described = features.extract_many([Image.new("L", (32, 24), shade) for shade in shades])
    fitted = fit(described, ["dent"] * 10 + ["ok"] * 10, classes=["ok", "dent"], seed=1)
    middle = fitted.predict_scores(pooled(described[[0, -1]], [2]))
    pngs = [make.png(shade=shades[place], width=32, height=24) for place in (0, -1)]
    np.testing.assert_allclose(serving.scores_of_parts(fitted, [pngs]), middle, atol=1e-6)

    for name, shade in (("p1/a.png", 255), ("p1/b.png", 0), ("p2/a.png", 0)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(picture(shade))
    said = io.StringIO()
    call_command("score", onnx.registered_model.slug, tmp_path, "--parts", stdout=said)
    rows = list(csv.DictReader(io.StringIO(said.getvalue())))
    assert [Path(row["part"]).name for row in rows] == ["p1", "p2"]
    assert float(rows[0]["ok"]) == pytest.approx(both["ok"])


def test_as_many_models_stay_warm_as_fit_and_the_newest_always(settings: Any) -> None:
    settings.WARM_BYTES = 10
    cache, model = serving._Cache(), cast("serving.Model", object())
    for name, n_bytes in (("a", 4), ("b", 4), ("c", 4)):
        cache.put((name, ""), model, n_bytes=n_bytes)
    assert [name for name in "abc" if cache.get((name, ""))] == ["b", "c"]
    cache.put(("d", ""), model, n_bytes=400)
    assert [name for name in "abcd" if cache.get((name, ""))] == ["d"]
    for name in "efghijklmn":
        cache.put((name, ""), model)
    assert len(cache) == serving.WARM


def test_files_are_scored_as_csv_and_what_is_no_image_says_so(tmp_path: Path) -> None:
    version = onnx_version(1, stage="champion")
    (tmp_path / "a.png").write_bytes(picture(255))
    (tmp_path / "b.png").write_bytes(b"no image")
    (tmp_path / "c.png").write_bytes(picture(0))
    said = io.StringIO()
    call_command("score", version.registered_model.slug, tmp_path, stdout=said)
    rows = list(csv.DictReader(io.StringIO(said.getvalue())))
    assert [Path(row["image"]).name for row in rows] == ["a.png", "b.png", "c.png"]
    assert (rows[0]["label"], rows[1]["label"]) == ("ok", "")
    assert "cannot identify" in rows[1]["problem"]
    assert float(rows[2]["dent"]) == pytest.approx(0.5)
    with pytest.raises(CommandError, match="no champion"):
        call_command("score", "nothing", tmp_path)
    with pytest.raises(CommandError, match="There is no"):
        call_command("score", version.registered_model.slug, tmp_path / "gone")
