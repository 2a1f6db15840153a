"""Reads every image of frozen datasets and says which are gone or not what they were. Ends with 1 if any is.

Without a dataset: all that a run has learned from. Progress goes to standard error.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from labeling.management.choosing import dataset_named
from labeling.management.progress import Progress
from models_registry.models import Dataset
from models_registry.services.dataset_files import open_dataset, verify
from reviewapp.errors import ReviewAppError


class Command(BaseCommand):
    help = __doc__ or ""
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dataset", nargs="*", help="number, or the beginning of its sha256 (at least 8 digits)")

    def handle(self, **options: Any) -> None:
        named = [dataset_named(text) for text in options["dataset"]]
        chosen = named or list(Dataset.objects.filter(runs__isnull=False).order_by("pk").distinct())
        if any([self._verify(dataset) for dataset in chosen]):  # noqa: C419 - each is looked at
            raise CommandError("Not every file is what it was.", returncode=1)

    def _verify(self, dataset: Dataset) -> int:
        """How many inspections have a damaged image; a manifest that cannot be read is one."""
        try:
            _header, rows = open_dataset(dataset)
        except ReviewAppError as error:
            self.stdout.write(f"dataset {dataset.pk}: {error.message}")
            return 1
        progress, n_damaged = Progress(self.stderr, "inspections", total=len(rows)), 0
        for n, damage in enumerate(verify(rows), start=1):
            progress.tell(n, last=n == len(rows))
            if damage is not None:
                n_damaged += 1
                self.stdout.write(f"dataset {dataset.pk}, inspection {damage.inspection}: {damage.message}")
        self.stdout.write(f"dataset {dataset.pk} ({dataset.short_name}): {len(rows)} inspections, {n_damaged} damaged")
        return n_damaged
