"""Parts of two views: one part, judged as a whole, wherever a model learns from it, judges it or is judged by it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from django.utils import timezone
from numpy.typing import NDArray
from PIL import Image, ImageOps

from labeling.explaining import explain
from labeling.feedback import request_retraining
from labeling.images.heat import heat_key
from labeling.learning_rounds import carry_out, request_round
from labeling.models import GroundTruth, Inspection, Prediction
from labeling.regions.shown import heatmap_of
from labeling.shadow import score_shadows
from models_registry import files, serving
from models_registry.models import Comparison, ModelVersion, RegisteredModel
from models_registry.services import pipeline
from models_registry.services.comparison_pairs import pairs_of
from models_registry.services.registering import register_file
from tests import factories as make
from tests.factories.labelled import label_images, make_labelled_model
from tests.unit.test_onnx_model import DECLARED, SIDE, linear

pytestmark = pytest.mark.django_db(transaction=True)


def second_views(inspections: list[Inspection]) -> None:
    """Each part is seen from the back, too: mirrored and darker."""
    for part in inspections:
        front = Image.open(io.BytesIO(files.read(part.items.get().image)))
        stream = io.BytesIO()
        ImageOps.mirror(front).point(lambda grey: round(0.6 * grey)).save(stream, "PNG")
        make.make_item(inspection=part, view="back", content=stream.getvalue())


def parts_of(model: RegisteredModel) -> list[Inspection]:
    return [truth.inspection for truth in model.ground_truths.order_by("pk")]


@pytest.fixture
def learned() -> RegisteredModel:
    """A model whose champion has learned from parts of two views."""
    serving.warm.clear()
    model = make_labelled_model(n=40, promotion={"automatic": True})
    second_views(parts_of(model))
    run = request_retraining(registered_model=model, by=make.make_user("lena"), reason="First.", now=timezone.now())
    assert pipeline.execute(run.pk)
    return model


def views_of(part: Inspection) -> list[bytes]:
    return [files.read(item.image) for item in part.items.order_by("pk")]


def test_a_run_learns_from_parts_and_compares_parts(learned: RegisteredModel) -> None:
    run = request_retraining(registered_model=learned, by=make.make_user("lena"), reason="Again.", now=timezone.now())
    assert pipeline.execute(run.pk)
    run.refresh_from_db()
    assert run.dataset.n_train + run.dataset.n_holdout == 40
    pairs = pairs_of(Comparison.objects.get(candidate=run.version))
    assert len(pairs) == run.dataset.n_holdout


def test_a_shadow_judges_a_part_by_all_of_its_views(learned: RegisteredModel) -> None:
    champion = ModelVersion.objects.get()
    candidate = make.make_version(
        registered_model=learned, stage="candidate", artifact=champion.artifact, number=2, external_name="",
        artifact_sha256=champion.artifact_sha256, origin="trained",
    )  # fmt: skip
    part = parts_of(learned)[0]
    make.make_prediction(version=champion, inspection=part, label="ok", predicted_at=timezone.now())
    (row,) = score_shadows(registered_model=learned, now=timezone.now())
    model, views = serving.model_of(candidate), views_of(part)
    (both,) = serving.scores_of_parts(model, [views])
    assert row.scores == pytest.approx(dict(zip(model.classes, both, strict=True)))
    assert not np.allclose(both, serving.scores_of(model, views[:1])[0])


def test_a_learning_round_asks_about_a_part_once(learned: RegisteredModel) -> None:
    parts = [truth.inspection for truth in label_images(learned, start=500, n=12)]
    second_views(parts)
    GroundTruth.objects.filter(inspection__in=parts).delete()
    Inspection.objects.filter(pk__in=[part.pk for part in parts]).update(partition="train")
    for part in parts:
        make.make_selection(inspection=part, registered_model=learned, u=0.9)
    asked = request_round(registered_model=learned, n=6, random_share=0.5, by=make.make_user("lena"), now=make.NOW)
    done = carry_out(asked.pk, now=make.NOW)
    assert done is not None
    assert (done.status, done.method, done.n_pool) == ("done", "margin", 12)
    picked = [pick.inspection_id for pick in done.picks.all()]
    assert len(picked) == len(set(picked)) == 6


# ---------- where an ONNX file looked, view by view ----------


def looks_at_one_corner() -> bytes:
    """Says ok the surer the brighter the upper left quarter is, and sees nothing else."""
    seen = np.zeros((SIDE, SIDE))
    seen[: SIDE // 4, : SIDE // 4] = 2.0
    return linear(np.column_stack([seen.ravel(), np.full(SIDE * SIDE, 0.0)]), declared=DECLARED)


def with_a_spot(row: int, column: int) -> bytes:
    """A dark image of 128 by 128 with one bright patch of an eighth."""
    pixels = np.zeros((128, 128), dtype=np.uint8)
    pixels[row * 16 : row * 16 + 16, column * 16 : column * 16 + 16] = 255
    stream = io.BytesIO()
    Image.fromarray(pixels).convert("RGB").save(stream, "PNG")
    return stream.getvalue()


def test_a_map_of_an_onnx_file_shows_where_it_looked_in_each_view() -> None:
    serving.warm.clear()
    model = make.make_model(label_set=make.make_label_set(labels=[("ok", "OK", "1"), ("dent", "Dent", "2")]))
    version, _ = register_file(registered_model=model, content=looks_at_one_corner(), name="v-corner", by=None)
    part = make.make_inspection()
    make.make_item(inspection=part, view="top", content=with_a_spot(0, 0))
    make.make_item(inspection=part, view="side", content=with_a_spot(5, 5))
    said = make.make_prediction(
        version=version, inspection=part, label="ok", findings=[{"view": "top"}, {"view": "side"}]
    )
    review = make.make_review(prediction=said, blind=False)
    assert explain([review.pk]) == 2
    top, side = (opacity(Prediction.objects.get(pk=said.pk), view) for view in ("top", "side"))
    height, width = top.shape
    row, column = np.unravel_index(top.argmax(), top.shape)
    assert (row < height / 4, column < width / 4) == (True, True)
    assert top.max() > 100
    assert top[height // 2 :, width // 2 :].max() < 10
    assert side.max() < 10, "the bright patch of this view is one that the file does not see"


def opacity(said: Prediction, view: str) -> NDArray[np.uint8]:
    """Of the map as people see it."""
    sha256 = heatmap_of(said, view)
    assert sha256 is not None
    return np.asarray(Image.open(io.BytesIO(files.read(heat_key(sha256)))).getchannel("A"))
