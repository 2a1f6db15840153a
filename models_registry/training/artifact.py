"""The file of a trained model: written whole or not at all, read only when it is exactly what was written.

skops, never pickle: a model file comes back from a store that others can write to, and loading must not run anything.
The file is a skops archive of plain values and one scikit-learn pipeline, whose every type is on the list below.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from skops import io as skops_io
from skops.io.exceptions import UntrustedTypesFoundException

from models_registry.atomic_file import AtomicFile
from models_registry.training.calibration import Calibration
from models_registry.training.errors import ArtifactError
from models_registry.training.features import FEATURES_VERSION
from models_registry.training.trainer import FittedModel

FORMAT = 1
SCHEMA_MEMBER = "schema.json"
KEYS = frozenset(
    {"format", "metadata", "classes", "features_version", "n_features", "estimator", "calibration", "pipeline"}
)
TRUSTED = frozenset(
    {
        "builtins.bool",
        "builtins.dict",
        "builtins.float",
        "builtins.int",
        "builtins.list",
        "builtins.str",
        "builtins.tuple",
        "builtins.NoneType",
        "numpy.dtype",
        "numpy.float64",
        "numpy.int32",
        "numpy.int64",
        "numpy.ndarray",
        "sklearn.kernel_approximation.Nystroem",
        "sklearn.linear_model._logistic.LogisticRegression",
        "sklearn.pipeline.Pipeline",
        "sklearn.preprocessing._data.StandardScaler",
        "sklearn.svm._classes.SVC",
    }
)
"""All types a file may name. skops trusts all of numpy and scikit-learn; a model of ours needs these."""


def save(path: Path, fitted: FittedModel, *, metadata: Mapping[str, str]) -> str:
    """Write the model and return the sha256 (hex) of the file. A failure leaves no file and no older file changed.

    `metadata` is carried along for people (see `read_metadata`); it decides nothing. Raises OSError.
    """
    payload = {
        "format": FORMAT,
        "metadata": dict(metadata),
        "classes": list(fitted.classes),
        "features_version": fitted.features_version,
        "n_features": fitted.n_features,
        "estimator": fitted.estimator,
        "calibration": asdict(fitted.calibration),
        "pipeline": fitted.pipeline,
    }
    with AtomicFile(path) as file:
        file.write(skops_io.dumps(payload))
    return file.sha256


def load(path: Path, *, expected_sha256: str) -> FittedModel:
    """Read a model back. Raises ArtifactError with a code of its list when anything differs from what was saved."""
    payload = _payload(path, expected_sha256)
    if payload["features_version"] != FEATURES_VERSION:
        raise ArtifactError(
            "features_version",
            f"The model reads features {payload['features_version']}, this code makes {FEATURES_VERSION}.",
        )
    if not isinstance(payload["pipeline"], Pipeline):
        raise ArtifactError("wrong_format", "The file holds no pipeline.")
    return FittedModel(
        classes=tuple(payload["classes"]),
        features_version=payload["features_version"],
        n_features=payload["n_features"],
        estimator=payload["estimator"],
        pipeline=payload["pipeline"],
        calibration=Calibration(**payload["calibration"]),
    )


def read_metadata(path: Path, *, expected_sha256: str) -> dict[str, str]:
    """What `save` was told about the model. Raises ArtifactError as `load` does, the features version aside."""
    return dict(_payload(path, expected_sha256)["metadata"])


def content_hash(fitted: FittedModel) -> str:
    """sha256 (hex) over what the model computes with: equal for equal fits, though a skops file differs each time."""
    digest = hashlib.sha256()
    for name, value in _content(fitted):
        digest.update(name.encode() + b"\0" + value + b"\0")
    return digest.hexdigest()


def _content(fitted: FittedModel) -> Iterator[tuple[str, bytes]]:
    described = (
        fitted.classes,
        fitted.features_version,
        fitted.n_features,
        fitted.estimator,
        asdict(fitted.calibration),
    )
    yield "model", json.dumps(described, sort_keys=True).encode()
    for step, estimator in fitted.pipeline.steps:
        for name, value in sorted(vars(estimator).items()):
            yield f"{step}.{name}", _bytes(value)


def _bytes(value: object) -> bytes:
    if isinstance(value, np.ndarray):
        return f"{value.dtype.str}{value.shape}".encode() + np.ascontiguousarray(value).tobytes()
    return repr(value).encode()


def _payload(path: Path, expected_sha256: str) -> dict[str, Any]:
    """The checked content. The bytes are read once: what was hashed is what is loaded."""
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise ArtifactError("missing", f"There is no model file {path.name}.") from error
    if hashlib.sha256(content).hexdigest() != expected_sha256:
        raise ArtifactError("hash_mismatch", f"The model file {path.name} is not the one that was saved.")
    _refuse_foreign_types(content)
    try:
        payload = skops_io.loads(content, trusted=[])
    except UntrustedTypesFoundException as error:
        raise ArtifactError("untrusted_type", "The model file names a type that is not trusted.") from error
    if not isinstance(payload, dict) or payload.get("format") != FORMAT or payload.keys() != KEYS:
        raise ArtifactError("wrong_format", f"The model file is not of format {FORMAT}.")
    return payload


def _refuse_foreign_types(content: bytes) -> None:
    """Look at the archive's own list of types, before anything is built from it."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            schema = json.loads(archive.read(SCHEMA_MEMBER))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ArtifactError("unreadable", "The model file is no skops archive.") from error
    foreign = sorted(set(_named_types(schema)) - TRUSTED)
    if foreign:
        raise ArtifactError("untrusted_type", f"The model file names types that are not trusted: {', '.join(foreign)}.")


def _named_types(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if "__class__" in node:
            yield f"{node.get('__module__')}.{node['__class__']}"
        for child in node.values():
            yield from _named_types(child)
    elif isinstance(node, list):
        for child in node:
            yield from _named_types(child)
