"""Confidence fitted anew: the same words, as sure as they are right on what the model has not learned from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models_registry.training.errors import TrainingDataError
from models_registry.training.recalibration import recalibrated
from models_registry.training.trainer import FittedModel, fit
from tests.unit.test_trainer import CLASSES, make_rows

COUNTS = dict.fromkeys(CLASSES, 60)


@pytest.fixture(scope="module")
def honest() -> FittedModel:
    return fit(*make_rows(dict.fromkeys(CLASSES, 19), apart=1.5), classes=CLASSES, seed=1)


def test_a_model_that_is_too_sure_becomes_as_sure_as_it_is_right_and_says_the_same(honest: FittedModel) -> None:
    boasting = replace(honest, calibration=replace(honest.calibration, sharpness=8 * honest.calibration.sharpness))
    features, labels = make_rows(COUNTS, apart=1.5, seed=7)

    mended, before = recalibrated(boasting, features, labels, weights=np.ones(len(labels)))

    assert mended.pipeline is boasting.pipeline
    assert mended.calibration.sharpness < boasting.calibration.sharpness / 3
    assert mended.calibration.log_loss is not None
    assert mended.calibration.log_loss < before
    old, new = boasting.predict_scores(features), mended.predict_scores(features)
    assert (old.argmax(axis=1) == new.argmax(axis=1)).all()
    assert abs(new.max(axis=1).mean() - (new.argmax(axis=1) == [CLASSES.index(one) for one in labels]).mean()) < 0.06


def test_rows_that_stand_for_many_count_as_many(honest: FittedModel) -> None:
    features, labels = make_rows(COUNTS, apart=1.5, seed=7)
    wrong = honest.predict_scores(features).argmax(axis=1) != [CLASSES.index(one) for one in labels]

    plain, _ = recalibrated(honest, features, labels, weights=np.ones(len(labels)))
    heavy, _ = recalibrated(honest, features, labels, weights=np.where(wrong, 10.0, 1.0))

    assert heavy.calibration.sharpness < plain.calibration.sharpness


def test_too_few_rows_and_classes_that_it_never_learned_fit_nothing() -> None:
    model = fit(*make_rows({"ok": 20, "dent": 20}), classes=CLASSES, seed=1)
    features, labels = make_rows({"ok": 49, "scratch": 60})

    with pytest.raises(TrainingDataError, match="49 drawn and judged parts"):
        recalibrated(model, features, labels, weights=np.ones(len(labels)))
