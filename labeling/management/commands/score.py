"""Score image files with a version, many at a time; nothing is stored."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from models_registry import serving
from models_registry.models import ModelVersion
from reviewapp.errors import ReviewAppError

AT_ONCE = 64
Part = tuple[Path, list[Path]]  # its name and its views


class Command(BaseCommand):
    help = "Score image files (or all below a folder) with a model's champion, or another of its versions, as CSV."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("model", help="the model's slug")
        parser.add_argument("images", nargs="+", type=Path, help="image files and folders")
        parser.add_argument("--number", type=int, help="of the version (its champion)")
        parser.add_argument("--parts", action="store_true", help="a folder's files are the views of one part")

    def handle(self, *args: Any, **options: Any) -> None:
        version = _version(options["model"], options["number"])
        parts = [part for given in options["images"] for part in _parts(given, together=options["parts"])]
        try:
            classes = serving.model_of(version).classes
            writer = csv.writer(self.stdout, lineterminator="\n")
            writer.writerow(["part" if options["parts"] else "image", "label", "confidence", *classes, "problem"])
            for start in range(0, len(parts), AT_ONCE):
                writer.writerows(_rows(version, parts[start : start + AT_ONCE]))
        except ReviewAppError as error:
            raise CommandError(str(error)) from error


def _version(slug: str, number: int | None) -> ModelVersion:
    found = ModelVersion.objects.filter(registered_model__slug=slug)
    version = (found.filter(number=number) if number else found.filter(stage="champion")).first()
    if version is None:
        raise CommandError(f"The model “{slug}” has no {f'version {number}' if number else 'champion'}.")
    return version


def _files(given: Path) -> list[Path]:
    if not given.exists():
        raise CommandError(f"There is no {given}.")
    return sorted(path for path in given.rglob("*") if path.is_file()) if given.is_dir() else [given]


def _parts(given: Path, *, together: bool) -> list[Part]:
    """Each file for itself, or all files of a folder as the views of one part, under the folder's name."""
    paths = _files(given)
    if not together or not given.is_dir():
        return [(path, [path]) for path in paths]
    folders: dict[Path, list[Path]] = {}
    for path in paths:
        folders.setdefault(path.parent, []).append(path)
    return list(folders.items())


def _rows(version: ModelVersion, parts: list[Part]) -> list[list[object]]:
    """A batch; where a file is no image, one by one, so that its trouble is its own."""
    try:
        scored = serving.predict_parts(version, [[path.read_bytes() for path in views] for _name, views in parts])
    except OSError as error:
        if len(parts) > 1:
            return [row for part in parts for row in _rows(version, [part])]
        return [[parts[0][0], "", "", *[""] * len(serving.model_of(version).classes), str(error)]]
    return [[name, *_best(scores), *scores.values(), ""] for (name, _views), scores in zip(parts, scored, strict=True)]


def _best(scores: dict[str, float]) -> tuple[str, float]:
    label = max(scores, key=lambda name: scores[name])
    return label, scores[label]
