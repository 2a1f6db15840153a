"""Which unlabelled images teach most: active learning for small sets of defect images (STATISTICS §6).

With a model: the smallest margins between its two best classes, spread over the kinds of images that there are. Without
one: what is typical of each kind, and what is like nothing else. Beside both a random arm, drawn first and from all, so
that it says what picking is worth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

Arm = Literal["active", "random"]
Why = Literal["margin", "typical", "outlier", "random"]
Floats = NDArray[np.float64]
Places = NDArray[np.int64]

SHORTLIST = 10
"""So many times the wanted number, of smallest margin, are spread over their kinds; the others are sure enough."""
OUTLIER_SHARE = 0.2
DIMENSIONS = 24
NEIGHBOURS = 5
MOST_LABELLED_NEAR = 2000


@dataclass(frozen=True)
class Pick:
    """One image to be labelled. `pi`: the chance that the random arm had of it; None of what was picked on purpose."""

    place: int
    arm: Arm
    why: Why
    pi: float | None
    margin: float | None


def margins(scores: Floats) -> Floats:
    """Best minus second-best score, (n,), of scores (n, k): small where the model is torn. One class alone leaves 1."""
    if scores.shape[1] < 2:
        return np.ones(len(scores))
    best = np.partition(scores, -2, axis=1)[:, -2:]
    return np.asarray(best[:, 1] - best[:, 0], dtype=np.float64)


def pick(
    features: NDArray[np.float32],
    torn: Floats | None,
    *,
    n: int,
    random_share: float,
    seed: int,
    groups: Sequence[str] | None = None,
) -> list[Pick]:
    """`n` images of a pool (N, d), of which `random_share` are drawn by chance; all when the pool has no more.

    `torn` (N,) are the model's `margins`, None before there is one. `groups` (N,) name images of the same part or
    repeats of one: the active arm takes one of each. Equal inputs and seed give equal picks, in the order of their use.
    Raises ValueError for a share outside [0, 1] or counts that do not fit.
    """
    total = len(features)
    if not 0 <= random_share <= 1 or n < 0 or (torn is not None and len(torn) != total):
        raise ValueError("a share lies between 0 and 1, and every image has its margin")
    n = min(n, total)
    n_random = round(n * random_share)
    drawn = np.random.default_rng(seed).permutation(total)[:n_random]
    rest = _one_of_each(np.setdiff1d(np.arange(total), drawn), groups, torn)
    with threadpool_limits(1):
        active = _active(features, torn, rest, n - n_random, seed)
    at = (lambda place: None) if torn is None else (lambda place: float(torn[place]))
    picked = [Pick(int(place), "active", why, None, at(place)) for place, why in active]
    picked += [Pick(int(place), "random", "random", n_random / total, at(place)) for place in drawn]
    return [picked[place] for place in np.random.default_rng([seed, 1]).permutation(len(picked))]


def _active(
    features: NDArray[np.float32], torn: Floats | None, rest: Places, n: int, seed: int
) -> list[tuple[int, Why]]:
    if n <= 0 or len(rest) == 0:
        return []
    if torn is None:
        return _cold(features[rest], rest, n, seed)
    shortlist = rest[np.argsort(torn[rest], kind="stable")[: max(n * SHORTLIST, n)]]
    weights = 1.0 - torn[shortlist] + 1e-3
    return [(int(shortlist[place]), "margin") for place in _spread(features[shortlist], weights, n, seed)]


def _cold(features: NDArray[np.float32], rest: Places, n: int, seed: int) -> list[tuple[int, Why]]:
    """Outliers first, then one typical image of each kind of the others."""
    n_outliers = min(int(n * OUTLIER_SHARE), max(0, len(rest) - n))
    points = _reduced(features, seed)
    lonely = np.argsort(-_distance_to_others(points), kind="stable")[:n_outliers]
    others = np.setdiff1d(np.arange(len(rest)), lonely)
    typical = others[_medoids(points[others], np.ones(len(others)), n - n_outliers, seed)]
    outliers: list[tuple[int, Why]] = [(int(rest[place]), "outlier") for place in lonely]
    return outliers + [(int(rest[place]), "typical") for place in typical]


def _spread(features: NDArray[np.float32], weights: Floats, n: int, seed: int) -> Places:
    """`n` of the shortlist, one near each centre of a weighted k-means (BADGE's diversity without gradients)."""
    if len(features) <= n:
        return np.arange(len(features))
    return _medoids(_reduced(features, seed), weights, n, seed)


def _medoids(points: Floats, weights: Floats, n: int, seed: int) -> Places:
    """The point nearest to each of `n` centres, each point once."""
    if len(points) <= n:
        return np.arange(len(points))
    found = KMeans(n_clusters=n, n_init=1, random_state=seed).fit(points, sample_weight=weights)
    away = found.transform(points)
    taken: list[int] = []
    for centre in np.argsort(away.min(axis=0), kind="stable"):
        order = np.argsort(away[:, centre], kind="stable")
        taken.append(int(next(place for place in order if int(place) not in set(taken))))
    return np.asarray(taken, dtype=np.int64)


def _reduced(features: NDArray[np.float32], seed: int) -> Floats:
    """Standardised, in the few directions that differ most: distances in hundreds of dimensions tell little."""
    spread = features.std(axis=0)
    scaled = (features - features.mean(axis=0)) / np.where(spread > 1e-6, spread, 1.0)
    dimensions = min(DIMENSIONS, *scaled.shape)
    reduced = PCA(dimensions, svd_solver="randomized", random_state=seed).fit_transform(scaled.astype(np.float64))
    return np.asarray(reduced, dtype=np.float64)


def _distance_to_others(points: Floats) -> Floats:
    """Mean distance to the nearest few others, in slices that fit in memory."""
    n = min(NEIGHBOURS, len(points) - 1)
    if n < 1:
        return np.zeros(len(points))
    squares = (points**2).sum(axis=1)
    found: list[Floats] = []
    for start in range(0, len(points), 512):
        piece = points[start : start + 512]
        apart = squares[start : start + 512, None] + squares - 2 * piece @ points.T
        nearest = np.partition(np.maximum(apart, 0.0), n, axis=1)[:, : n + 1]
        found.append(np.sqrt(nearest).sum(axis=1) / n)
    return np.concatenate(found)


def _one_of_each(rest: Places, groups: Sequence[str] | None, torn: Floats | None) -> Places:
    """Of images of one group the one with the smallest margin, else the first."""
    if groups is None:
        return rest
    ordered = rest if torn is None else rest[np.argsort(torn[rest], kind="stable")]
    _, first = np.unique(np.asarray(groups)[ordered], return_index=True)
    return np.sort(ordered[first])
