"""What every figure of a window is made from, read once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from labeling.accuracy.asked import Asked
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


def material(asked: Asked) -> Material | None:
    """None where no version was asked about: the model has no champion yet."""
    if asked.version is None:
        return None
    return Material(asked, asked.version, window_cells(asked.version, asked.window, source=asked.source))
