"""What steps made, in the file store under its hash: verified before another attempt goes on from it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models_registry import files
from models_registry.models import TrainingStep

FOLDER = "runs"


class NothingStored(Exception):
    """What the step made cannot be had any more: it is done again."""


def keep_array(name: str, array: NDArray[Any]) -> dict[str, Any]:
    """Store an array; returns the entry for the step's ``artifacts``. The same numbers have the same hash."""
    stream = io.BytesIO()
    np.save(stream, np.ascontiguousarray(array), allow_pickle=False)
    return keep(name, stream.getvalue(), suffix=".npy")


def keep(name: str, content: bytes, *, suffix: str, folder: str = FOLDER) -> dict[str, Any]:
    """Store bytes under their hash; returns the entry for the step's ``artifacts``. :raises StoreUnavailable:"""
    sha256 = hashlib.sha256(content).hexdigest()
    entry = {"name": name, "key": f"{folder}/{sha256}{suffix}", "sha256": sha256, "n_bytes": len(content)}
    files.put(str(entry["key"]), content, sure=True)
    return entry


def entry_of(step: TrainingStep, name: str) -> Mapping[str, Any]:
    """:raises NothingStored: the step made no such thing."""
    found = next((one for one in _entries(step.artifacts) if one.get("name") == name), None)
    if found is None:
        raise NothingStored
    return found


def _entries(artifacts: Any) -> Sequence[Mapping[str, Any]]:
    return artifacts if isinstance(artifacts, list) else []


def array_of(step: TrainingStep, name: str) -> NDArray[Any]:
    """The array that a step stored. :raises NothingStored: gone, or its hash differs. :raises StoreUnavailable:"""
    content = bytes_of(entry_of(step, name))
    try:
        loaded: NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
    except ValueError as error:
        raise NothingStored from error
    return loaded


def bytes_of(entry: Mapping[str, Any]) -> bytes:
    """:raises NothingStored: gone, or its hash differs. :raises StoreUnavailable:"""
    try:
        return files.read(entry["key"], sha256=entry["sha256"])
    except (files.FileMissing, files.FileChanged) as error:
        raise NothingStored from error
