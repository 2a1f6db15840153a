"""Delete images that are older than they have to be kept; parts with labels keep theirs."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from labeling import retention


class Command(BaseCommand):
    help = "Delete images older than some days of parts that have no label and wait for nobody. Says what is kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days",
            type=int,
            default=settings.KEEP_IMAGES_DAYS,
            help=f"how old (REVIEWAPP_KEEP_IMAGES_DAYS, {settings.KEEP_IMAGES_DAYS or 'for ever'})",
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what would go")

    def handle(self, *args: Any, **options: Any) -> None:
        days, now = options["days"], timezone.now()
        if days < 1:
            raise CommandError("Say how old: --days 90, or set REVIEWAPP_KEEP_IMAGES_DAYS. Nothing was deleted.")
        stays = retention.kept(days, now=now)
        if options["dry_run"]:
            self.stdout.write(f"Would delete {retention.to_go(days, now=now).count()} images.")
        else:
            self.stdout.write(f"Deleted {retention.purge(days, now=now)} images.")
        self.stdout.write(
            f"Older than {days} days and kept: {stays.n_labelled} parts with labels, {stays.n_in_datasets} of them in "
            f"datasets that versions learn from or are measured on; {stays.n_waiting} parts that wait for a person."
        )
