"""How far people agree who judged the same parts, beyond what chance would make them agree (STATISTICS §4). Pure.

Labels are numbers 0..K-1 in an array (units, raters); `MISSING` where somebody did not judge.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MISSING = -1
Statistic = Callable[[Ints], float | None]


def counts_of(labels: Ints, *, n_classes: int | None = None) -> Floats:
    """How many raters gave each unit each label, (units, K). Raises ValueError for a label that is no class."""
    n = n_classes if n_classes is not None else int(labels.max(initial=0)) + 1
    if labels.ndim != 2 or bool(((labels < MISSING) | (labels >= n)).any()):
        raise ValueError("labels are an array (units, raters) of class numbers, or missing")
    return np.asarray((labels[:, :, None] == np.arange(n)).sum(axis=1), dtype=np.float64)


def krippendorff_alpha(
    labels: Ints, *, metric: Literal["nominal", "interval"] = "nominal", values: Floats | None = None
) -> float | None:
    """1 - observed over expected disagreement; whoever is missing is left out. The default of this product.

    ``values`` (K,): what the classes measure, for the metric of intervals; their numbers without it. None where no unit
    has two labels, or all labels are one class, where nothing could disagree. Source: Krippendorff 2011.
    """
    counts = counts_of(labels)
    counts = counts[counts.sum(axis=1) >= 2]
    if not len(counts):
        return None
    places = np.arange(counts.shape[1], dtype=np.float64) if values is None else np.asarray(values, dtype=np.float64)
    apart = np.subtract.outer(places, places)
    distance = (apart != 0).astype(np.float64) if metric == "nominal" else apart**2
    pairs = counts[:, :, None] * counts[:, None, :] - np.eye(counts.shape[1]) * counts[:, :, None]
    coincidences = (pairs / (counts.sum(axis=1) - 1)[:, None, None]).sum(axis=0)
    totals = coincidences.sum(axis=0)
    expected = float((np.outer(totals, totals) * distance).sum()) / (totals.sum() - 1)
    return 1 - float((coincidences * distance).sum()) / expected if expected > 0 else None


def fleiss_kappa(labels: Ints) -> float | None:
    """Fleiss 1971, with missing labels as Gwet 2014 generalises it. None as in `krippendorff_alpha`."""
    return kappa_of_counts(counts_of(labels))


def kappa_of_counts(counts: Floats) -> float | None:
    """`fleiss_kappa` from counts (units, K)."""
    agreed, shares = _observed(counts)
    return None if agreed is None else _beyond_chance(agreed, float((shares**2).sum()))


def gwet_ac1(labels: Ints, *, n_classes: int | None = None) -> float | None:
    """Agreement beyond chance that does not collapse where one class is rare: pe = sum p(1-p)/(K-1). Gwet 2008."""
    counts = counts_of(labels, n_classes=n_classes)
    agreed, shares = _observed(counts)
    if agreed is None or len(shares) < 2:
        return None
    return _beyond_chance(agreed, float((shares * (1 - shares)).sum()) / (len(shares) - 1))


def cohen_kappa(table: Floats) -> float | None:
    """Two raters, from their table of counts (K, K). None for an empty table or where chance alone agrees always."""
    total = float(table.sum())
    if total <= 0:
        return None
    shares = table / total
    return _beyond_chance(float(np.trace(shares)), float((shares.sum(axis=0) * shares.sum(axis=1)).sum()))


def specific_agreement(labels: Ints, label: int) -> float | None:
    """When one says a label, how often another says it too: 2a/(2a+b+c) for two raters. To be read for rare defects.

    None where nobody said it of a unit that somebody else judged as well. Source: Cicchetti and Feinstein 1990.
    """
    counts = counts_of(labels, n_classes=max(int(labels.max(initial=0)), label) + 1)
    said, judged = counts[:, label], counts.sum(axis=1)
    pairs = float((said * (judged - 1)).sum())
    return float((said * (said - 1)).sum()) / pairs if pairs > 0 else None


def bootstrap_interval(
    labels: Ints, statistic: Statistic, *, seed: int, n_draws: int = 1000, confidence: float = 0.95
) -> tuple[float, float] | None:
    """Percentile interval over units drawn anew. None where fewer than half of the draws give a number."""
    rng = np.random.default_rng(seed)
    n = len(labels)
    draws = (statistic(labels[rng.integers(0, n, n)]) for _ in range(n_draws if n else 0))
    found = [one for one in draws if one is not None]
    if len(found) < n_draws / 2 or not found:
        return None
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _observed(counts: Floats) -> tuple[float | None, Floats]:
    """The share of pairs that agree, over units with two labels, and the classes' mean shares, over all with one."""
    judged = counts.sum(axis=1)
    some, pairs = judged >= 1, judged >= 2
    if not bool(pairs.any()):
        return None, np.zeros(counts.shape[1])
    alike = (counts * (counts - 1)).sum(axis=1)[pairs] / (judged * (judged - 1))[pairs]
    shares: Floats = (counts[some] / judged[some, None]).mean(axis=0)
    return float(alike.mean()), shares


def _beyond_chance(agreed: float, by_chance: float) -> float | None:
    return (agreed - by_chance) / (1 - by_chance) if by_chance < 1 else None
