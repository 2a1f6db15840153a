"""Writes a model's settled labels with their lineage to a file (docs/exchange.md).

The file appears whole or not at all. Progress goes to standard error.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from labeling.exchange.exporting import FORMATS, document, format_named, members
from labeling.exchange.truth import TruthFilter, TruthReader, in_blocks
from labeling.exchange.zipped import Member, into_folder
from labeling.management.progress import Progress
from models_registry.atomic_file import AtomicFile
from models_registry.models import RegisteredModel
from reviewapp.errors import ReviewAppError


class Command(BaseCommand):
    help = __doc__ or ""
    requires_system_checks = ()  # they load every page and the trainer before the first row

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("model", help="slug of the model")
        parser.add_argument(
            "output", type=Path, help="file to write; for YOLO and with --images a .zip or a new folder"
        )
        parser.add_argument("--format", default="jsonl", choices=list(FORMATS))
        parser.add_argument("--since", type=moment, help="settled at or after, ISO 8601 with a time zone")
        parser.add_argument("--until", type=moment, help="settled before")
        parser.add_argument("--label", help="only this label")
        parser.add_argument("--images", action="store_true", help="the images too")
        parser.add_argument("--method", help="only labels settled this way, for example adjudication")

    def handle(self, **options: Any) -> None:
        registered_model = RegisteredModel.objects.filter(slug=options["model"]).first()
        if registered_model is None:
            raise CommandError(f"There is no model “{options['model']}”.")
        chosen = TruthFilter(**{name: options[name] for name in ("since", "until", "label", "method")})
        start = time.monotonic()
        try:
            with TruthReader(registered_model, chosen) as reader:
                written = self._write(reader, options)
        except ReviewAppError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{options['output']}: {reader.n} labels in {time.monotonic() - start:.2f} s{written}")

    def _write(self, reader: TruthReader, options: dict[str, Any]) -> str:
        output, images, chosen = options["output"], options["images"], format_named(options["format"])
        several = images or chosen.write is None
        if several and output.suffix.lower() != ".zip":
            return self._write_folder(reader, output, members(chosen, reader, images=images, now=timezone.now()))
        blocks = document(chosen, reader, images=images, now=timezone.now())
        lines = chosen.name in {"jsonl", "csv"} and not several
        with AtomicFile(output) as file:
            for block in in_blocks(self._told(blocks, reader.n) if lines else self._counted(blocks)):
                file.write(block)
        return f", sha256 {file.sha256}"

    def _write_folder(self, reader: TruthReader, folder: Path, written: Iterator[Member]) -> str:
        """A new folder appears under its name when it is whole."""
        if folder.exists():
            raise CommandError(f"{folder} exists already; name a new folder or a .zip.")
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        progress, n = Progress(self.stderr, "Writing files", total=None), 0
        try:
            for n, _ in enumerate(into_folder(written, draft), start=1):
                progress.tell(n)
            draft.chmod(0o755)
            draft.rename(folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        progress.tell(n, last=True)
        return f", {n} files"

    def _told(self, lines: Iterator[bytes], total: int) -> Iterator[bytes]:
        """Lines are labels, but for a header."""
        progress = Progress(self.stderr, "Exporting", total=total)
        for n, line in enumerate(lines):
            yield line
            progress.tell(min(n, total))
        progress.tell(total, last=True)

    def _counted(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Of a document that is written in pieces the bytes are known, not the labels."""
        progress, n_bytes = Progress(self.stderr, "Exporting bytes", total=None), 0
        for block in blocks:
            yield block
            n_bytes += len(block)
            progress.tell(n_bytes)
        progress.tell(n_bytes, last=True)


def moment(text: str) -> datetime:
    """:raises ValueError: not ISO 8601, or without a time zone."""
    said = parse_datetime(text)
    if said is None or said.tzinfo is None:
        raise ValueError(text)
    return said
