"""What workers do first: wait until the engines answer, the tables are there, and the demo, if any, is loaded."""

from __future__ import annotations

import os
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, ProgrammingError, connection
from django.db.migrations.executor import MigrationExecutor

from labeling.demo.state import is_loaded
from reviewapp.embedded.readiness import wait_until_ready


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--timeout", type=float, default=600, help="seconds")

    def handle(self, **options: Any) -> None:
        wait_until_ready(settings.DATABASE_URL, settings.REDIS_URL, timeout=60)
        end = time.monotonic() + options["timeout"]
        while not _ready():
            if time.monotonic() > end:
                raise CommandError("The tables were not migrated in time. Does `manage.py prepare` (or `migrate`) run?")
            connection.close()
            time.sleep(0.5)


def _ready() -> bool:
    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return False
        return os.environ.get("REVIEWAPP_DEMO") != "1" or is_loaded()
    except (OperationalError, ProgrammingError):
        return False
