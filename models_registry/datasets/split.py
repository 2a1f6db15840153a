"""What is held out stays held out: groups and their near-duplicates lie on one side, leaks are looked for. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist

from models_registry.datasets.near_duplicates import find_alike
from models_registry.manifest import Check, Exclusion, ManifestHeader, ManifestRow, some

RECENT = timedelta(days=90)
SHUFFLES = 20
SURE = 4.0
LEAKS = 0.10
"""Shuffled labels are said to know something when they score this much above chance, and `SURE` standard errors. Less
is no leak: far-off parts fall to rare classes whatever the labels, and far-off parts are often rare."""

Floats = NDArray[np.float32]
Words = NDArray[np.str_]
NamesOf = Callable[[ManifestRow], list[str]]
Learner = Callable[[Words], Words]


@dataclass(frozen=True, slots=True)
class Apart:
    """Rows that may be frozen, what was left out of training and why, and how alike images may be (bits)."""

    rows: list[ManifestRow]
    excluded: tuple[Exclusion, ...]
    distance: int | None
    n_joined: int


def keep_apart(rows: Sequence[ManifestRow]) -> Apart:
    """Join what must not be split, and leave out of training what belongs to a held-out part.

    Rows are joined by their group, by equal bytes and by images that look the same; a joined row carries the first
    name of its groups. The hold-out never moves: a near-duplicate that came later is left out of training instead.
    """
    cluster, distance, n_joined = _clusters(rows)
    held_out: dict[int, str] = {}
    names: dict[int, str] = {}
    for row, where in zip(rows, cluster, strict=True):
        names[where] = min(names.get(where, row.group), row.group)
        if row.partition == "holdout":
            held_out.setdefault(where, row.inspection)
    kept, excluded = [], []
    for row, where in zip(rows, cluster, strict=True):
        if row.partition == "train" and where in held_out:
            excluded.append(Exclusion(inspection=row.inspection, label=row.label, because_of=held_out[where]))
        else:
            kept.append(replace(row, group=names[where]))
    return Apart(kept, tuple(excluded), distance, n_joined)


def _clusters(rows: Sequence[ManifestRow]) -> tuple[list[int], int | None, int]:
    """For each row the number of what it is joined with; the distance used; how many groups were joined to others."""
    groups = _numbered(row.group for row in rows)
    of_row = [number for number, row in enumerate(rows) for _ in row.images]
    images = [image for row in rows for image in row.images]
    alike = find_alike([image.phash for image in images], [groups[number] for number in of_row])
    same_bytes = _chained([(number, image.sha256) for number, image in zip(of_row, images, strict=True)])
    same_group = _chained(list(enumerate(groups)))
    look = [(of_row[left], of_row[right]) for left, right in alike.pairs.tolist()]
    edges = np.array([*same_group, *same_bytes, *look], dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(len(rows), len(rows)))
    n_clusters, labels = connected_components(graph, directed=False)
    return [int(label) for label in labels], alike.distance, len(set(groups)) - int(n_clusters)


def _numbered(names: Iterable[Hashable]) -> list[int]:
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(name, len(numbers)) for name in names]


def _chained(named: Sequence[tuple[int, Hashable]]) -> list[tuple[int, int]]:
    """Each position with the one before it of the same name."""
    last: dict[Hashable, int] = {}
    pairs = []
    for position, name in named:
        if name in last:
            pairs.append((last[name], position))
        last[name] = position
    return pairs


def split_checks(header: ManifestHeader, rows: Sequence[ManifestRow]) -> list[Check]:
    """The questions of the split-check step, all asked, in a fixed order.

    What is wrong here is never mended by training anyway: the hold-out would praise the model for what it has seen.
    """
    train = [row for row in rows if row.partition == "train"]
    held = [row for row in rows if row.partition == "holdout"]
    return [
        _nothing_shared("leak_inspections", "inspection", train, held, lambda row: [row.inspection]),
        _nothing_shared("leak_groups", "group", train, held, lambda row: [row.group]),
        _nothing_shared("leak_images", "image", train, held, lambda row: [image.sha256 for image in row.images]),
        _no_near_duplicates(rows),
        _left_out(header),
        _time_split(train, held, header),
    ]


def _nothing_shared(
    name: str, what: str, train: Sequence[ManifestRow], held: Sequence[ManifestRow], names_of: NamesOf
) -> Check:
    taught = {one for row in train for one in names_of(row)}
    both = sorted(taught & {one for row in held for one in names_of(row)})
    found = f"In training and in the hold-out: {some(both)}. Freeze the dataset anew." if both else ""
    return Check(name, not both, found or f"No {what} is in training and in the hold-out.")


def _no_near_duplicates(rows: Sequence[ManifestRow]) -> Check:
    apart = keep_apart(rows)
    if apart.excluded:
        wrong = [f"{one.inspection} (like {one.because_of})" for one in apart.excluded]
        return Check("leak_near_duplicates", False, f"Trains and looks like a held-out part: {some(wrong)}.")
    if apart.distance is None:
        words = "Different parts look the same here, so that images are told apart by their bytes only."
        return Check("leak_near_duplicates", True, words)
    words = f"No image that trains lies within {apart.distance} of 64 bits of a held-out one."
    return Check("leak_near_duplicates", True, words)


def _left_out(header: ManifestHeader) -> Check:
    """Always passes: it says what was left out, so that nobody looks for it."""
    if not header.excluded:
        return Check("left_out_of_training", True, "Nothing had to be left out of training.")
    names = some([one.inspection for one in header.excluded])
    return Check("left_out_of_training", True, f"{len(header.excluded)} left out, like a held-out part: {names}.")


@dataclass(frozen=True, slots=True)
class TimeSplit:
    """How the hold-out lies in time: of ``n`` rows ``n_recent`` arrived in the last 90 days before the cut-off,
    ``n_later`` after the newest row that trains."""

    newest_train: str
    n: int
    n_recent: int
    n_later: int


def time_split(train: Sequence[ManifestRow], held: Sequence[ManifestRow], *, cutoff: str) -> TimeSplit:
    """Moments are ISO 8601 in UTC and compare as text; rows without one count as old."""
    newest = max((row.arrived_at for row in train), default="")
    since = recent_since(cutoff)
    n_recent = sum(row.arrived_at >= since for row in held)
    n_later = sum(bool(row.arrived_at) and row.arrived_at > newest for row in held)
    return TimeSplit(newest, len(held), n_recent, n_later)


def recent_since(cutoff: str) -> str:
    """90 days before the cut-off."""
    return (datetime.fromisoformat(cutoff) - RECENT).isoformat()


def _time_split(train: Sequence[ManifestRow], held: Sequence[ManifestRow], header: ManifestHeader) -> Check:
    """Always passes: a hold-out that is older than what trains is still one, but it says less about tomorrow."""
    found = time_split(train, held, cutoff=header.cutoff)
    words = (
        f"Of {found.n} held out, {found.n_recent} arrived in the last 90 days and {found.n_later} after the newest "
        "that trains."
    )
    return Check("time_split", True, words)


def shuffled_labels_check(learn: Learner, labels: Words, trains: NDArray[np.bool_], *, seed: int) -> Check:
    """What learned from shuffled labels must do no better than chance on the hold-out.

    ``learn`` takes labels of the rows that train and answers for those held out, as the run does; one that has seen the
    held-out labels, or was given rows of both sides, gives itself away. ``labels`` and ``trains`` are (n,). Chance is
    what answers and truth agree on when they know nothing of each other, sum_k p_k q_k.
    """
    train, held = labels[trains], labels[~trains]
    if len(set(train.tolist())) < 2 or len(set(held.tolist())) < 2:
        return Check("shuffled_labels", True, "Not asked: it takes two classes on each side.")
    rng = np.random.default_rng(seed)
    excess = []
    for _ in range(SHUFFLES):
        answers = learn(rng.permutation(train))
        excess.append(float((answers == held).mean()) - _by_chance(answers, held))
    error = float(np.std(excess, ddof=1) / np.sqrt(SHUFFLES))
    above = float(np.mean(excess))
    passed = above <= max(SURE * error, LEAKS)
    words = f"Shuffled labels score {above * 100:+.1f} points against chance on {len(held)} held out"
    return Check("shuffled_labels", passed, f"{words}." if passed else f"{words}: the hold-out leaks into training.")


def quick_learner(features: Floats, trains: NDArray[np.bool_]) -> Learner:
    """The nearest class mean of ``features`` (n, d), scaled by the rows that train: a learner that costs nothing."""
    train = features[trains].astype(np.float64)
    middle, spread = train.mean(axis=0), train.std(axis=0)
    scaled = (features - middle) / np.where(spread > 0, spread, 1.0)

    def learn(labels: Words) -> Words:
        names, number = np.unique(labels, return_inverse=True)
        means = np.stack([scaled[trains][number == k].mean(axis=0) for k in range(len(names))])
        nearest: Words = names[cdist(scaled[~trains], means).argmin(axis=1)]
        return nearest

    return learn


def _by_chance(answers: Words, truth: Words) -> float:
    said, true = Counter(answers.tolist()), Counter(truth.tolist())
    return sum(said[word] * true[word] for word in said) / len(truth) ** 2
