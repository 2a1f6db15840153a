"""Signs in as simulated inspectors, claims reviews, judges them with a stated error rate; public API only."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from labeling.management.simulating import SimulationCommand, add_inspector_arguments


class Command(SimulationCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_inspector_arguments(parser)

    def handle(self, **options: Any) -> None:
        simulation = self.simulation(options)
        threads = simulation.start_inspectors(
            pace=options["pace"], error_rate=options["error_rate"], number=options["inspectors"]
        )
        while not simulation.time_is_over.wait(0.5):
            pass
        simulation.stop.set()
        for thread in threads:
            thread.join()
