"""Upkeep of the rollups. The database writes them (migration 0014); here they are folded and queued on.

fact ──trigger, same transaction──> Tally rows ──fold──> one row a cell
 └────────────────────────────────> Arrival ──fold──> PendingDraw ──the monitors──> gone
`labeling/rebuilding.py` makes the rows anew from the facts.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection, transaction

from labeling.models import Arrival, PendingDraw
from labeling.models.tallies import CELL, SUMS, Tally

FOLDS = "hashtextextended('labeling.tallies.fold', 0)"  # the lock of who folds
KEYS = ", ".join(one.attname for one in Tally._meta.concrete_fields if one.name in CELL)
FOLD = f"""
WITH gone AS (DELETE FROM labeling_tally WHERE NOT is_folded RETURNING *)
INSERT INTO labeling_tally ({KEYS}, {", ".join(SUMS)}, is_folded)
SELECT {KEYS}, {", ".join(f"sum({name})" for name in SUMS)}, true FROM gone GROUP BY {KEYS}
ON CONFLICT ({KEYS}) WHERE is_folded
DO UPDATE SET {", ".join(f"{name} = labeling_tally.{name} + excluded.{name}" for name in SUMS)}
"""  # noqa: S608 - names of columns
# What came and went again leaves the rounding of its sums behind.
SWEEP = "DELETE FROM labeling_tally WHERE is_folded AND n = 0 AND n_arrived = 0"


@transaction.atomic
def fold() -> int:
    """Add up what came since the last time, and queue what was drawn for the monitors. Returns how many draws.

    Reports say the same before and after. One process at a time; nobody who writes waits for it.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock({FOLDS})")
        cursor.execute(FOLD)
        if cursor.rowcount:
            cursor.execute(SWEEP)
    return _queue_draws()


def _queue_draws() -> int:
    arrivals = list(Arrival.objects.order_by("pk"))
    pending: list[PendingDraw] = []
    for version in {one.model_version_id for one in arrivals}:
        pending += _in_order(version, (one for one in arrivals if one.model_version_id == version))
    PendingDraw.objects.bulk_create(pending, batch_size=2000)
    Arrival.objects.filter(pk__in=[one.pk for one in arrivals]).delete()
    return sum(one.prediction_id is not None for one in pending)


def _in_order(version: int, arrivals: Iterable[Arrival]) -> list[PendingDraw]:
    """A version's drawn predictions with the number that arrived between them, and the rest after the last."""
    pending, n_before = [], 0
    for arrival in arrivals:
        place = 0
        for at, prediction, pi, floor_pi in arrival.draws or ():
            drawn = {"prediction_id": prediction, "pi": pi, "floor_pi": floor_pi}
            pending.append(PendingDraw(model_version_id=version, n_before=n_before + at - place - 1, **drawn))
            n_before, place = 0, at
        n_before += arrival.n - place
    return [*pending, PendingDraw(model_version_id=version, n_before=n_before)] if n_before else pending
