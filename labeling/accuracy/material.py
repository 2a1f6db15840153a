"""What every figure of a window is made from, read once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from django.db.models import Count, QuerySet

from labeling.accuracy.asked import Asked
from labeling.models import Tally
from labeling.windows import LabelledCells, window_cells
from models_registry.estimation.confusion import Confusion, confusion
from models_registry.models import Label, ModelVersion


@dataclass(frozen=True)
class Material:
    """``version`` is the one that was asked about; ``found`` its cells of the window and the camera."""

    asked: Asked
    version: ModelVersion
    found: LabelledCells

    @property
    def labels(self) -> tuple[Label, ...]:
        return self.found.labels

    @cached_property
    def confusion(self) -> Confusion:
        return confusion(self.found.cells, is_defect=self.found.is_defect)

    @property
    def designs(self) -> list[int]:
        """Numbers of the sampling designs by which the window's parts were drawn."""
        rows = self.tallies.order_by("design__number").values_list("design__number", flat=True)
        return list(rows.distinct())

    @property
    def n_days(self) -> int:
        """On how many production days of the window something arrived."""
        return int(self.tallies.aggregate(n=Count("day", distinct=True))["n"])

    @property
    def tallies(self) -> QuerySet[Tally]:
        """The rollups of all that arrived in the window."""
        window = self.asked.window
        rows = Tally.objects.filter(
            model_version=self.version, dimension="", day__gte=window.first, day__lte=window.last
        )
        return rows.filter(source=self.asked.source) if self.asked.source is not None else rows


def material(asked: Asked) -> Material | None:
    """None where no version was asked about: the model has no champion yet."""
    if asked.version is None:
        return None
    return Material(asked, asked.version, window_cells(asked.version, asked.window, source=asked.source))
