"""Freeze a dataset: a hashed manifest file and its row."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from models_registry import files, manifest
from models_registry.models import Dataset, RegisteredModel


def freeze_dataset(
    *,
    registered_model: RegisteredModel,
    rows: Sequence[manifest.ManifestRow],
    cutoff: datetime,
    code_version: str,
) -> Dataset:
    """Write ``rows`` as a manifest into the file store and record it. The same content is the same dataset."""
    parent = Dataset.objects.filter(registered_model=registered_model).order_by("-pk").first()
    header = manifest.ManifestHeader(
        schema_version=manifest.SCHEMA_VERSION,
        model=registered_model.slug,
        label_set=registered_model.label_set_id,
        classes=tuple(registered_model.label_set.labels.values_list("slug", flat=True)),
        cutoff=cutoff.isoformat(),
        code_version=code_version,
        parent_sha256=parent.sha256 if parent else None,
    )
    sha256, key = _store(header, rows)
    dataset, _ = Dataset.objects.get_or_create(
        registered_model=registered_model,
        sha256=sha256,
        defaults={
            "label_set": registered_model.label_set,
            "manifest": key,
            "cutoff": cutoff,
            "n_train": sum(row.partition == "train" for row in rows),
            "n_holdout": sum(row.partition == "holdout" for row in rows),
            "label_counts": dict(Counter(row.label for row in rows)),
            "parent": parent,
        },
    )
    return dataset


def _store(header: manifest.ManifestHeader, rows: Sequence[manifest.ManifestRow]) -> tuple[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "manifest.jsonl"
        sha256 = manifest.write(path, header, rows)
        key = f"datasets/{sha256}.jsonl"
        files.put(key, path.read_bytes())
    return sha256, key
