"""A fitted model with its confidence fitted anew: the same words, another sharpness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from models_registry.training.calibration import calibrate, log_loss
from models_registry.training.candidates import raw_scores
from models_registry.training.errors import TrainingDataError
from models_registry.training.trainer import FittedModel

FEWEST = 50
"""Rows below which a temperature would follow chance."""


def recalibrated(
    model: FittedModel, features: ArrayLike, labels: Sequence[str] | NDArray[np.str_], *, weights: ArrayLike
) -> tuple[FittedModel, float]:
    """Fit the sharpness on rows that the model has not learned from: features (n, d), labels (n,), weights (n,) > 0.

    One number whatever n, since it leaves every word as it is; weights are 1/pi, so that the line is calibrated and not
    what people looked at. Returns the model and its log loss (nats) on these rows before. A row whose class the model
    never learned says nothing of its confidence and is left out. Raises TrainingDataError (`too_few_rows`).
    """
    rows, names = np.asarray(features, dtype=np.float32), np.asarray(labels, dtype=np.str_)
    learned = np.asarray(model.pipeline.classes_, dtype=np.str_)
    known = np.isin(names, learned)
    n = int(known.sum())
    if n < FEWEST:
        raise TrainingDataError(
            "too_few_rows",
            f"{n} drawn and judged parts that the model has not learned from, {FEWEST} needed to fit its confidence. "
            "Wait for more verdicts, or retrain.",
        )
    with threadpool_limits(1):
        logits = raw_scores(model.pipeline, rows[known])
    truth = np.searchsorted(learned, names[known]).astype(np.int64)
    relative = np.asarray(weights, dtype=np.float64)[known]
    relative = relative / relative.mean()
    before = log_loss(truth, logits, relative, model.calibration.sharpness)
    found = calibrate(truth, logits, relative, expected=model.calibration.sharpness)
    return replace(model, calibration=found), before
