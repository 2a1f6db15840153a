"""The built-in trainer: features and labels in, a classifier with calibrated scores out.

Each candidate is judged out of fold by its calibrated log loss; the best is fitted again on all rows. One thread: the
matrices are small, more threads cost more than they give, and sums in a fixed order make two fits of one seed equal.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from models_registry.training.calibration import Calibration, calibrate, softmax
from models_registry.training.candidates import Candidate, candidates, raw_scores
from models_registry.training.config import USUAL, TrainerConfig
from models_registry.training.errors import TrainingDataError
from models_registry.training.features import FEATURES_VERSION

Features = NDArray[np.float32]
Scores = NDArray[np.float64]
Report = Callable[[float, str], None]

MOST_FOLDS = 5
FOLDS_WHEN_LARGE = 3
LARGE = 1500


@dataclass(frozen=True)
class FittedModel:
    """A classifier that can be saved: what it was taught to say, from which features, and how sure it may be.

    `classes` is the order of the scores; `pipeline.classes_` may be fewer, those that had a training label.
    """

    classes: tuple[str, ...]
    features_version: str
    n_features: int
    estimator: str
    pipeline: Pipeline
    calibration: Calibration

    def predict_scores(self, features: ArrayLike) -> Scores:
        """Scores (n, k) for features (n, d), rows summing to 1, in the order of `classes`; a class not learned gets 0.

        Raises TrainingDataError (`shape_mismatch`, `features_not_finite`).
        """
        rows = _finite_rows(features)
        if rows.shape[1] != self.n_features:
            raise TrainingDataError("shape_mismatch", f"{rows.shape[1]} features given, {self.n_features} learned.")
        scores = np.zeros((len(rows), len(self.classes)))
        if len(rows):
            columns = [self.classes.index(name) for name in self.pipeline.classes_.tolist()]
            with threadpool_limits(1):
                scores[:, columns] = softmax(raw_scores(self.pipeline, rows), self.calibration.sharpness)
        return scores


@dataclass(frozen=True)
class Tried:
    """A candidate, asked about rows that its fits did not see: shares right (weighted) of `n` in all and by fold."""

    name: str
    n: int
    log_loss: float | None
    accuracy: float | None
    folds: tuple[float, ...]


@dataclass(frozen=True)
class _Rows:
    """Checked training rows; `truth` numbers the sorted names of the classes that occur, `names`."""

    features: Features
    truth: NDArray[np.int64]
    weights: Scores
    names: NDArray[np.str_]


def fit(
    features: ArrayLike,
    labels: Sequence[str] | NDArray[np.str_],
    *,
    classes: Sequence[str],
    seed: int,
    weights: ArrayLike | None = None,
    groups: Sequence[str] | None = None,
    config: TrainerConfig = USUAL,
    report: Report | None = None,
    judged: Callable[[Tried], None] | None = None,
) -> FittedModel:
    """Choose and fit a classifier for features (n, d) and labels (n,).

    `weights` (n,) are relative; `groups` (n,) name rows that must not be split between folds (views or repeats of one
    part), or calibration would be flattered. `report` hears the share done and a sentence, `judged` each candidate that
    was tried. Equal inputs, config and seed give equal models. Raises TrainingDataError; a class of `classes` without a
    row is no error.
    """
    rows = _checked(features, labels, classes, weights)
    if config.balanced:
        rows = _balanced(rows)
    tell = report or _silent
    n_folds = _n_folds(len(rows.truth))
    tried = candidates(
        n_rows=len(rows.truth), n_features=rows.features.shape[1], n_classes=len(rows.names), n_folds=n_folds,
        seed=seed, search_seconds=config.search_seconds,
    )  # fmt: skip
    folds = assign_folds(rows.truth, groups=groups, n_folds=n_folds, seed=seed)
    found: list[tuple[Calibration, Candidate]] = []
    with threadpool_limits(1):
        for place, one in enumerate(tried):
            calibration, shares = _judge(rows, folds, one, _slice(tell, place, len(tried) + 1))
            found.append((calibration, one))
            if judged is not None:
                judged(Tried(one.name, calibration.n, calibration.log_loss, calibration.accuracy, shares))
        calibration, best = min(found, key=lambda pair: _loss(pair[0]))
        tell(len(tried) / (len(tried) + 1), f"Fitting {best.name} on all {len(rows.truth)} rows.")
        pipeline = _fitted(best, rows, np.ones(len(rows.truth), dtype=bool))
    tell(1.0, f"Fitted {best.name}.")
    return FittedModel(tuple(classes), FEATURES_VERSION, rows.features.shape[1], best.name, pipeline, calibration)


def _balanced(rows: _Rows) -> _Rows:
    """The same rows, every class with the same sum of weights."""
    sums = np.bincount(rows.truth, rows.weights)
    weights = rows.weights / sums[rows.truth]
    return replace(rows, weights=weights / weights.mean())


def assign_folds(
    truth: NDArray[np.int64], *, groups: Sequence[str] | None, n_folds: int, seed: int
) -> NDArray[np.int64]:
    """Fold number of each row: classes are dealt out evenly in random order, a group follows its first member.

    Works for classes with fewer rows than folds, which StratifiedKFold refuses.
    """
    order = np.random.default_rng(seed).permutation(len(truth))
    dealt = order[np.argsort(truth[order], kind="stable")]
    folds = np.empty(len(truth), dtype=np.int64)
    folds[dealt] = np.arange(len(truth)) % n_folds
    if groups is not None:
        _, first, member = np.unique(np.asarray(groups), return_index=True, return_inverse=True)
        folds = folds[first[member]]
    return folds


def _n_folds(n_rows: int) -> int:
    return min(FOLDS_WHEN_LARGE if n_rows > LARGE else MOST_FOLDS, n_rows)


def _judge(
    rows: _Rows, folds: NDArray[np.int64], candidate: Candidate, tell: Report
) -> tuple[Calibration, tuple[float, ...]]:
    """Calibrate a candidate on rows that its fits did not see; and the weighted share of them right, by fold."""
    logits = np.full((len(rows.truth), len(rows.names)), -np.inf)
    numbers = np.unique(folds)
    for place, fold in enumerate(numbers):
        tell(place / len(numbers), f"Trying {candidate.name}, fold {place + 1} of {len(numbers)}.")
        out = folds == fold
        if len(np.unique(rows.truth[~out])) < 2:
            continue
        pipeline = _fitted(candidate, rows, ~out)
        learned = np.searchsorted(rows.names, pipeline.classes_)
        logits[np.ix_(out, learned)] = raw_scores(pipeline, rows.features[out])
    usable = np.isfinite(logits[np.arange(len(rows.truth)), rows.truth])
    found = calibrate(rows.truth[usable], logits[usable], rows.weights[usable], expected=candidate.sharpness)
    right = usable & (logits.argmax(axis=1) == rows.truth)
    shares = [(rows.weights[right & (folds == fold)], rows.weights[usable & (folds == fold)]) for fold in numbers]
    return found, tuple(float(of_them.sum() / all_.sum()) for of_them, all_ in shares if len(all_))


def _fitted(candidate: Candidate, rows: _Rows, chosen: NDArray[np.bool_]) -> Pipeline:
    weights = rows.weights[chosen]
    pipeline = candidate.build()
    pipeline.fit(
        rows.features[chosen],
        rows.names[rows.truth[chosen]],
        scale__sample_weight=weights,
        classify__sample_weight=weights,
    )
    return pipeline


def _loss(calibration: Calibration) -> float:
    return np.inf if calibration.log_loss is None else calibration.log_loss


def _checked(
    features: ArrayLike, labels: Sequence[str] | NDArray[np.str_], classes: Sequence[str], weights: ArrayLike | None
) -> _Rows:
    rows, names = _finite_rows(features), np.asarray(labels, dtype=np.str_)
    if len(rows) == 0:
        raise TrainingDataError("no_rows", "There are no labelled rows to train from.")
    if names.shape != (len(rows),):
        raise TrainingDataError("shape_mismatch", f"{len(rows)} rows of features and {names.size} labels do not match.")
    _check_classes(names, classes)
    present, truth = np.unique(names, return_inverse=True)
    return _Rows(rows, truth.astype(np.int64), _checked_weights(weights, len(rows)), present)


def _check_classes(names: NDArray[np.str_], classes: Sequence[str]) -> None:
    if len(set(classes)) != len(classes):
        raise TrainingDataError("bad_classes", "A class is listed twice.")
    counts = Counter(names.tolist())
    unknown = sorted(set(counts) - set(classes))
    if unknown:
        raise TrainingDataError("unknown_label", f"Labels outside the label set: {', '.join(unknown)}.")
    if len(counts) < 2:
        raise TrainingDataError(
            "one_class", f"All rows are labelled {min(counts)}: two classes are needed to tell apart."
        )


def _checked_weights(weights: ArrayLike | None, n_rows: int) -> Scores:
    """Positive weights with a mean of 1, so that regularisation means the same whatever their unit."""
    if weights is None:
        return np.ones(n_rows)
    given = np.asarray(weights, dtype=np.float64)
    if given.shape != (n_rows,) or not np.isfinite(given).all() or (given <= 0).any():
        raise TrainingDataError("bad_weights", "Every row needs one finite weight above 0.")
    return np.asarray(given / given.mean())


def _finite_rows(features: ArrayLike) -> Features:
    rows = np.asarray(features, dtype=np.float32)
    if rows.ndim != 2:
        raise TrainingDataError(
            "shape_mismatch", f"Features must be a table (rows, numbers), not of shape {rows.shape}."
        )
    bad = ~np.isfinite(rows).all(axis=1)
    if bad.any():
        raise TrainingDataError(
            "features_not_finite", f"{int(bad.sum())} rows hold features that are no finite numbers."
        )
    return rows


def _slice(tell: Report, place: int, places: int) -> Report:
    return lambda share, message: tell((place + share) / places, message)


def _silent(share: float, message: str) -> None:
    """Nobody listens."""
