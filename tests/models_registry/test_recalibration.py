"""A run that keeps the champion's model and fits its confidence anew, from the policy or a person to a decision."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

import tests.factories as make
from labeling.feedback import explain_retraining, request_recalibration, request_retraining, retrain_if_due
from labeling.models import GroundTruth
from models_registry import serving
from models_registry.models import ModelVersion, RegisteredModel, TrainingRun
from models_registry.services import pipeline
from models_registry.training.trainer import FittedModel
from reviewapp.errors import ReviewAppError
from tests.factories.labelled import label_images, make_labelled_model

pytestmark = pytest.mark.django_db(transaction=True)


def trained(*, drawn: int) -> tuple[RegisteredModel, ModelVersion]:
    """A model with a champion, and ``drawn`` judged parts since."""
    model = make_labelled_model(n=40, promotion={"automatic": True, "min_items": 1}, retraining={"min_new_labels": 900})
    run = request_retraining(registered_model=model, by=make.make_user("lena"), reason="First.", now=timezone.now())
    assert pipeline.execute(run.pk)
    for truth in label_images(model, start=40, n=drawn):
        make.make_selection(inspection=truth.inspection, registered_model=model, pi=0.5, u=0.2)
    return model, ModelVersion.objects.get()


def test_the_policy_recalibrates_a_champion_that_is_not_as_sure_as_it_is_right() -> None:
    model, champion = trained(drawn=85)
    now = timezone.now() + timedelta(days=2)
    make.make_hourly(registered_model=model, ece=0.09, ece_low=0.05, measured_at=timezone.now())
    n_new = GroundTruth.objects.new_for_training(model).count()

    decision, run = retrain_if_due(registered_model=model, now=now)

    assert run is not None, decision
    assert (run.trigger, run.recalibrates, run.backend) == ("calibration", champion, "builtin")
    assert GroundTruth.objects.new_for_training(model).count() == n_new == 85  # it takes no label from the next run
    assert pipeline.execute(run.pk)
    run.refresh_from_db()
    version = run.version
    old, new = (serving.load(one.artifact, one.artifact_sha256) for one in (champion, version))
    assert isinstance(old, FittedModel)
    assert isinstance(new, FittedModel)
    assert version.metrics["recalibrates"]["version"] == champion.number
    assert (new.calibration.sharpness, new.calibration.n) != (old.calibration.sharpness, old.calibration.n)
    assert new.calibration.n >= 50
    comparison = run.comparison
    assert (comparison.champion, comparison.n_fixed, comparison.n_broken) == (champion, 0, 0)
    assert [one["name"] for one in comparison.guards][:3] == ["min_items", "same_words", "confidence"]
    said = f"Fits the confidence of {champion.short_name} anew; its model stays."
    client = Client()
    client.force_login(make.make_member("lead", registered_model=model, user=make.make_user("otto")))
    pages = {
        run.get_absolute_url(): f"{said} On {new.calibration.n} judged parts its log loss went from",
        f"/versions/{version.pk}/": said,
        f"/runs/?model={model.slug}": f"Confidence of {champion.short_name} only",
        f"/models/{model.slug}/versions/": f"confidence of {champion.short_name}",
        run.dataset.get_absolute_url(): f"Confidence of {champion.short_name} only",
    }
    for address, words in pages.items():
        assert words in client.get(address).content.decode(), address
    again = explain_retraining(model, now=now + timedelta(minutes=1))
    assert (again.retrain, again.cause) == (False, None)  # what was measured before says nothing of what it made


def test_a_run_that_has_too_little_to_fit_says_so_and_a_model_from_elsewhere_is_refused() -> None:
    model, champion = trained(drawn=2)
    lena = make.make_member("lead", registered_model=model, user=make.make_user("otto"))
    client = Client()
    client.force_login(lena)

    answer = client.post(f"/models/{model.slug}/retrain/", {"reason": "Other mix.", "keep": "model"})

    run = TrainingRun.objects.latest("pk")
    assert (answer.status_code, run.recalibrates, run.trigger) == (302, champion, "person")
    pipeline.execute(run.pk)
    run.refresh_from_db()
    assert run.status == "failed"
    assert "50 needed to fit its confidence" in run.outcome
    ModelVersion.objects.update(artifact="", artifact_sha256="")
    with pytest.raises(ReviewAppError, match="our own trainer"):
        request_recalibration(registered_model=model, by=lena, reason="Again.", now=timezone.now())
