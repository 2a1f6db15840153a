"""Posts demo images at a rate to `predict`, through the public API only."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from labeling.management.simulating import SimulationCommand, add_line_arguments


class Command(SimulationCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_line_arguments(parser)
        parser.add_argument("-n", type=int, default=None, help="stop after so many images")

    def handle(self, **options: Any) -> None:
        report = self.simulation(options).line(rate=options["rate"], n=options["n"])
        self.save(report, options["report"])
