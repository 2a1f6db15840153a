"""The estimators that the built-in trainer chooses among.

Measured on steel and infrared images: logistic regression wins with few labels, a kernel with many
(benchmarks/trainer.py measures it again).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

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
LINEAR_C = (0.1, 0.5, 2.0)
KERNELS = ((8.0, 0.5), (3.0, 1.0), (2.0, 2.0), (8.0, 0.25))
"""C, and the width: gamma = width / number of features, on standardised features. The usual one first."""
ENOUGH_TO_SEARCH = 60
"""Below so many rows, what is better out of fold is chance: only the usual two are tried."""


@dataclass(frozen=True)
class Candidate:
    """A way to fit: `sharpness` is where its temperature is expected, before any row was seen."""

    name: str
    sharpness: float
    build: Callable[[], Pipeline]
    is_kernel: bool = False


def candidates(
    *, n_rows: int, n_features: int, n_classes: int, n_folds: int, seed: int, search_seconds: float
) -> tuple[Candidate, ...]:
    """What is tried for so many rows: the usual two whatever they cost, then what the budget allows, in a fixed order.

    The same counts, seed and budget give the same candidates on every machine.
    """
    linear = [_linear(strength) for strength in LINEAR_C]
    kernels = [_kernel(strength, width / n_features, n_rows, seed) for strength, width in KERNELS]
    tried, others = [linear[0], kernels[0]], [*kernels[1:2], *linear[1:2], *kernels[2:], *linear[2:]]
    spent = 0.0
    for one in others if n_rows >= ENOUGH_TO_SEARCH else []:
        spent += seconds(one, n_rows=n_rows, n_classes=n_classes, n_folds=n_folds)
        if spent > search_seconds:
            break
        tried.append(one)
    return tuple(tried)


def seconds(candidate: Candidate, *, n_rows: int, n_classes: int, n_folds: int) -> float:
    """About how long it takes to judge a candidate on one core of 2026; fitted to 463 features, 100 to 6,000 rows."""
    if candidate.is_kernel and n_rows <= KERNEL_ROWS:
        return n_folds * 1e-7 * n_rows**2
    return n_folds * 2e-5 * n_rows * (n_classes if not candidate.is_kernel else 5 * n_classes)


def _linear(strength: float) -> Candidate:
    return Candidate(f"logistic regression, C {strength:g}", 1.0, lambda: _pipeline(_logistic(strength)))


def _kernel(strength: float, gamma: float, n_rows: int, seed: int) -> Candidate:
    said = f"C {strength:g}, gamma {gamma:.2g}"
    if n_rows <= KERNEL_ROWS:
        build = partial(SVC, C=strength, gamma=gamma, cache_size=400)
        return Candidate(f"support vectors, {said}", 3.0, lambda: _pipeline(build()), is_kernel=True)
    return Candidate(f"landmarks, {said}", 1.0, lambda: _landmarks(strength, gamma, seed), is_kernel=True)


def _logistic(strength: float) -> LogisticRegression:
    return LogisticRegression(C=strength, max_iter=1000)


def _pipeline(estimator: LogisticRegression | SVC) -> Pipeline:
    return Pipeline([("scale", StandardScaler()), ("classify", estimator)])


def _landmarks(strength: float, gamma: float, seed: int) -> Pipeline:
    kernel = Nystroem(gamma=gamma, n_components=LANDMARKS, random_state=seed)
    return Pipeline([("scale", StandardScaler()), ("kernel", kernel), ("classify", _logistic(strength))])


def raw_scores(pipeline: Pipeline, features: NDArray[np.float32]) -> NDArray[np.float64]:
    """One uncalibrated logit per class that the pipeline learned, (n, k); two classes come as one signed number."""
    decided = np.asarray(pipeline.decision_function(features), dtype=np.float64)
    return np.stack([-decided / 2, decided / 2], axis=1) if decided.ndim == 1 else decided
