"""Images that look the same, found by their 64-bit perceptual hashes. Pure.

Two hashes within `MOST` bits of each other join their images (statistics: hold-out discipline). The bits are cut into
six bands: at most four of them can differ within four bits, so any such pair agrees in two whole bands and meets when
images are sorted by each of the 15 pairs of bands. That takes seconds for 50,000 images where all pairs would be 10^9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

MOST = 4
DISTANCES = (MOST, 2, 0)
TOO_MANY = 0.001
"""Share of pairs of different parts that may look the same before the hash says too little about these images."""
SAMPLED_PAIRS = 200_000
BANDS = (11, 11, 11, 11, 10, 10)

Hashes = NDArray[np.uint64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Likeness:
    """``pairs`` (n, 2) of positions that look the same within ``distance`` bits; None: the hash says too little."""

    distance: int | None
    pairs: Ints


def find_alike(hashes: Sequence[str], parts: Sequence[int], *, seed: int = 0) -> Likeness:
    """Pairs of images that look the same. ``hashes`` are 16 hex digits, ``parts`` says which images are of one part.

    An empty hash is like no other. Where many different parts look the same (a plain surface under a fixed camera)
    the distance is narrowed, and at last no hash is believed: it would take the whole production for one image.
    """
    known = np.array([i for i, text in enumerate(hashes) if text], dtype=np.int64)
    values = np.array([int(hashes[i], 16) for i in known], dtype=np.uint64)
    distance = _telling_distance(values, np.asarray(parts, dtype=np.int64)[known], seed)
    if distance is None:
        return Likeness(None, np.empty((0, 2), dtype=np.int64))
    return Likeness(distance, known[_pairs_within(values, distance)])


def _telling_distance(values: Hashes, parts: Ints, seed: int) -> int | None:
    """The widest distance at which different parts rarely look the same.

    It is too wide where more than `TOO_MANY` of the pairs agree and an image resembles more than one other on average.
    """
    n = len(values)
    if n < 2:
        return MOST
    left, right = _some_pairs(n, seed)
    apart = parts[left] != parts[right]
    bits = np.bitwise_count(values[left[apart]] ^ values[right[apart]])
    for distance in DISTANCES:
        share = float((bits <= distance).mean()) if bits.size else 0.0
        if share <= TOO_MANY or share * (n - 1) <= 1:
            return distance
    return None


def _some_pairs(n: int, seed: int) -> tuple[Ints, Ints]:
    """All pairs of n, or so many of them that a share of `TOO_MANY` is seen well."""
    if n * (n - 1) // 2 <= SAMPLED_PAIRS:
        left, right = np.triu_indices(n, 1)
        return left.astype(np.int64), right.astype(np.int64)
    rng = np.random.default_rng(seed)
    left = rng.integers(0, n, SAMPLED_PAIRS)
    return left, (left + rng.integers(1, n, SAMPLED_PAIRS)) % n


def _pairs_within(values: Hashes, distance: int) -> Ints:
    """Positions (n, 2) of enough pairs within ``distance`` bits to join all that belong together.

    Equal hashes are chained, each to the next, so that a thousand copies are a thousand pairs and not half a million.
    """
    order = np.argsort(values, kind="stable").astype(np.int64)
    same = values[order[1:]] == values[order[:-1]]
    found = [np.stack([order[:-1][same], order[1:][same]], axis=1)]
    if distance:
        unique, first = np.unique(values, return_index=True)
        found += [first.astype(np.int64)[pairs] for pairs in _near_pairs(unique, distance)]
    return np.concatenate(found)


def _near_pairs(values: Hashes, distance: int) -> list[Ints]:
    """Pairs of different values within ``distance`` bits; a pair may be named more than once."""
    found = []
    for bands in combinations(_bands(), 2):
        keys = values & (bands[0] | bands[1])
        order = np.argsort(keys, kind="stable").astype(np.int64)
        keys = keys[order]
        here, step = np.arange(len(keys) - 1), 1
        while here.size:
            here = here[here + step < len(keys)]
            here = here[keys[here] == keys[here + step]]  # a run of equal keys, walked with growing steps
            left, right = order[here], order[here + step]
            near = np.bitwise_count(values[left] ^ values[right]) <= distance
            found.append(np.stack([left[near], right[near]], axis=1))
            step += 1
    return found


def _bands() -> list[np.uint64]:
    """A mask for each band, from the lowest bit."""
    starts = np.cumsum([0, *BANDS[:-1]])
    return [np.uint64(((1 << width) - 1) << int(start)) for width, start in zip(BANDS, starts, strict=True)]
