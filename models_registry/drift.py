"""Whether what arrives has changed against a frozen reference (STATISTICS §5). Pure. A hint: drift proves no error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Psi:
    """The index and what it exceeds by chance in one of twenty comparisons without a change."""

    value: float
    critical: float

    @property
    def is_exceeded(self) -> bool:
        return self.value > self.critical


def wasserstein(
    one: Floats, other: Floats, *, one_weights: Floats | None = None, other_weights: Floats | None = None
) -> float:
    """The mean way that one distribution has to be carried to become the other, in the values' unit."""
    return float(stats.wasserstein_distance(one, other, one_weights, other_weights))


def effect_size(reference: Floats, current: Floats) -> float | None:
    """`wasserstein` over the reference's interquartile range; None where that is 0. From 0.2 on it counts."""
    low, high = np.percentile(reference, [25, 75])
    return wasserstein(reference, current) / float(high - low) if high > low else None


def jensen_shannon(one: Floats, other: Floats, *, base: float = 2.0) -> float:
    """Distance (root of the divergence) of two distributions over the same classes, (K,), 0 to 1 with base 2.

    Counts do as well as shares. Raises ValueError for differing shapes, a negative count or an empty distribution.
    """
    if one.shape != other.shape or bool((one < 0).any() or (other < 0).any()) or min(one.sum(), other.sum()) <= 0:
        raise ValueError("two distributions have the same classes, no negative count, and something in them")
    p, q = one / one.sum(), other / other.sum()
    middle = (p + q) / 2
    divergence = (special.rel_entr(p, middle).sum() + special.rel_entr(q, middle).sum()) / 2 / np.log(base)
    return float(np.sqrt(max(divergence, 0.0)))


def psi(reference: Floats, current: Floats, *, n_bins: int = 10, alpha: float = 0.05) -> Psi:
    """Population stability index on quantile bins of the reference, with half a count added to each bin.

    The critical value is chi2(B-1) times (1/n + 1/m) (Yurdakul 2018), not the folk rules of 0.1 and 0.25, which large
    samples never and small ones always reach. Raises ValueError for an empty sample.
    """
    if not len(reference) or not len(current):
        raise ValueError("both samples have values")
    edges = np.unique(np.quantile(reference, np.linspace(0, 1, n_bins + 1)[1:-1]))
    counts = [
        np.bincount(np.searchsorted(edges, one, side="left"), minlength=len(edges) + 1) + 0.5
        for one in (reference, current)
    ]
    before, after = (count / count.sum() for count in counts)
    critical = float(stats.chi2.ppf(1 - alpha, len(edges))) * (1 / len(reference) + 1 / len(current))
    return Psi(float(((after - before) * np.log(after / before)).sum()), critical)


def kolmogorov_smirnov(reference: Floats, current: Floats) -> float:
    """The p-value of the two-sample test, asymptotic: exact counting over thousands of values costs seconds."""
    return float(stats.ks_2samp(reference, current, method="asymp").pvalue)


def discoveries(p_values: Sequence[float], *, q: float = 0.05, method: Literal["bh", "by"] = "bh") -> list[bool]:
    """Which of many tests speak, with a false discovery rate of at most q: Benjamini and Hochberg 1995, or Benjamini
    and Yekutieli 2001 where tests depend on each other in any way.
    """
    if not p_values:
        return []
    return [bool(one <= q) for one in stats.false_discovery_control(p_values, method=method)]


MIN_REFERENCE, MIN_CURRENT = 1000, 200
NOTICEABLE = 0.1  # distance: below it a difference is too small to matter, however surely it is there
NOTICEABLE_WAY = 0.2  # the same for numbers, in interquartile ranges


@dataclass(frozen=True, slots=True)
class Comparison:
    """One thing's window against its reference: how surely they differ, and whether by enough to matter."""

    p_value: float
    is_noticeable: bool


def compare_classes(reference: Floats, current: Floats) -> Comparison | None:
    """Counts of classes, (K,) each: chi-square and the distance of Jensen and Shannon. None: too few of either."""
    if reference.sum() < MIN_REFERENCE or current.sum() < MIN_CURRENT:
        return None
    seen = reference + current > 0
    table = np.stack([reference[seen], current[seen]])
    if table.shape[1] < 2:
        return Comparison(1.0, is_noticeable=False)
    p_value = float(stats.chi2_contingency(table).pvalue)
    return Comparison(p_value, jensen_shannon(reference, current) > NOTICEABLE)


def compare_numbers(reference: Floats, current: Floats) -> Comparison | None:
    """Values, (n,) and (m,): Kolmogorov-Smirnov and the way over the reference's spread. None: too few of either.

    Where the middle half of the reference is one value the spread is its standard deviation, and where all of it is
    one value any difference is noticeable.
    """
    if len(reference) < MIN_REFERENCE or len(current) < MIN_CURRENT:
        return None
    size = effect_size(reference, current)
    if size is None:
        way, spread = wasserstein(reference, current), float(np.std(reference))
        size = way / spread if spread > 0 else float(np.inf) if way > 0 else 0.0
    return Comparison(kolmogorov_smirnov(reference, current), size > NOTICEABLE_WAY)


def drifted(window: Mapping[str, Comparison], *, q: float = 0.05) -> frozenset[str]:
    """What of one window has drifted: surely, under one false discovery rate over all of it, and noticeably."""
    found = discoveries([one.p_value for one in window.values()], q=q)
    pairs = zip(window.items(), found, strict=True)
    return frozenset(name for (name, one), is_sure in pairs if is_sure and one.is_noticeable)


@dataclass(frozen=True, slots=True)
class Row:
    """``n`` of the newest windows in a row have drifted in each of ``what``, sorted; 0 and nothing for no drift."""

    n: int
    what: tuple[str, ...]


def in_a_row(windows: Sequence[Mapping[str, Comparison]]) -> Row | None:
    """The longest row of windows, the newest first, in which the same thing has drifted. None: the newest cannot be
    compared."""
    if not windows or not windows[0]:
        return None
    found = [drifted(window) for window in windows]
    staying, longest = found[0], 0
    what: frozenset[str] = frozenset()
    for one in found:
        staying &= one
        if not staying:
            break
        what, longest = staying, longest + 1
    return Row(longest, tuple(sorted(what)))
