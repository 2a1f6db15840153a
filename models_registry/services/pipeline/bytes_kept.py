"""Whether the images that a run learns from are still those that were frozen, also where features are known by hash."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models_registry import files
from models_registry.datasets.soundness import Finding
from models_registry.manifest import ManifestRow, some
from models_registry.services.dataset_files import verify

FROM_A_BUCKET = 200
"""Parts that are fetched where the store is a bucket: a directory is read as a whole."""


def images_unchanged(rows: Sequence[ManifestRow], *, seed: int) -> Finding:
    """Look at the bytes of each image, or of a random sample. What was overwritten changes no training where its
    features are known, since they are those of the frozen bytes; it can be looked at and exported no more.
    """
    looked = _sample(rows, seed)
    damaged, n = [], 0
    for found in verify(looked):
        if found is not None and found.what == "unreadable":
            break  # a store that does not answer is no damage; whoever needs an image says so
        n += 1
        if found is not None:
            damaged.append(f"{found.inspection} ({found.what})")
    of = f"Of {n} parts looked at" if n == len(rows) else f"Of {n} parts looked at, of {len(rows)},"
    return Finding(
        "images_unchanged", bool(damaged), str(len(damaged)) if n else None, "0",
        f"{of} {len(damaged)} have images that are gone or were overwritten: {some(damaged)}." if damaged
        else f"{of} all have the images that were frozen.",
        advice="Put the files back from the backup; verify_dataset names all.",
    )  # fmt: skip


def _sample(rows: Sequence[ManifestRow], seed: int) -> Sequence[ManifestRow]:
    if files.is_local() or len(rows) <= FROM_A_BUCKET:
        return rows
    chosen = np.random.default_rng(seed).choice(len(rows), FROM_A_BUCKET, replace=False)
    return [rows[place] for place in sorted(chosen.tolist())]
