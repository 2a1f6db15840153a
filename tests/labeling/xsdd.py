"""X-SDD: real photographs of steel with real scores of models, which are not part of the repository."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
IMAGES, PROBS = SHARED / "images" / "xsdd_steel", SHARED / "probs"
TABLES = ("xsdd_steel_oof_extratrees", "xsdd_steel_oof_logreg", "xsdd_steel_weak_raw32_n200")
needs_xsdd = pytest.mark.skipif(
    not (IMAGES.is_dir() and PROBS.is_dir()),
    reason="THE AUDIT WAS NOT TRIED ON REAL IMAGES: no X-SDD at ../shared/data/images and ../shared/data/probs",
)


def table(name: str) -> list[tuple[str, str, str, float]]:
    """File, true label, predicted label and its score, in the order of the file."""
    rows = []
    with (PROBS / f"{name}.csv").open(newline="") as file:
        for cells in csv.DictReader(file):
            scores = {key[2:]: float(value) for key, value in cells.items() if key.startswith("p:")}
            best = max(scores, key=lambda label: scores[label])
            rows.append((cells["file"], cells["true_label"], best, min(scores[best], 1.0)))
    return rows


def predictions_file(name: str, folder: Path) -> Path:
    """What a customer would hand in: id, image, label, score, without the truth."""
    path = folder / f"{name}.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "image", "label", "score"])
        writer.writerows([image.split(".")[0], image, said, score] for image, _, said, score in table(name))
    return path
