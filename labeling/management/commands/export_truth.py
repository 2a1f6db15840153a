"""Writes a model's settled labels with their lineage to a file (docs/exchange.md).

The file appears whole or not at all. Progress goes to standard error.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from labeling.exchange.exporting import FORMATS, format_named
from labeling.exchange.truth import TruthFilter, TruthReader, in_blocks
from labeling.management.progress import Progress
from models_registry.atomic_file import AtomicFile
from models_registry.models import RegisteredModel
from reviewapp.errors import ReviewAppError


class Command(BaseCommand):
    help = __doc__ or ""
    requires_system_checks = ()  # they load every page and the trainer before the first row

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("model", help="slug of the model")
        parser.add_argument("output", type=Path, help="file to write")
        parser.add_argument("--format", default="jsonl", choices=list(FORMATS))
        parser.add_argument("--since", type=moment, help="settled at or after, ISO 8601 with a time zone")
        parser.add_argument("--until", type=moment, help="settled before")
        parser.add_argument("--label", help="only this label")
        parser.add_argument("--method", help="only labels settled this way, for example adjudication")

    def handle(self, **options: Any) -> None:
        registered_model = RegisteredModel.objects.filter(slug=options["model"]).first()
        if registered_model is None:
            raise CommandError(f"There is no model “{options['model']}”.")
        chosen = TruthFilter(**{name: options[name] for name in ("since", "until", "label", "method")})
        start = time.monotonic()
        try:
            with TruthReader(registered_model, chosen) as reader, AtomicFile(options["output"]) as file:
                for block in in_blocks(self._told(reader, options["format"])):
                    file.write(block)
        except ReviewAppError as error:
            raise CommandError(error.message) from error
        self.stdout.write(
            f"{options['output']}: {reader.n} labels in {time.monotonic() - start:.2f} s, sha256 {file.sha256}"
        )

    def _told(self, reader: TruthReader, name: str) -> Iterator[bytes]:
        progress = Progress(self.stderr, "Exporting", total=reader.n)  # type: ignore[arg-type]
        for n, line in enumerate(format_named(name).write(reader, timezone.now())):
            yield line
            progress.tell(min(n, reader.n))
        progress.tell(reader.n, last=True)


def moment(text: str) -> datetime:
    """:raises ValueError: not ISO 8601, or without a time zone."""
    said = parse_datetime(text)
    if said is None or said.tzinfo is None:
        raise ValueError(text)
    return said
