"""Make the rollups anew from predictions, draws and verdicts. The lines may go on meanwhile."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from labeling.rebuilding import rebuild
from labeling.regions.measuring import rebuild_regions
from models_registry.models import RegisteredModel


class Command(BaseCommand):
    help = __doc__ or ""

    def handle(self, **options: Any) -> None:
        n_read = rebuild()
        detectors = RegisteredModel.objects.filter(kind=RegisteredModel.Kind.DETECTION)
        n_parts = sum(rebuild_regions(one) for one in detectors)
        regions = f", and the regions of {n_parts:,} parts" if n_parts else ""
        self.stdout.write(f"Rebuilt from {n_read:,} predictions{regions}.")
