"""Arguments and set-up that the simulate commands share."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from labeling.demo.line import LineReport
from labeling.demo.simulation import Simulation

ACCESS = Path("demo") / "access.json"


class SimulationCommand(BaseCommand):
    """A command that plays through the public API until its time is over or Ctrl-C."""

    def add_arguments(self, parser: CommandParser) -> None:
        port = os.environ.get("PORT", "8000")
        parser.add_argument("--url", default=f"http://127.0.0.1:{port}", help="where the app answers")
        parser.add_argument(
            "--minutes", type=float, default=None, help="stop after so many minutes (default: at Ctrl-C)"
        )

    def simulation(self, options: dict[str, Any]) -> Simulation:
        try:
            simulation = Simulation(access=settings.VAR / ACCESS, base_url=options["url"], tell=self.tell)
        except FileNotFoundError as error:
            raise CommandError(str(error)) from error
        simulation.end_after(options["minutes"])
        return simulation

    def tell(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def save(self, report: LineReport, path: str | None) -> None:
        """Print the true accuracies, and write them where the caller wants them."""
        text = json.dumps(report.as_dict())
        self.tell(text)
        if path:
            Path(path).write_text(text)


def add_line_arguments(parser: CommandParser) -> None:
    parser.add_argument("--rate", type=float, default=5.0, help="images a second")
    parser.add_argument("--report", default=None, help="file for the true accuracies (JSON)")


def add_inspector_arguments(parser: CommandParser) -> None:
    parser.add_argument("--inspectors", type=int, default=2, help="how many people (at most 3)")
    parser.add_argument("--pace", type=float, default=0.7, help="seconds a verdict and person")
    parser.add_argument("--error-rate", type=float, default=0.0, help="share of verdicts that are wrong")
