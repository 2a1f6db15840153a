"""The estimators that the built-in trainer chooses among.

Measured on steel and infrared images: logistic regression wins with few labels, a kernel with many
(benchmarks/trainer.py measures it again).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

KERNEL_ROWS = 6000
"""Above this a support vector machine takes minutes (its cost grows with the rows squared): landmarks take over."""
LANDMARKS = 1000
LINEAR_C = 0.1
KERNEL_C = 8.0
KERNEL_WIDTH = 0.5
"""gamma = KERNEL_WIDTH / number of features, on standardised features."""


@dataclass(frozen=True)
class Candidate:
    """A way to fit: `sharpness` is where its temperature is expected, before any row was seen."""

    name: str
    sharpness: float
    build: Callable[[], Pipeline]


def candidates(*, n_rows: int, n_features: int, seed: int) -> tuple[Candidate, ...]:
    """What is tried for so many rows, the simplest first."""
    gamma = KERNEL_WIDTH / n_features
    if n_rows <= KERNEL_ROWS:
        kernel = Candidate("support vectors", 3.0, lambda: _pipeline(SVC(C=KERNEL_C, gamma=gamma, cache_size=400)))
    else:
        kernel = Candidate("landmarks", 1.0, lambda: _landmarks(gamma, seed))
    return (Candidate("logistic regression", 1.0, lambda: _pipeline(_logistic(LINEAR_C))), kernel)


def _logistic(strength: float) -> LogisticRegression:
    return LogisticRegression(C=strength, max_iter=1000)


def _pipeline(estimator: LogisticRegression | SVC) -> Pipeline:
    return Pipeline([("scale", StandardScaler()), ("classify", estimator)])


def _landmarks(gamma: float, seed: int) -> Pipeline:
    kernel = Nystroem(gamma=gamma, n_components=LANDMARKS, random_state=seed)
    return Pipeline([("scale", StandardScaler()), ("kernel", kernel), ("classify", _logistic(KERNEL_C))])


def raw_scores(pipeline: Pipeline, features: NDArray[np.float32]) -> NDArray[np.float64]:
    """One uncalibrated logit per class that the pipeline learned, (n, k); two classes come as one signed number."""
    decided = np.asarray(pipeline.decision_function(features), dtype=np.float64)
    return np.stack([-decided / 2, decided / 2], axis=1) if decided.ndim == 1 else decided
