"""What one inspection after another does to a monitor, in memory: O(1) each, and nothing at all to pay for a zero."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from dataclasses import dataclass

from models_registry.estimation.intervals import BIN_EDGES, ROUNDING
from models_registry.estimation.sequences import WeightedSequence, feed_sequence
from models_registry.estimation.silence import Answered
from models_registry.estimation.watching import Cause, Level, Watched, feed_watched
from models_registry.models import Monitor

EDGES = BIN_EDGES.tolist()


@dataclass(frozen=True, slots=True)
class SettledDraw:
    """A drawn inspection that is done with, and the ``n_before`` that arrived before it without being drawn.

    ``predicted`` None: no inspection, only those before it (the newest arrivals; or what was drawn was withdrawn or
    cannot be judged, so it leaves the domain). ``true`` None: nobody said in time. ``is_escape``: a defect that was
    taken for good.
    """

    n_before: int
    predicted: str | None = None
    true: str | None = None
    is_escape: bool = False
    pi: float = 1.0
    floor_pi: float = 1.0

    def is_error(self, guard: str) -> bool:
        """In the eyes of a guard."""
        if self.true is None or self.true == self.predicted:
            return False
        return not guard or (self.is_escape and guard in {"escape", f"escape:{self.true}"})


@dataclass(frozen=True, slots=True)
class Turn:
    """A change of state, with what stood when it came."""

    before: Level
    after: Level
    cause: Cause
    n_fed: int
    n_errors: int
    evidence: float
    inputs_hash: str


class Feeding:
    """A monitor while it is fed. Counts go to the row at once, capitals when its keeper takes them from here.

    Zeros are only counted: they are fed with the next error, or by `rest`. The hash runs on over every draw.
    """

    def __init__(self, monitor: Monitor, *, n_together: int) -> None:
        kept = monitor.capital
        self.monitor, self.n_together = monitor, n_together
        self.watched = Watched.of_json(kept["watched"])
        self.sequence = WeightedSequence.of_json(kept["sequence"])
        self.answered = Answered(kept["answered"])
        self.turns: list[Turn] = []
        self.peak = 0.0
        self.digest = monitor.inputs_hash
        self._n_zeros, self._floor = 0, monitor.floor_pi

    def take(self, draw: SettledDraw) -> None:
        monitor = self.monitor
        self.digest = hashlib.sha256(f"{self.digest}{draw}".encode()).hexdigest()
        self._n_zeros += draw.n_before
        monitor.n_fed += draw.n_before
        if draw.predicted is None:
            return
        monitor.n_fed, monitor.n_drawn = monitor.n_fed + 1, monitor.n_drawn + 1
        self._floor = min(self._floor, draw.floor_pi, draw.pi)
        cell, weight = _cell(draw), 1 / draw.pi
        if draw.is_error(monitor.guard):
            monitor.n_errors += 1
            share = self.answered.share(cell, weight=weight)
            self._feed(self._n_zeros, weight / share, self._floor * share)
        else:
            monitor.n_unanswered += draw.true is None
            self._n_zeros += 1
        self.answered.note(cell, weight=weight, answered=draw.true is not None)

    def rest(self) -> None:
        """Feed the zeros that came after the last error."""
        if self._n_zeros:
            self._feed(self._n_zeros - 1, 0.0, self._floor)

    def _feed(self, n_zeros: int, phi: float, floor_pi: float) -> None:
        before, monitor = self.watched.level, self.monitor
        self.watched = feed_watched(
            self.watched, n_zeros_before=n_zeros, phi=phi, floor_pi=floor_pi, n_together=self.n_together
        )
        self.sequence = feed_sequence(self.sequence, n_zeros_before=n_zeros, phi=phi, floor_pi=floor_pi)
        self._n_zeros, self._floor = 0, monitor.floor_pi
        self.peak = max(self.peak, self.watched.evidence)
        if self.watched.level != before and self.watched.cause is not None:
            turn = Turn(
                before, self.watched.level, self.watched.cause, monitor.n_fed, monitor.n_errors,
                self.watched.evidence, self.digest,
            )  # fmt: skip
            self.turns.append(turn)


def _cell(draw: SettledDraw) -> str:
    """Stratum and bin of pi, and what was predicted: within it, silence is taken to be blind to the truth."""
    place = bisect_right(EDGES, draw.pi / draw.floor_pi * (1 + ROUNDING)) - 1
    edge = "always" if draw.pi == 1 else EDGES[max(place, 0)]
    return f"{edge}|{draw.predicted}"
