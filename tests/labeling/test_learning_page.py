"""A run tells its learning curve, page and API show it; maps are made for reviews that show the prediction."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from labeling.explaining import explain, to_explain
from labeling.feedback import request_retraining
from labeling.learning_page import learning_curve
from labeling.models import Item, Prediction, Review
from labeling.regions.shown import heatmap_of
from models_registry import files
from models_registry.models import ModelVersion
from models_registry.services import pipeline
from tests import factories as make
from tests.factories.labelled import make_labelled_model

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_run_leaves_a_curve_and_its_version_explains_what_is_shown_and_nothing_blind() -> None:
    model = make_labelled_model(n=90, promotion={"automatic": True})
    run = request_retraining(registered_model=model, by=make.make_user("lena"), reason="First.", now=timezone.now())
    assert pipeline.execute(run.pk)
    version = ModelVersion.objects.get()

    found = learning_curve(model)
    assert found.version == version
    assert len(found.points) == 4
    assert [one.n for one in found.points] == [run.dataset.n_holdout] * 4
    assert found.points[-1].n_labels == run.dataset.n_train
    assert found.points[-1].accuracy == pytest.approx(version.metrics["holdout_accuracy"])
    client = Client()
    client.force_login(make.make_member(registered_model=model, role="lead"))
    told = client.get(f"/api/v1/models/{model.slug}/learning-curve/").json()
    assert (told["version"], len(told["points"])) == (version.number, 4)
    page = client.get(f"/models/{model.slug}/learning/")
    assert page.status_code == 200
    assert b"Learning curve" in page.content

    items = list(Item.objects.order_by("pk")[:2])
    shown, blind = (
        make.make_review(
            prediction=make.make_prediction(
                version=version, inspection=item.inspection, label="scratch", findings=[{"view": item.view}]
            ),
            blind=is_blind,
        )
        for item, is_blind in zip(items, (False, True), strict=True)
    )
    everything = list(Review.objects.values_list("pk", flat=True))
    assert to_explain(reviews=[blind.pk], items=[item.pk for item in items]) == [shown.pk]
    assert to_explain(reviews=everything, items=[]) == [shown.pk]
    assert explain(everything) == 1
    assert explain(everything) == 0
    sha256 = heatmap_of(Prediction.objects.get(reviews=shown), items[0].view)
    assert sha256 is not None
    assert files.exists(f"heatmaps/{sha256[:2]}/{sha256}.png")
    assert heatmap_of(Prediction.objects.get(reviews=blind), items[1].view) is None


def test_without_a_version_there_is_no_curve_and_no_number() -> None:
    found = learning_curve(make.make_model())
    assert (found.version, list(found.points), found.fit, found.more, found.chart) == (None, [], None, None, None)
