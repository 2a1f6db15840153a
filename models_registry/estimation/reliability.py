"""Whether a model is as sure as it is right: by bins of confidence, weighted back to all that arrived (STATISTICS §5).

Confidence is what the model believes of its own answer, 1 - g; in each bin it is compared with the share of right
answers among what was drawn and settled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from models_registry.estimation.accuracy import MIN_SETTLED
from models_registry.estimation.bins import found, judged, largest_weights
from models_registry.estimation.cells import Cells
from models_registry.estimation.counts import METHOD_RATIO, Measured, measured
from models_registry.estimation.response import spoken_of, weigh_slice
from models_registry.estimation.slices import share_right
from models_registry.estimation.totals import Floats

N_DRAWS = 2000  # of noise


@dataclass(frozen=True, slots=True)
class ConfidenceBin:
    """One bin of confidence. ``said``: its mean confidence; ``right``: the share that was right; ``weight``: its part
    of all. ``said`` is None where nothing is settled."""

    said: float | None
    right: Measured
    weight: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """``bins`` in the order given. The rest is None below 30 settled.

    ``ece``: expected calibration error, the mean distance of said and right, without what chance alone adds to it, with
    its 95 % interval. ``too_sure``: mean of said minus right, in shares: 0.09 is nine points too sure, below 0 too
    modest. ``brier``: mean of (said - right)^2 over inspections.
    """

    bins: tuple[ConfidenceBin, ...]
    n: int
    ece: float | None
    ece_low: float | None
    ece_high: float | None
    too_sure: float | None
    brier: float | None


@dataclass(frozen=True, slots=True)
class _Sums:
    """Of the bins with data: weight, mean said, share right and the variance of its estimate, arrays (b,)."""

    weight: Floats
    said: Floats
    right: Floats
    variance: Floats


def reliability(bins: Sequence[Cells], *, window: Cells | None = None, seed: int = 0) -> Reliability:
    """Compare said and right in each bin of confidence, whose settled cells these are.

    ``window``: the cells around them, from which silence is weighed in (`response.weigh_slice`). The radius of the
    error's interval is drawn with ``seed``, so the same cells give the same figures.
    Raises ValueError as `response.weigh_silence` does.
    """
    weighed = [_settled(cells, window) for cells in bins]
    weights = np.array([float(cells.w.sum()) for cells in weighed])
    total, n = float(weights.sum()), int(sum(int(cells.n.sum()) for cells in weighed))
    shown = tuple(
        _bin(cells, weight / total if total > 0 else 0.0) for cells, weight in zip(weighed, weights, strict=True)
    )
    if n < MIN_SETTLED:
        return Reliability(shown, n, None, None, None, None, None)
    sums = _sums([cells for cells in weighed if len(cells)])
    ece, low, high = _calibration_error(sums, seed=seed)
    return Reliability(
        bins=shown,
        n=n,
        ece=ece,
        ece_low=low,
        ece_high=high,
        too_sure=float((sums.weight * (sums.said - sums.right)).sum()),
        brier=sum(_squares(cells) for cells in weighed) / total,
    )


def _settled(cells: Cells, window: Cells | None) -> Cells:
    weighed = weigh_slice(spoken_of(cells), window=window)
    return weighed.where(judged(weighed) & (weighed.n > 0))


def _bin(cells: Cells, weight: float) -> ConfidenceBin:
    is_wrong = cells.true != cells.predicted
    wrong, right = (found(cells, row=np.where(mask, 0, -1)) for mask in (is_wrong, ~is_wrong))
    share = share_right(wrong, right, largest=largest_weights(cells))
    n, n_found = float(cells.n.sum()), float(wrong.n.sum())
    said = 1 - float(cells.wg.sum() / cells.w.sum()) if len(cells) else None
    return ConfidenceBin(said, measured(share, 0, n=n, n_found=n_found, method=METHOD_RATIO), weight)


def _sums(bins: Sequence[Cells]) -> _Sums:
    weight = np.array([float(cells.w.sum()) for cells in bins])
    squares = np.array([float(cells.w2.sum()) for cells in bins])
    wrong = np.array([float(cells.w[cells.true != cells.predicted].sum()) for cells in bins])
    said = 1 - np.array([float(cells.wg.sum()) for cells in bins]) / weight
    size = weight**2 / squares  # a bin of which all is right has a spread too: one right and one wrong are added
    smooth = (1 - wrong / weight) * size + 1
    smooth = smooth / (size + 2)
    return _Sums(weight / weight.sum(), said, 1 - wrong / weight, smooth * (1 - smooth) / size)


def _calibration_error(sums: _Sums, *, seed: int) -> tuple[float, float, float]:
    """Weighted mean of |said - right|, less what chance adds, and an interval.

    A gap d with variance v is |N(d, v)| on average too large; twice the plain error minus its mean under N(d, v), in
    closed form, takes that away to first order (the bootstrap's correction of bias, Efron and Tibshirani 1993, ch. 10).
    The interval: the error is a norm of the gaps, so it is off by no more than the norm of their noise, of which 95 %
    lie below a radius; the bootstrap's own quantiles were tried and missed the truth one time in six.
    """
    gap, spread = sums.said - sums.right, np.sqrt(sums.variance)
    plain = float((sums.weight * np.abs(gap)).sum())
    z = gap / spread
    folded = spread * np.sqrt(2 / np.pi) * np.exp(-(z**2) / 2) + gap * special.erf(z / np.sqrt(2))
    ece = max(2 * plain - float((sums.weight * folded).sum()), 0.0)
    noise = np.abs(np.random.default_rng(seed).normal(0, spread, size=(N_DRAWS, len(gap))))
    radius = float(np.quantile((sums.weight * noise).sum(axis=1), 0.95))
    return ece, min(max(plain - radius, 0.0), ece), max(plain + radius, ece)


def _squares(cells: Cells) -> float:
    """Sum of w (said - right)^2 with said = 1 - g: g^2 where it was right, (1 - g)^2 where it was wrong."""
    wrong = cells.true != cells.predicted
    return float(cells.wg2.sum() + (cells.w - 2 * cells.wg)[wrong].sum())
