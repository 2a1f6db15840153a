"""Public tables of real models' probabilities with true labels: populations whose error rate is known."""

from __future__ import annotations

import csv
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.streams import Frame, Stream, default_tau
from models_registry.estimation import estimate_accuracy, naive_of_cells

N_DRAWS = 1000

HERE = Path(__file__).resolve().parents[2] / "shared" / "data" / "probs"
ABSENT = "INTERVALS WERE NOT TRIED ON REAL MODELS: no tables of probabilities at ../shared/data/probs"


def names(folder: Path = HERE) -> list[str]:
    """The tables there are."""
    return sorted(path.name for path in folder.glob("*") if path.suffix in {".csv", ".npz"})


def table(name: str, folder: Path = HERE) -> Stream:
    """One table as a stream; g is 1 less the largest probability, as the model says it, calibrated or not."""
    if name.endswith(".npz"):
        kept = np.load(folder / name, allow_pickle=False)
        probabilities, true = kept["probs"].astype(np.float64), kept["labels"].astype(np.int64)
    else:
        probabilities, true = _read(folder / name)
    probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)
    return Stream(true, probabilities.argmax(axis=1), np.clip(1 - probabilities.max(axis=1), 0, 1))


@dataclass(frozen=True)
class Drawn:
    """What a design's draws of a whole test set came to: error rates."""

    truth: float
    estimate: float  # the mean
    naive: float  # the mean
    coverage: float  # of the interval
    off: float  # the mean less the truth, in standard errors of the mean


def draw_often(name: str, budget: float) -> Drawn:
    """`N_DRAWS` draws with the default rule's tau, the same ones each time."""
    stream = table(name)
    truth, u = float(stream.is_error.mean()), stream.u
    tau = default_tau(budget * len(u), truth)
    pi = np.clip(tau * budget + (1 - tau) * budget * u / u.mean(), tau * budget, 1)
    frame, rng = Frame(stream, pi, floor=tau * budget), np.random.default_rng([zlib.crc32(name.encode()), 1])
    rows = []
    for _ in range(N_DRAWS):
        cells = frame.cells(frame.draw(rng))
        ours, naive = estimate_accuracy(cells), naive_of_cells(cells)
        rows.append([ours.value, ours.ci_high, ours.ci_low, naive.value])
    value, low, high, plain = 1 - np.array(rows, dtype=np.float64).T
    covered = float(((low <= truth) & (truth <= high)).mean())
    off = float((value.mean() - truth) / (value.std() / N_DRAWS**0.5))
    return Drawn(truth, float(value.mean()), float(plain.mean()), covered, off)


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns = [name for name in rows[0] if name.startswith(("p:", "prob"))]
    place = {name.removeprefix("p:").removeprefix("prob"): at for at, name in enumerate(columns)}
    probabilities = np.array([[float(row[name]) for name in columns] for row in rows])
    return probabilities, np.array([place[row["true_label"]] for row in rows], dtype=np.int64)
