"""Public tables of real models' probabilities with true labels: populations whose error rate is known."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from benchmarks.streams import Stream

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


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns = [name for name in rows[0] if name.startswith(("p:", "prob"))]
    place = {name.removeprefix("p:").removeprefix("prob"): at for at, name in enumerate(columns)}
    probabilities = np.array([[float(row[name]) for name in columns] for row in rows])
    return probabilities, np.array([place[row["true_label"]] for row in rows], dtype=np.int64)
