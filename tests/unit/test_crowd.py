"""Dawid and Skene against a published toy (STATISTICS §7.1 R10) and real crowds with known truth."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from labeling.crowd import consistency, dawid_skene, vote_shares

CROWD = Path(__file__).resolve().parents[3] / "shared" / "data" / "crowd"
NO_CROWD = "CONSENSUS WAS NOT TRIED ON REAL CROWDS: no labels at ../shared/data/crowd"
TOY = {"w1": "01111", "w2": "11010", "w3": "-1010", "w4": "10110", "w5": "00010"}


def toy() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    said = [(w, t, int(one)) for w, line in enumerate(TOY.values()) for t, one in enumerate(line) if one != "-"]
    worker, task, label = zip(*said, strict=True)
    return np.array(worker), np.array(task), np.array(label)


def test_the_toy_is_settled_as_published_where_a_vote_is_tied() -> None:
    """t1, t2 and t4 yes, t3 and t5 no."""
    worker, task, label = toy()
    assert vote_shares(task, label, n_tasks=5, n_classes=2)[0].tolist() == [0.5, 0.5]
    assert dawid_skene(worker, task, label, n_classes=2).labels.tolist() == [1, 1, 0, 1, 0]


def test_the_toys_settled_labels_are_as_probable_as_published() -> None:
    """R10: the vote's labels, its tie as no, given workers who are right in .6, .8, 1, .4 and .8 of the cases."""
    worker, task, label = toy()
    settled, skill = np.array([0, 1, 0, 1, 0]), np.array([0.6, 0.8, 1.0, 0.4, 0.8])
    found = consistency(worker, task, label, settled=settled, skill=skill)
    assert found.mean() == pytest.approx(0.9384615, abs=5e-8)
    with pytest.raises(ValueError, match="never err"):
        consistency(np.array([0, 1]), np.array([0, 0]), np.array([0, 1]), settled=np.array([0]), skill=np.ones(2))


@pytest.mark.parametrize("one_coin", [False, True])
def test_workers_are_known_again_by_their_errors(one_coin: bool) -> None:
    rng = np.random.default_rng(6)
    truth, skill = rng.integers(0, 3, 600), np.array([0.95, 0.9, 0.8, 0.6, 0.4])
    worker, task = np.repeat(np.arange(5), 600), np.tile(np.arange(600), 5)
    right = rng.random(3000) < skill[worker]
    label = np.where(right, truth[task], (truth[task] + rng.integers(1, 3, 3000)) % 3)
    found = dawid_skene(worker, task, label, n_classes=3, one_coin=one_coin)
    by_vote = vote_shares(task, label, n_tasks=600, n_classes=3).argmax(axis=1)
    assert (found.labels == truth).mean() > (by_vote == truth).mean()
    assert found.confusion[:, [0, 1, 2], [0, 1, 2]].mean(axis=1) == pytest.approx(skill, abs=0.05)
    assert found.confusion.sum(axis=2) == pytest.approx(np.ones((5, 3)))
    assert found.posterior.sum(axis=1) == pytest.approx(np.ones(600))


def test_what_is_in_doubt_has_entropy() -> None:
    worker, task, label = np.array([0, 1, 0, 1, 2, 2]), np.array([0, 0, 1, 1, 0, 1]), np.array([0, 0, 1, 1, 0, 1])
    sure = dawid_skene(worker, task, label, n_classes=2)
    assert sure.entropy.max() < 0.1
    torn = dawid_skene(np.array([0, 1]), np.array([0, 0]), np.array([0, 1]), n_classes=2)
    assert torn.entropy[0] == pytest.approx(1)


@pytest.mark.parametrize(
    ("worker", "task", "label"), [([], [], []), ([0], [0, 1], [0]), ([0], [0], [2]), ([-1], [0], [0])]
)
def test_what_is_no_list_of_labels_is_refused(worker: list[int], task: list[int], label: list[int]) -> None:
    with pytest.raises(ValueError, match="workers, tasks and labels"):
        dawid_skene(np.array(worker, dtype=int), np.array(task, dtype=int), np.array(label, dtype=int), n_classes=2)


@pytest.mark.skipif(not CROWD.is_dir(), reason=NO_CROWD)
@pytest.mark.parametrize(("name", "votes", "model"), [("bluebirds", 0.759, 0.898), ("mozafari", 0.696, 0.712)])
def test_real_crowds_are_settled_better_than_by_a_vote(name: str, votes: float, model: float) -> None:
    def rows(kind: str) -> list[dict[str, str]]:
        with (CROWD / f"{name}_{kind}.csv").open(newline="") as file:
            return list(csv.DictReader(file))

    said, gold = rows("labels"), {row["task"]: row["label"] for row in rows("gold")}
    workers, tasks, classes = (sorted({row[key] for row in said}) for key in ("worker", "task", "label"))
    worker, task, label = (
        np.array([names.index(row[key]) for row in said])
        for names, key in ((workers, "worker"), (tasks, "task"), (classes, "label"))
    )
    truth = np.array([classes.index(gold[one]) for one in tasks])
    by_vote = vote_shares(task, label, n_tasks=len(tasks), n_classes=2).argmax(axis=1)
    found = dawid_skene(worker, task, label, n_classes=2).labels
    assert (by_vote == truth).mean() == pytest.approx(votes, abs=0.0005)
    assert (found == truth).mean() == pytest.approx(model, abs=0.0005)
