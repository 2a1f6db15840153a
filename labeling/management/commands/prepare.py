"""Before the web server starts: wait for the engines, migrate, load the demo when asked to, say where to go."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from labeling.demo.setup import DemoAccess
from labeling.management.simulating import ACCESS
from reviewapp.embedded.readiness import wait_until_ready


class Command(BaseCommand):
    help = __doc__ or ""

    def handle(self, **options: Any) -> None:
        wait_until_ready(settings.DATABASE_URL, settings.REDIS_URL, timeout=60)
        call_command("migrate", interactive=False, verbosity=0)
        address = f"http://127.0.0.1:{os.environ.get('PORT', '8000')}/"
        if os.environ.get("REVIEWAPP_DEMO") == "1":
            call_command("load_demo", data=os.environ.get("REVIEWAPP_DEMO_DATA", ""), stdout=self.stdout)
            self._welcome(address)
        else:
            self.stdout.write(f"reviewapp answers on {address}")
        self.stdout.flush()

    def _welcome(self, address: str) -> None:
        access, port = DemoAccess.read(settings.VAR / ACCESS), os.environ.get("PORT", "8000")
        where = "" if port == "8000" else f"PORT={port} "
        lines = [
            "",
            f"reviewapp is on {address}",
            "Sign in as alice (inspector), bob (adjudicator), lena (ML lead), audrey (auditor) or admin.",
            f"Password: {access.password}",
            "Judge images by hand at /review/, or let the loop run by itself in another terminal:",
            f"    {where}.venv/bin/python manage.py simulate --minutes 8",
            "Ctrl-C stops everything; nothing is lost.",
            "",
        ]
        self.stdout.write("\n".join(lines))
