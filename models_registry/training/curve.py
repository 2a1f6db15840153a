"""Models that learned from less: nested parts of the training rows, judged on the rows that were held out."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from models_registry.learning_curve import CurvePoint
from models_registry.training.candidates import ENOUGH_TO_SEARCH, Candidate, candidates

SHARES = (0.125, 0.25, 0.5)
REPEATS = 3
FEWEST_ROWS = 40
FEWEST_HELD_OUT = 20
UNBOUNDED = 1e9


def nested_points(
    features: NDArray[np.float32],
    labels: NDArray[np.str_],
    groups: Sequence[str],
    *,
    held_out: NDArray[np.float32],
    truth: NDArray[np.str_],
    pi: NDArray[np.float64],
    estimator: str,
    seed: int,
) -> list[CurvePoint]:
    """Accuracy (weighted by 1/pi, Hajek) on `held_out` of what learned from an eighth, a quarter and a half of the
    groups: the means of three orders, in each of which a larger part holds the smaller ones. Empty where rows are few.

    `estimator` is the name of the candidate that the model on all rows is: nothing is chosen here.
    """
    if len(labels) < FEWEST_ROWS or len(truth) < FEWEST_HELD_OUT:
        return []
    candidate = _named(estimator, n_rows=len(labels), n_features=features.shape[1], seed=seed)
    if candidate is None:
        return []
    weights = 1 / pi / (1 / pi).sum()
    _, member = np.unique(np.asarray(groups), return_inverse=True)
    found = []
    with threadpool_limits(1):
        for share in SHARES:
            right, sizes = [], []
            for repeat in range(REPEATS):
                order = np.random.default_rng([seed, repeat]).permutation(member.max() + 1)
                chosen = np.isin(member, order[: max(1, round(share * len(order)))])
                if len(np.unique(labels[chosen])) < 2:
                    continue
                pipeline = candidate.build().fit(features[chosen], labels[chosen])
                right.append(float(weights[pipeline.predict(held_out) == truth].sum()))
                sizes.append(int(chosen.sum()))
            if right:
                found.append(CurvePoint(round(float(np.mean(sizes))), float(np.mean(right)), len(truth)))
    return found


def full_point(n_labels: int, right: NDArray[np.bool_], pi: NDArray[np.float64]) -> CurvePoint:
    """The model on all rows, by the same measure."""
    weights = 1 / pi
    return CurvePoint(n_labels, float(weights[right].sum() / weights.sum()), len(right))


def _named(estimator: str, *, n_rows: int, n_features: int, seed: int) -> Candidate | None:
    every = candidates(
        n_rows=max(n_rows, ENOUGH_TO_SEARCH), n_features=n_features, n_classes=1, n_folds=1,
        seed=seed, search_seconds=UNBOUNDED,
    )  # fmt: skip
    return next((one for one in every if one.name == estimator), None)
