"""Temperature scaling (Guo et al. 2017): one number that makes scores mean what they say.

scikit-learn's own calibrator needs every class in every fold; with a class of one example there is none to spare.
Here a row whose class its fold could not learn is left out, and a weak prior keeps few rows from claiming certainty.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

Floats = NDArray[np.float64]
PRIOR_SPREAD = 1.0
"""Standard deviation of the prior on the logarithm of the sharpness."""


@dataclass(frozen=True)
class Calibration:
    """How raw scores become shares, and what the out-of-fold rows said of it.

    `sharpness` is the inverse temperature; `log_loss` (nats) and `accuracy` are weighted means over `n` out-of-fold
    rows, and None when no row could be left out. They choose the estimator: they are not the model's accuracy.
    """

    sharpness: float
    n: int
    log_loss: float | None
    accuracy: float | None


def softmax(logits: Floats, sharpness: float) -> Floats:
    """(n, k) to rows that sum to 1; -inf gives exactly 0. Every row needs one finite number."""
    scaled = logits * sharpness
    raised = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float64)


def calibrate(truth: NDArray[np.int64], logits: Floats, weights: Floats, *, expected: float) -> Calibration:
    """Fit the sharpness on out-of-fold logits (n, k), where the true column of every row is finite.

    Minimises the weighted log loss plus a Gaussian prior on log(sharpness) around log(`expected`), the prior counting
    as one row. `truth` holds column numbers (n,), `weights` are positive (n,).
    """
    if len(truth) == 0:
        return Calibration(expected, 0, None, None)

    def cost(log_sharpness: float) -> float:
        away = (log_sharpness - np.log(expected)) / PRIOR_SPREAD
        return _total_loss(truth, logits, weights, float(np.exp(log_sharpness))) + 0.5 * float(away) ** 2

    found = minimize_scalar(cost, bounds=(np.log(expected) - 3, np.log(expected) + 3), method="bounded")
    sharpness = float(np.exp(found.x))
    total = float(weights.sum())
    correct = float(weights[logits.argmax(axis=1) == truth].sum())
    return Calibration(sharpness, len(truth), log_loss(truth, logits, weights, sharpness), correct / total)


def log_loss(truth: NDArray[np.int64], logits: Floats, weights: Floats, sharpness: float) -> float:
    """Weighted mean, in nats, over at least one row."""
    return _total_loss(truth, logits, weights, sharpness) / float(weights.sum())


def _total_loss(truth: NDArray[np.int64], logits: Floats, weights: Floats, sharpness: float) -> float:
    shares = softmax(logits, sharpness)[np.arange(len(truth)), truth]
    return float(-(weights * np.log(np.maximum(shares, 1e-12))).sum())
