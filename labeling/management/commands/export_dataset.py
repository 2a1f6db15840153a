"""Writes a frozen dataset: its manifest, or with --images the images too (a .zip, or a new folder).

Every file is checked against the hash that the dataset was frozen with. A file appears whole or not at all.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from labeling.exchange.truth import in_blocks
from labeling.exchange.zipped import into_folder, zipped
from labeling.management.choosing import dataset_named
from models_registry.atomic_file import AtomicFile
from models_registry.services.dataset_files import members
from reviewapp.errors import ReviewAppError


class Command(BaseCommand):
    help = __doc__ or ""
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dataset", help="its number, or the beginning of its sha256 (at least 8 digits)")
        parser.add_argument("output", type=Path, help="file to write; with --images a .zip or a new folder")
        parser.add_argument("--images", action="store_true", help="the images too")

    def handle(self, **options: Any) -> None:
        dataset = dataset_named(options["dataset"])
        output: Path = options["output"]
        try:
            found = members(dataset, images=options["images"])
            if options["images"] and output.suffix.lower() != ".zip":
                n = sum(1 for _ in into_folder(found, output))
                self.stdout.write(f"{output}: {n} files")
                return
            blocks = in_blocks(zipped(found)) if options["images"] else next(found)[1]
            with AtomicFile(output) as file:
                for block in blocks:
                    file.write(block)
        except (ReviewAppError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{output}: sha256 {file.sha256}")
