"""What two versions said, one by one, kept in the file store beside the comparison's row."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import PurePosixPath

from models_registry import files
from models_registry.comparison.told import Told, decode, encode
from models_registry.manifest import ManifestRow
from models_registry.models import Comparison
from models_registry.services.sides import Floats, Sides

DIGITS = 6


def keep_pairs(rows: Sequence[ManifestRow], sides: Sides | None) -> str:
    """Store what was said of each row; returns the key, which is its hash. Empty where nothing was compared.

    ``sides`` are of the same rows, in the same order. :raises StoreUnavailable:
    """
    if sides is None or not rows:
        return ""
    told = [
        Told(
            inspection=row.inspection,
            part=row.part,
            item=row.images[0].item,
            truth=str(sides.truth[i]),
            champion=str(sides.champion[i]),
            candidate=str(sides.candidate[i]),
            champion_sure=_sure(sides.champion_sure, i),
            candidate_sure=_sure(sides.candidate_sure, i),
            pi=row.pi,
        )
        for i, row in enumerate(rows)
    ]
    return keep_told(told)


def keep_told(told: Sequence[Told]) -> str:
    """The same for what is put into words already."""
    content = encode(told)
    key = f"comparisons/{hashlib.sha256(content).hexdigest()}.jsonl"
    files.put(key, content)
    return key


def _sure(sure: Floats | None, i: int) -> float | None:
    return None if sure is None else round(float(sure[i]), DIGITS)


def pairs_of(comparison: Comparison) -> list[Told]:
    """What was said of each inspection; nothing where it was not kept (older comparisons, and those of one version).

    :raises FileMissing: :raises FileChanged: :raises StoreUnavailable:
    """
    if not comparison.pairs:
        return []
    sha256 = PurePosixPath(comparison.pairs).stem
    return decode(files.read(comparison.pairs, sha256=sha256))
