"""The line and its inspectors together: the whole loop with no hand on it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from labeling.management.simulating import SimulationCommand, add_inspector_arguments, add_line_arguments


class Command(SimulationCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_line_arguments(parser)
        add_inspector_arguments(parser)

    def handle(self, **options: Any) -> None:
        simulation = self.simulation(options)
        people = simulation.start_inspectors(
            pace=options["pace"], error_rate=options["error_rate"], number=options["inspectors"]
        )
        try:
            report = simulation.line(rate=options["rate"])
            simulation.finish_reviews(seconds=60)
        finally:
            simulation.stop.set()
            for person in people:
                person.join()
        self.save(report, options["report"])
