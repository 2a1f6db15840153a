"""How much of what was drawn was answered, from the past only (STATISTICS §1.3, §2.5 "order and delay").

An inspection that nobody judged in time enters a process as "no error found". So that the errors among such do not
vanish, those that are found later in the same cell weigh more: pi becomes pi times the share that was answered there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MIN_DRAWN = 20
"""Fewer drawn in a cell, and the share over all cells is taken."""


class Answered:
    """Sums per cell over what was drawn: how many, their weight, and the weight of those that were answered."""

    def __init__(self, kept: Mapping[str, Any] | None = None) -> None:
        self._cells: dict[str, list[float]] = {cell: list(sums) for cell, sums in (kept or {}).items()}

    def share(self, cell: str, *, weight: float) -> float:
        """What pi is multiplied by for the next of a cell, in (0, 1]; 1 while everything was answered.

        The next one counts as answered, so that the share is known before its truth and never 0.
        """
        n, drawn, answered = self._cells.get(cell, [0, 0.0, 0.0])
        if n < MIN_DRAWN:
            drawn = sum(sums[1] for sums in self._cells.values())
            answered = sum(sums[2] for sums in self._cells.values())
        return min((answered + weight) / (drawn + weight), 1.0)

    def note(self, cell: str, *, weight: float, answered: bool) -> None:
        sums = self._cells.setdefault(cell, [0, 0.0, 0.0])
        sums[0] += 1
        sums[1] += weight
        sums[2] += weight if answered else 0.0

    def as_json(self) -> dict[str, Any]:
        return self._cells
