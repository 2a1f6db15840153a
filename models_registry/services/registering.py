"""Register a version by hand from an ONNX file: tried out apart, stored under its hash, never unpickled."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import transaction

from models_registry import files
from models_registry.errors import FileRefused, NameTaken
from models_registry.models import ModelVersion, RegisteredModel
from models_registry.services.versions import create_version
from models_registry.training.errors import ArtifactError
from models_registry.training.trial import Trial, try_apart

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MOST_BYTES = 512 * 2**20
MOST_NAME = 120
MB = 2**20


def register_file(
    *, registered_model: RegisteredModel, content: bytes, name: str, by: User | None
) -> tuple[ModelVersion, bool]:
    """A candidate from an ONNX file, and whether it is new: the same bytes again are the version that there is.

    ``name``: what the sending system calls it; may be empty. Outside of a transaction: the file is tried for a while.
    :raises FileRefused: it is no ONNX file that this model could be served from; the message says why.
    :raises NameTaken: another version has this name.
    """
    name = name.strip()
    _refuse_bad(content, name)
    sha256 = hashlib.sha256(content).hexdigest()
    if (known := _known(registered_model, sha256)) is not None:
        return known, False
    _refuse_taken(registered_model, name)
    trial = _tried(content, sha256)
    _refuse_other_classes(registered_model, trial)
    key = f"artifacts/{sha256}.onnx"
    files.put(key, content, sure=True)  # before the row: a row never names a file that is not there
    with transaction.atomic():
        RegisteredModel.objects.select_for_update(no_key=True).get(pk=registered_model.pk)
        if (known := _known(registered_model, sha256)) is not None:
            return known, False
        _refuse_taken(registered_model, name)
        version = create_version(
            registered_model=registered_model, origin=ModelVersion.Origin.EXTERNAL, external_name=name, artifact=key,
            artifact_sha256=sha256,
            metrics={
                "size_mb": round(len(content) / MB, 3),
                "latency_ms": round(trial.latency_ms, 3),
                "registered_by": by.get_username() if by else "",
            },
        )  # fmt: skip
    return version, True


def _refuse_bad(content: bytes, name: str) -> None:
    if not content:
        raise FileRefused("The file is empty.", fields={"file": "Empty."})
    if len(content) > MOST_BYTES:
        raise FileRefused(
            f"The file has more than {MOST_BYTES // MB} MB.", code="too_large", http_status=413,
            fields={"file": "Too large."},
        )  # fmt: skip
    if len(name) > MOST_NAME or not name.isprintable():
        what = f"At most {MOST_NAME} characters, without control characters."
        raise FileRefused(f"The name is not right: {what}", code="invalid", http_status=400, fields={"name": what})


def _known(registered_model: RegisteredModel, sha256: str) -> ModelVersion | None:
    return registered_model.versions.filter(artifact_sha256=sha256).order_by("number").first()


def _refuse_taken(registered_model: RegisteredModel, name: str) -> None:
    if name and registered_model.versions.filter(external_name=name).exists():
        raise NameTaken(f"This model has a version “{name}” already, with another file.", fields={"name": "Taken."})


def _tried(content: bytes, sha256: str) -> Trial:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(content)
        try:
            return try_apart(path, sha256=sha256)
        except ArtifactError as error:
            raise FileRefused(error.message, code=error.code, fields={"file": error.message}) from error


def _refuse_other_classes(registered_model: RegisteredModel, trial: Trial) -> None:
    wanted = list(registered_model.label_set.labels.values_list("slug", flat=True))
    if trial.classes != wanted:
        what = f"Its classes are {', '.join(trial.classes)}; the label set's, in their order: {', '.join(wanted)}."
        raise FileRefused(what, code="other_classes", fields={"file": what})
