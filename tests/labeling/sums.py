"""The sums of the rollups, whoever's rows they are in, and the same added up anew from the facts."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.db import connection, transaction

from labeling.models import Tally
from labeling.models.tallies import CELL, SUMS
from labeling.rebuilding import add_up_anew

Cells = dict[tuple[Any, ...], tuple[float, ...]]


def told() -> Cells:
    """The sums of every cell that holds anything."""
    sums: dict[tuple[Any, ...], list[float]] = defaultdict(lambda: [0.0] * len(SUMS))
    for row in Tally.objects.values_list(*CELL, *SUMS):
        for place, value in enumerate(row[len(CELL) :]):
            sums[row[: len(CELL)]][place] += value
    counts = [SUMS.index(name) for name in ("n_arrived", "n")]
    return {cell: tuple(row) for cell, row in sums.items() if any(row[place] for place in counts)}


def numbers(cells: Cells) -> dict[tuple[Any, ...], float]:
    """The same, number by number: approximate equality looks into no deeper structure."""
    return {(*cell, name): value for cell, row in cells.items() for name, value in zip(SUMS, row, strict=True)}


def added_up_anew() -> Cells:
    """What `told` says after a rebuild. The rows that are there stay as they are."""
    with transaction.atomic(), connection.cursor() as cursor:
        add_up_anew(cursor)
        found = told()
        transaction.set_rollback(True)
    return found
