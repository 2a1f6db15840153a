"""Freeze a dataset: a hashed manifest file and its row."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from models_registry import files, manifest
from models_registry.datasets.split import keep_apart
from models_registry.models import Dataset, RegisteredModel


def freeze_dataset(
    *,
    registered_model: RegisteredModel,
    rows: Sequence[manifest.ManifestRow],
    query: manifest.Query,
    cutoff: datetime,
    code_version: str,
) -> Dataset:
    """Write ``rows`` as a manifest into the file store and record it. The same content is the same dataset.

    What belongs to a held-out part is left out of training, and the header says so. :raises StoreUnavailable: also of a
    disk that is full; nothing is recorded then.
    """
    apart = keep_apart(rows)
    parent = Dataset.objects.filter(registered_model=registered_model).order_by("-pk").first()
    header = manifest.ManifestHeader(
        schema_version=manifest.SCHEMA_VERSION,
        model=registered_model.slug,
        label_set=registered_model.label_set_id,
        classes=tuple(registered_model.label_set.labels.values_list("slug", flat=True)),
        cutoff=cutoff.isoformat(),
        code_version=code_version,
        parent_sha256=parent.sha256 if parent else None,
        query=query,
        counts=manifest.counts(apart.rows),
        alike_within=apart.distance,
        excluded=apart.excluded,
    )
    sha256, key = _store(header, apart.rows)
    dataset, _ = Dataset.objects.get_or_create(
        registered_model=registered_model,
        sha256=sha256,
        defaults={
            "label_set": registered_model.label_set,
            "manifest": key,
            "cutoff": cutoff,
            "n_train": sum(row.partition == "train" for row in apart.rows),
            "n_holdout": sum(row.partition == "holdout" for row in apart.rows),
            "label_counts": dict(Counter(row.label for row in apart.rows)),
            "n_excluded": len(apart.excluded),
            "parent": parent,
        },
    )
    return dataset


def _store(header: manifest.ManifestHeader, rows: Sequence[manifest.ManifestRow]) -> tuple[str, str]:
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "manifest.jsonl"
            sha256 = manifest.write(path, header, rows)
            content = path.read_bytes()
    except OSError as error:
        raise files.StoreUnavailable(f"The temporary folder does not take the manifest: {error}") from error
    key = f"datasets/{sha256}.jsonl"
    files.put(key, content)
    return sha256, key
