"""Measure images that were there before they were measured, or whose message was lost."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from labeling.images.quality import measure_items
from labeling.models import Item

SLICE = 100


class Command(BaseCommand):
    help = "Measure the quality of stored images of reviewed inspections that were not measured yet, oldest first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--most", type=int, default=10_000, help="how many images to look at (10,000)")

    def handle(self, *args: Any, **options: Any) -> None:
        last, left, n = 0, max(0, options["most"]), 0
        while left:
            items = list(
                Item.objects.filter(pk__gt=last, image_status=Item.ImageStatus.STORED, quality__isnull=True)
                .filter(inspection__reviews__isnull=False)
                .order_by("pk")
                .distinct()[: min(SLICE, left)]
            )
            if not items:
                break
            n += measure_items(items, now=timezone.now())
            last, left = items[-1].pk, left - len(items)
        self.stdout.write(f"Measured {n} images.")
