"""What a version asks of the machine: how long an image takes, how large its file is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median

from models_registry import files, serving
from models_registry.manifest import ManifestRow
from models_registry.models import ModelVersion, PromotionPolicy
from models_registry.policy import Burden

N_TIMED = 5
MB = 2**20


def burden_of(version: ModelVersion, rows: Sequence[ManifestRow], policy: PromotionPolicy) -> Burden:
    """What the version carries. One that was made before this was measured is measured now, where the policy has a
    limit; without rows nothing is timed.
    """
    found = dict(version.metrics)
    if policy.max_size_mb is not None and version.artifact and "size_mb" not in found:
        found["size_mb"] = files.size(version.artifact) / MB
    if policy.max_latency_ms is not None and version.artifact and rows and "latency_ms" not in found:
        found["latency_ms"] = _latency(serving.model_of(version), rows)
    if found != version.metrics:
        version.metrics = found
        version.save(update_fields=["metrics"])
    return Burden(latency_ms=found.get("latency_ms"), size_mb=found.get("size_mb"))


def measured(*, key: str, sha256: str, rows: Sequence[ManifestRow]) -> dict[str, float]:
    """What a new version carries along, whatever made its file: `size_mb`, and with rows `latency_ms`."""
    found = {"size_mb": files.size(key) / MB}
    # Features outlive their images: only what can still be read is timed.
    there = [row for row in rows[:N_TIMED] if files.exists(row.images[0].key)]
    return found | ({"latency_ms": _latency(serving.load(key, sha256), there)} if there else {})


def _latency(model: serving.Model, rows: Sequence[ManifestRow]) -> float:
    """Milliseconds, the median of a few held-out images one after another, as the line asks; the first warms up."""
    images = [files.read(row.images[0].key, sha256=row.images[0].sha256) for row in rows[:N_TIMED]]
    seconds = []
    for image in [images[0], *images]:
        start = time.perf_counter()
        serving.scores_of(model, [image])
        seconds.append(time.perf_counter() - start)
    return 1000 * median(seconds[1:])
