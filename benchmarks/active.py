"""How many labels picking saves, on real photographs of steel and of solar modules.

    python -m benchmarks.active [--data FOLDER] [--quick]

Simulated inspectors label 20 parts drawn by chance, then round after round what the product's own selection picks: an
arm with the usual fifth by chance, and one that is all by chance, from the same start. Each is judged on the same
images that neither may pick. The goal is the accuracy that chance reaches with the last of its labels; the figure is
the share of chance's labels that picking needs for it. Medians of the curves over seeds, steps joined by lines.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from benchmarks.printed import ROOT, conclude, machine
from benchmarks.trainer import Described, describe, infrared, steel
from models_registry.training.selection import margins, pick
from models_registry.training.trainer import fit

START = 20
RANDOM_SHARE = 0.2
TARGETS = {
    "xsdd_share_of_labels_at_most": 0.8,
    "xsdd_labels_for_080_at_most": 100,
    "xsdd_labels_for_093_at_most": 500,
}
"""The set on which picking must save is steel; of infrared the figure is told."""

Curve = NDArray[np.float64]
Scorer = Callable[[NDArray[np.int64]], tuple[NDArray[np.float64], NDArray[np.str_]]]


def learn(described: Described, *, seed: int, share: float, step: int, most: int, n_pool: int, n_test: int) -> Curve:
    """Accuracy after each round, (rounds,): the first of the labels that both arms begin with."""
    places = np.arange(len(described.truth))
    pool, test = train_test_split(places, test_size=n_test, stratify=described.truth, random_state=seed)
    pool = np.random.default_rng(seed).permutation(pool)[:n_pool]
    labelled, found = pool[:START], []
    while True:
        scores_of = _fitted(described, labelled, seed)
        found.append(float((scores_of(test)[1] == described.truth[test]).mean()))
        if len(labelled) >= most:
            return np.array(found)
        rest = np.setdiff1d(pool, labelled)
        torn = margins(scores_of(rest)[0])
        picked = pick(described.features[rest], torn, n=step, random_share=share, seed=1000 * seed + len(labelled))
        labelled = np.concatenate([labelled, rest[[one.place for one in picked]]])


def _fitted(described: Described, labelled: NDArray[np.int64], seed: int) -> Scorer:
    """A function that scores places: (scores, words)."""
    classes = sorted(set(described.truth.tolist()))
    model = fit(described.features[labelled], described.truth[labelled], classes=classes, seed=seed)

    def scores_of(places: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
        scores = model.predict_scores(described.features[places])
        return scores, np.array(classes)[scores.argmax(axis=1)]

    return scores_of


def labels_for(curve: Curve, labels: Sequence[int], goal: float) -> float:
    """With how many labels a curve first reaches a goal, between two rounds by a line; NaN when it never does."""
    above = np.flatnonzero(curve >= goal)
    if not len(above):
        return float("nan")
    first = int(above[0])
    if first == 0:
        return float(labels[0])
    before, after = curve[first - 1], curve[first]
    share = (goal - before) / (after - before)
    return float(labels[first - 1] + share * (labels[first] - labels[first - 1]))


def compare(name: str, described: Described, *, seeds: int, step: int, most: int, n_pool: int, n_test: int) -> Curve:
    """Print both medians; returns them, (2, rounds): picked, by chance."""
    rounds = range(START, most + step, step)
    print(f"{name:<12}{'labels':>8}" + "".join(f"{n:>7}" for n in rounds), flush=True)
    medians = []
    for words, share in (("picked", RANDOM_SHARE), ("by chance", 1.0)):
        curves = [
            learn(described, seed=seed, share=share, step=step, most=most, n_pool=n_pool, n_test=n_test)
            for seed in range(seeds)
        ]
        medians.append(np.median(curves, axis=0))
        print(f"{'':<10}{words:>10}" + "".join(f"{value:>7.3f}" for value in medians[-1]), flush=True)
    return np.array(medians)


def share_of_labels(medians: Curve, rounds: Sequence[int]) -> float:
    """Labels that picking needs for the best accuracy of chance, as a share of those that chance needs for it."""
    goal = float(medians[1].max())
    return labels_for(medians[0], rounds, goal) / labels_for(medians[1], rounds, goal)


def measure(folder: Path, *, quick: bool) -> dict[str, float]:
    seeds, step, most = (1, 40, 100) if quick else (5, 20, 200)
    rounds = range(START, most + step, step)
    medians = compare("X-SDD", describe(steel(folder)), seeds=seeds, step=step, most=most, n_pool=500, n_test=300)
    figures = {
        "xsdd_share_of_labels_at_most": round(share_of_labels(medians, rounds), 3),
        "xsdd_labels_for_080_at_most": round(labels_for(medians[0], rounds, 0.80), 1),
        "xsdd_labels_for_093_at_most": round(labels_for(medians[0], rounds, 0.93), 1),
    }
    if not quick:
        described = describe(infrared(folder, 4000))
        many = compare("infrared", described, seeds=seeds, step=60, most=500, n_pool=2500, n_test=1200)
        rounds = range(START, 500 + 60, 60)
        figures["ir_share_of_labels"] = round(share_of_labels(many, rounds), 3)
        figures["ir_labels_for_080"] = round(labels_for(many[0], rounds, 0.80), 1)
    return figures


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 0 when every target is met, 1 when one is missed, 2 without the data."""
    parser = argparse.ArgumentParser(description="Labels saved by picking them.")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of the public data")
    parser.add_argument("--quick", action="store_true", help="one seed, three rounds: a smoke run")
    chosen = parser.parse_args(arguments)
    if not (chosen.data / "images" / "xsdd_steel").is_dir():
        print("The public data (images/xsdd_steel) is not in the folder given by --data: nothing was measured.")
        return 2
    print(machine())
    return conclude("active", measure(chosen.data, quick=chosen.quick), TARGETS)


if __name__ == "__main__":
    sys.exit(main())
