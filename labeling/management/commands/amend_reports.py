"""Notes what has changed since reports were issued, as dated addenda. The clock does the same once a day."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from labeling.reports import addenda


class Command(BaseCommand):
    help = __doc__ or ""
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--model", default="", metavar="SLUG", help="of this model alone")

    def handle(self, **options: Any) -> None:
        found = addenda.due(now=timezone.now())
        found = found.filter(registered_model__slug=options["model"]) if options["model"] else found
        for report in found:
            addendum = addenda.amend(report, now=timezone.now())
            if addendum is not None:
                self.stdout.write(f"{report}: {addendum.message}")
        self.stdout.write(f"{len(found)} looked at.")
