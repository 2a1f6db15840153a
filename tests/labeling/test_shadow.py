"""Candidates judge beside the champion, and nothing follows from it. A file that was tampered with judges nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from labeling.feedback import request_retraining
from labeling.models import DispositionRecord, GroundTruth, Inspection, Prediction, Review, Selection, ShadowPrediction
from labeling.shadow import models_with_shadows, score_shadows
from models_registry import serving
from models_registry.models import Alert, ModelVersion, RegisteredModel
from models_registry.services import pipeline
from models_registry.training.errors import ArtifactError
from tests import factories as make
from tests.factories.labelled import make_labelled_model

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def candidate() -> ModelVersion:
    """Of a model whose champion has just judged six parts; both versions have the same artifact."""
    serving.warm.clear()
    model = make_labelled_model(n=40, promotion={"automatic": True})
    run = request_retraining(registered_model=model, by=make.make_user("lena"), reason="First.", now=timezone.now())
    assert pipeline.execute(run.pk)
    run.refresh_from_db()
    champion = run.version
    candidate = make.make_version(
        registered_model=model, stage="candidate", artifact=champion.artifact, number=2, external_name="",
        artifact_sha256=champion.artifact_sha256, origin="trained",
    )  # fmt: skip
    for truth in GroundTruth.objects.filter(registered_model=model).order_by("pk")[:6]:
        make.make_prediction(version=champion, inspection=truth.inspection, label="ok", predicted_at=timezone.now())
    return candidate


def counted() -> list[int]:
    return [table._default_manager.count() for table in (Prediction, Review, Selection, DispositionRecord)]


def score(model: RegisteredModel, **fields: Any) -> list[ShadowPrediction]:
    return score_shadows(registered_model=model, now=timezone.now(), **fields)


def test_a_candidate_judges_each_part_once_and_nothing_follows(candidate: ModelVersion) -> None:
    model, before = candidate.registered_model, counted()
    assert list(models_with_shadows()) == [model]
    rows = score(model)
    assert len(rows) == 6
    assert counted() == before
    for row in rows:
        assert row.disagrees == (row.label != row.prediction.label)
        assert np.isclose(sum((row.scores or {}).values()), 1)
    assert score(model) == []


def test_what_the_candidate_cannot_judge_is_told_and_not_tried_for_ever(candidate: ModelVersion) -> None:
    model = candidate.registered_model
    broken = Prediction.objects.filter(model_version__registered_model=model).first()
    assert broken is not None
    key = broken.inspection.items.get().image
    default_storage.delete(key)
    default_storage.save(key, ContentFile(b"other bytes"))
    problems = [row for row in score(model) if row.problem]
    assert [row.inspection for row in problems] == [broken.inspection]
    assert "hash" in problems[0].problem
    assert score(model) == []


def test_old_predictions_and_withdrawn_parts_have_no_shadow(candidate: ModelVersion) -> None:
    said = Prediction.objects.all()
    said.filter(pk__in=[one.pk for one in said[:3]]).update(predicted_at=timezone.now() - timedelta(days=1))
    kept = said.filter(predicted_at__gt=timezone.now() - timedelta(hours=1)).first()
    assert kept is not None
    Inspection.objects.filter(pk=kept.inspection_id).update(withdrawn_at=timezone.now())
    assert len(score(candidate.registered_model)) == 2


def test_a_tampered_artifact_is_refused_with_an_alert_until_it_is_put_right(candidate: ModelVersion) -> None:
    model, key = candidate.registered_model, candidate.artifact
    content = default_storage.open(key).read()
    default_storage.delete(key)
    default_storage.save(key, ContentFile(content[:-1] + b"!"))
    serving.warm.clear()
    assert score(model) == []
    with pytest.raises(ArtifactError, match="not the one that was saved"):
        serving.predict(candidate, [])
    alert = Alert.objects.get()
    assert (alert.kind, alert.slice) == ("artifact_refused", "v2")
    default_storage.delete(key)
    default_storage.save(key, ContentFile(content))
    assert len(score(model)) == 6
    alert.refresh_from_db()
    assert alert.resolved_at is not None
