"""A part of several views, as one row: of features, or of scores where a model looks at images itself.

One row a part keeps everything after it as it is for one view: weights, folds, the hold-out, the comparison.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float32]
Scores = NDArray[np.float64]


def pooled(features: Features, n_views: Sequence[int]) -> Features:
    """The mean over each part's views: (sum of `n_views`, d) to (parts, d). A part of one view keeps its own numbers.

    Views of a part follow each other. Raises ValueError when the counts do not fit, or a part has no view.
    """
    means = _means(features, n_views)
    return features if means is None else np.asarray(means, dtype=np.float32)


def mean_scores(scores: Scores, n_views: Sequence[int]) -> Scores:
    """The same of scores whose rows sum to 1; so do the means."""
    means = _means(scores, n_views)
    return scores if means is None else means


def _means(rows: NDArray[Any], n_views: Sequence[int]) -> Scores | None:
    """None: every part has one view."""
    counts = np.asarray(n_views, dtype=np.int64)
    if counts.sum() != len(rows) or (counts < 1).any():
        raise ValueError(f"{len(rows)} views do not make parts of {counts.tolist()[:10]} views")
    if (counts == 1).all():
        return None
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    sums = np.add.reduceat(rows.astype(np.float64), starts, axis=0)
    return np.asarray(sums / counts[:, None])
