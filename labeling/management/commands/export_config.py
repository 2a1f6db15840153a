"""Write the present state as files for `apply`: sites, label sets, models with policies, members, webhooks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from django.core.management.base import BaseCommand, CommandParser

from labeling.configuration import present_state


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, **options: Any) -> None:
        folder: Path = options["folder"]
        folder.mkdir(parents=True, exist_ok=True)
        for name, documents in present_state().items():
            text = yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True, explicit_start=True)
            (folder / name).write_text(text if documents else "", encoding="utf-8")
            self.stdout.write(f"{folder / name}: {len(documents)}")
