"""What a trainer outside of this process is given: the training rows with their images. What is held out stays here."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
from django.conf import settings

from models_registry import files, manifest
from models_registry.models import TrainingRun
from models_registry.services.pipeline.workspace import Workspace

FORMAT = 1


@contextmanager
def folder_of(run: TrainingRun) -> Iterator[Path]:
    """A folder of this machine for one run, empty at the start whatever an attempt before left, gone at the end."""
    folder: Path = settings.VAR / "training" / f"run-{run.pk}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def materialise(workspace: Workspace, folder: Path, *, report: Callable[[float], None]) -> Path:
    """Write the images, each verified by its hash, and the manifest that names them. Returns the manifest's path.

    :raises FileMissing: :raises FileChanged: names the file. :raises StoreUnavailable: also of a disk that is full.
    """
    rows = training_rows(workspace.rows)
    (folder / "images").mkdir()
    lines = [header_line(workspace.run, workspace.classes)]
    for number, row in enumerate(rows, start=1):
        names = [f"images/{name_of(image)}" for image in row.images]
        for image, name in zip(row.images, names, strict=True):
            (folder / name).write_bytes(files.read(image.key, sha256=image.sha256))
        lines.append(row_line(row, names))
        report(number / len(rows))
    path = folder / "manifest.jsonl"
    path.write_bytes(b"\n".join(map(msgspec.json.encode, lines)) + b"\n")
    return path


def training_rows(rows: list[manifest.ManifestRow]) -> list[manifest.ManifestRow]:
    return [row for row in rows if row.partition == "train"]


def header_line(run: TrainingRun, classes: Sequence[str]) -> dict[str, Any]:
    """The first line: what is to be learned."""
    return {
        "format": FORMAT,
        "model": run.registered_model.slug,
        "run": run.number,
        "dataset": run.dataset.sha256,
        "classes": list(classes),
        "seed": run.seed,
    }


def row_line(row: manifest.ManifestRow, images: list[str]) -> dict[str, Any]:
    """One part. Rows of one ``group`` belong on one side of any split that the trainer makes."""
    return {
        "inspection": row.inspection,
        "group": row.group,
        "label": row.label,
        "weight": row.weight,
        "images": images,
    }


def name_of(image: manifest.ManifestImage) -> str:
    return image.sha256 + PurePosixPath(image.key).suffix.lower()
