"""How right a version is on what was held out and came late (STATISTICS §3.4). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models_registry.estimation.intervals import wilson
from models_registry.manifest import ManifestRow


@dataclass(frozen=True, slots=True)
class TimeSlice:
    """``recent``: arrived in the last 90 days before the cut-off; ``later``: after the newest row that trains. Each
    inspection counts once, as in the hold-out's own accuracy; None where there is none."""

    name: str
    n: int
    accuracy: float | None
    low: float | None
    high: float | None

    def words(self) -> str:
        what = "the last 90 days" if self.name == "recent" else "after the newest part that trained"
        if self.accuracy is None or self.low is None or self.high is None:
            return f"None of {what}"
        return f"{self.accuracy:.1%} right on {self.n} of {what} ({self.low:.1%} to {self.high:.1%})"


def accuracy_over_time(
    held: Sequence[ManifestRow], right: NDArray[np.bool_], *, newest_train: str, since: str
) -> tuple[TimeSlice, TimeSlice]:
    """Both slices of the held-out rows, whose ``right`` is (n,). Moments compare as text; a row without one is old."""
    arrived = [row.arrived_at for row in held]
    recent = np.array([at >= since for at in arrived], dtype=bool)
    later = np.array([bool(at) and at > newest_train for at in arrived], dtype=bool)
    return _slice("recent", right[recent]), _slice("later", right[later])


def _slice(name: str, right: NDArray[np.bool_]) -> TimeSlice:
    n, n_right = len(right), int(right.sum())
    if not n:
        return TimeSlice(name, 0, None, None, None)
    found = wilson(count=n_right, n=n)
    return TimeSlice(name, n, n_right / n, found.low, found.high)
