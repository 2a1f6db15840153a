"""Make the rollups anew from predictions, draws and verdicts. The lines may go on meanwhile."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from labeling.tallies import rebuild


class Command(BaseCommand):
    help = __doc__ or ""

    def handle(self, **options: Any) -> None:
        n_read = rebuild()
        self.stdout.write(f"Rebuilt from {n_read:,} predictions.")
