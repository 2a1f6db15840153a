"""Numbers that a trainer tells while it learns, by name, in few enough points to be kept with the run and drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST_NAMES = 8
MOST_POINTS = 500
LONGEST_NAME = 40
LARGEST = 1e100
"""What is larger is no measurement; and it could not be drawn."""
Points = dict[str, list[list[float]]]


def add_report(points: Points, said: Mapping[str, Any]) -> None:
    """Add what one report said to ``points``, in place: for each name pairs of the report's number, from 1, and value.

    The first eight names stay. Of a name with more than 500 points every other one is dropped, never the first or the
    newest. What is no finite number, or has a name that cannot be printed, is passed over.
    """
    number = 1 + max((one[-1][0] for one in points.values()), default=0)
    for name, value in said.items():
        if not _is_name(name) or not _is_number(value) or (name not in points and len(points) >= MOST_NAMES):
            continue
        of_it = points.setdefault(name, [])
        of_it.append([number, float(value)])
        if len(of_it) > MOST_POINTS:
            del of_it[1::2]  # the number of points is odd here: the newest stays


def _is_name(name: str) -> bool:
    return 0 < len(name) <= LONGEST_NAME and name.isprintable() and not name.isspace()


def _is_number(value: Any) -> bool:
    """Truth is no number, and a comparison with NaN is never true."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST
