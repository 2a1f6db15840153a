"""Scores for images from a version's artifact: scikit-learn (skops) or ONNX, by the file's suffix.

Artifacts are verified by hash when they are loaded and kept warm, within a bound per process. A request asks for one
version row and is answered from that row's artifact, so at a promotion no request sees half of the old and half of the
new. A file that is not what was registered is refused with an alert, and serves again as soon as it is put right.
"""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings
from django.utils import timezone
from numpy.typing import NDArray

from models_registry import files, learning
from models_registry.errors import NotServable
from models_registry.models import Alert, ModelVersion
from models_registry.services.alerts import open_alert, resolve_alerts
from models_registry.training import features
from models_registry.training.errors import ArtifactError
from models_registry.training.views import mean_scores, pooled

if TYPE_CHECKING:
    from models_registry.training.onnx_model import OnnxModel
    from models_registry.training.trainer import FittedModel

    Model = FittedModel | OnnxModel

WARM = 8
BATCH = 64  # views
REFUSED = Alert.Kind.ARTIFACT_REFUSED.value
Scores = NDArray[np.float64]
Views = Sequence[bytes]
"""The image files of one part: one, where it has one view."""


class _Cache:
    """The models used last, as many as fit in `WARM_BYTES` by the size of their files, eight at most and one at least.
    Two threads that miss at once both load; one of the two equal models stays."""

    def __init__(self) -> None:
        self._models: OrderedDict[tuple[str, str], Model] = OrderedDict()
        self._sizes: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def get(self, key: tuple[str, str]) -> Model | None:
        with self._lock:
            if key in self._models:
                self._models.move_to_end(key)
            return self._models.get(key)

    def put(self, key: tuple[str, str], model: Model, *, n_bytes: int = 0) -> None:
        with self._lock:
            self._models[key], self._sizes[key] = model, n_bytes
            self._models.move_to_end(key)
            while len(self._models) > 1 and (len(self._models) > WARM or self._n_bytes() > settings.WARM_BYTES):
                del self._sizes[self._models.popitem(last=False)[0]]

    def _n_bytes(self) -> int:
        return sum(self._sizes.values())

    def __len__(self) -> int:
        return len(self._models)

    def clear(self) -> None:
        with self._lock:
            self._models.clear()
            self._sizes.clear()


warm = _Cache()


def load(key: str, sha256: str) -> Model:
    """The model under ``key``. :raises ArtifactError: tampered with, or not for this code. :raises FileMissing:"""
    model = warm.get((key, sha256))
    if model is None:
        reader = learning.onnx_models() if key.endswith(".onnx") else learning.artifacts()
        model = _read(reader, key, sha256)
        warm.put((key, sha256), model, n_bytes=files.size(key))
    return model


def _read(reader: Any, key: str, sha256: str) -> Model:
    """A copy of another machine's file that went bad here is fetched once more before it is refused."""
    path = files.local_copy(key)
    try:
        model: Model = reader.load(path, expected_sha256=sha256)
    except ArtifactError as error:
        if error.code != "hash_mismatch" or files.is_local():
            raise
        path.unlink(missing_ok=True)
        model = reader.load(files.local_copy(key), expected_sha256=sha256)
    return model


def model_of(version: ModelVersion) -> Model:
    """:raises NotServable: the version has no artifact here. :raises ArtifactError: refused, with an alert."""
    if not version.artifact:
        raise NotServable(f"{version} was trained elsewhere and has no artifact here, so it cannot answer.")
    model = warm.get((version.artifact, version.artifact_sha256))
    if model is not None:
        return model
    slice, registered_model, now = version.short_name, version.registered_model, timezone.now()
    try:
        model = load(version.artifact, version.artifact_sha256)
    except (ArtifactError, files.FileMissing) as error:
        open_alert(
            registered_model=registered_model, kind=REFUSED, slice=slice, now=now,
            message=f"The artifact of {slice} was refused: {error} Put the file back, or roll back.",
            evidence={"version": version.number, "key": version.artifact, "code": error.code},
        )  # fmt: skip
        raise
    resolve_alerts(registered_model=registered_model, kind=REFUSED, slice=slice, now=now)
    return model


def scores_of(model: Model, images: Iterable[bytes]) -> Scores:
    """Scores (n, k) for image files, in the order of ``model.classes``; a batch at a time. OSError: no image."""
    return scores_of_parts(model, ([image] for image in images))


def scores_of_parts(model: Model, parts: Iterable[Views]) -> Scores:
    """Scores (parts, k): the built-in judges the mean of its views' features, as it has learned; a model that looks at
    images itself has the mean of what it says of each view.
    """
    blocks = [_batch(model, batch) for batch in _batches(parts)]
    return np.concatenate(blocks) if blocks else np.empty((0, len(model.classes)))


def _batch(model: Model, parts: Sequence[Views]) -> Scores:
    views, counts = [data for part in parts for data in part], [len(part) for part in parts]
    if hasattr(model, "predict_images"):
        return mean_scores(model.predict_images(views), counts)
    described = features.extract_many(features.read(io.BytesIO(data)) for data in views)
    return model.predict_scores(pooled(described, counts))


def judge(model: Model, *, described: NDArray[np.float32], parts: Callable[[], Iterable[Views]]) -> Scores:
    """The same for parts whose features (n, d) are at hand; ``parts`` is asked by models that look themselves."""
    if hasattr(model, "predict_images"):
        return scores_of_parts(model, parts())
    return model.predict_scores(described)


def predict(version: ModelVersion, images: Sequence[bytes]) -> list[dict[str, float]]:
    """Class probabilities for each image file, as ``{label slug: probability}``. Read as training reads them."""
    return predict_parts(version, [[image] for image in images])


def predict_parts(version: ModelVersion, parts: Sequence[Views]) -> list[dict[str, float]]:
    """The same for parts of one or several views, one answer a part."""
    model = model_of(version)
    return [dict(zip(model.classes, map(float, row), strict=True)) for row in scores_of_parts(model, parts)]


def _batches(parts: Iterable[Views]) -> Iterator[list[Views]]:
    """Some 64 views at a time; a part stays whole."""
    batch: list[Views] = []
    n = 0
    for part in parts:
        if batch and n + len(part) > BATCH:
            yield batch
            batch, n = [], 0
        batch.append(part)
        n += len(part)
    if batch:
        yield batch
