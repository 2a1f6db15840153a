"""What many people's labels come to when some of them err more than others: Dawid and Skene's model. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SMOOTHING = 0.01
MOST_STEPS = 500


@dataclass(frozen=True, slots=True)
class Consensus:
    """`posterior` (tasks, K), `confusion` (workers, K, K), truth first, `prior` (K,)."""

    posterior: Floats
    confusion: Floats
    prior: Floats

    @property
    def labels(self) -> Ints:
        """The likeliest label of each task."""
        best: Ints = self.posterior.argmax(axis=1)
        return best

    @property
    def entropy(self) -> Floats:
        """Of each task's posterior, in bits: what still is in doubt."""
        shares = np.clip(self.posterior, 1e-300, 1.0)
        return np.asarray(-(shares * np.log2(shares)).sum(axis=1), dtype=np.float64)


def vote_shares(task: Ints, label: Ints, *, n_tasks: int, n_classes: int) -> Floats:
    """What a plain vote says, (tasks, K); equal shares where nobody voted."""
    votes = np.zeros((n_tasks, n_classes))
    np.add.at(votes, (task, label), 1.0)
    n = votes.sum(axis=1, keepdims=True)
    return np.where(n > 0, votes / np.maximum(n, 1), 1 / n_classes)


def dawid_skene(
    worker: Ints, task: Ints, label: Ints, *, n_classes: int, one_coin: bool = False, tolerance: float = 1e-6
) -> Consensus:
    """EM from the shares of votes, until no posterior moves by more than ``tolerance``.

    ``worker``, ``task``, ``label`` (n,): who said what of which, numbered from 0. ``one_coin``: a worker has one chance
    to be right and errs evenly, for few labels. Fails where there are two workers only, or where they err together.
    Raises ValueError for arrays of different shapes, no label, or a number that is none.
    Source: Dawid and Skene 1979, Applied Statistics 28:20; smoothing 0.01 (STATISTICS §4).
    """
    if not len(label) or not worker.shape == task.shape == label.shape:
        raise ValueError("workers, tasks and labels are arrays of one shape, with at least one label")
    if min(worker.min(), task.min(), label.min()) < 0 or label.max() >= n_classes:
        raise ValueError("workers, tasks and labels are numbered from 0, labels below the number of classes")
    n_workers, n_tasks = int(worker.max()) + 1, int(task.max()) + 1
    posterior = vote_shares(task, label, n_tasks=n_tasks, n_classes=n_classes)
    for _ in range(MOST_STEPS):
        confusion = _confusion(posterior, worker, task, label, n_workers)
        if one_coin:
            confusion = _evened(posterior, confusion, worker, task, label)
        prior = posterior.mean(axis=0)
        log_chance = np.tile(np.log(np.maximum(prior, 1e-300)), (n_tasks, 1))
        np.add.at(log_chance, task, np.log(confusion[worker, :, label]))
        new = np.exp(log_chance - log_chance.max(axis=1, keepdims=True))
        new /= new.sum(axis=1, keepdims=True)
        moved, posterior = float(np.abs(new - posterior).max()), new
        if moved < tolerance:
            break
    return Consensus(posterior, confusion, prior)


def consistency(worker: Ints, task: Ints, label: Ints, *, settled: Ints, skill: Floats) -> Floats:
    """How probable each task's settled label is, (tasks,), given how often each worker is right.

    ``settled`` (tasks,) and ``skill`` (workers,): chances in [0, 1]; who errs says each other label as often, and no
    label is likelier beforehand. Classes are those of ``label`` and ``settled``. Raises ValueError where people
    contradict each other who never err. Source: the metric of that name in crowd-kit (STATISTICS §7.1 R10).
    """
    n_classes = int(max(label.max(), settled.max())) + 1
    chance = np.where(
        np.arange(n_classes) == label[:, None],
        skill[worker][:, None],
        (1 - skill[worker][:, None]) / max(n_classes - 1, 1),
    )
    joint = np.ones((len(settled), n_classes))
    np.multiply.at(joint, task, chance)
    total = joint.sum(axis=1)
    if not bool((total > 0).all()):
        raise ValueError("people who never err contradict each other")
    return np.asarray(joint[np.arange(len(settled)), settled] / total, dtype=np.float64)


def _confusion(posterior: Floats, worker: Ints, task: Ints, label: Ints, n_workers: int) -> Floats:
    n_classes = posterior.shape[1]
    said = np.zeros((n_workers, n_classes, n_classes))
    np.add.at(said.transpose(0, 2, 1), (worker, label), posterior[task])
    said += SMOOTHING
    return np.asarray(said / said.sum(axis=2, keepdims=True), dtype=np.float64)


def _evened(posterior: Floats, confusion: Floats, worker: Ints, task: Ints, label: Ints) -> Floats:
    """One chance to be right per worker, the rest shared by the other labels."""
    n_workers, n_classes = confusion.shape[:2]
    right = np.bincount(worker, weights=posterior[task, label], minlength=n_workers)
    skill = (right + SMOOTHING) / (np.bincount(worker, minlength=n_workers) + n_classes * SMOOTHING)
    wrong = (1 - skill) / max(n_classes - 1, 1)
    evened: Floats = np.where(np.eye(n_classes, dtype=bool)[None], skill[:, None, None], wrong[:, None, None])
    return evened
