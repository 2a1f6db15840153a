"""Scores for images from a version's artifact. Artifacts are verified by hash and kept warm per process."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from models_registry import files, learning
from models_registry.errors import NotServable
from models_registry.models import ModelVersion
from models_registry.training import features

if TYPE_CHECKING:
    from models_registry.training.trainer import FittedModel


@lru_cache(maxsize=8)
def load(key: str, sha256: str) -> FittedModel:
    """The fitted model under ``key``. :raises ArtifactError: tampered with, or not for this code."""
    fitted: FittedModel = learning.artifacts().load(files.local_copy(key), expected_sha256=sha256)
    return fitted


def fitted(version: ModelVersion) -> FittedModel:
    """:raises NotServable: the version has no artifact here."""
    if not version.artifact:
        raise NotServable(f"{version} was trained elsewhere and has no artifact here, so it cannot answer.")
    return load(version.artifact, version.artifact_sha256)


def predict(version: ModelVersion, images: Sequence[bytes]) -> list[dict[str, float]]:
    """Class probabilities for each image file, as ``{label slug: probability}``. Read as training reads them."""
    model = fitted(version)
    scores = model.predict_scores(features.extract_many(features.read(io.BytesIO(data)) for data in images))
    return [dict(zip(model.classes, map(float, row), strict=True)) for row in scores]
