"""A stream as the planner sees it: how much arrives, how doubtful it is, and where the errors lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from models_registry.estimation.cells import UNSETTLED, Bools, Cells
from models_registry.estimation.intervals import BIN_EDGES
from models_registry.estimation.totals import Floats

ENOUGH_FOUND = 20
"""From so many errors found on, where they were found says where they lie."""
LEAST_BUDGET = 1e-6


@dataclass(frozen=True, slots=True)
class Part:
    """Arrivals that are drawn alike.

    `share` of all arrivals; `lift` = u/mean(u), how much more doubtful than the average; `error_rate` inside.
    """

    share: float
    lift: float
    error_rate: float
    is_certainty: bool = False  # always checked: pi = 1 whatever the budget


@dataclass(frozen=True, slots=True)
class Stream:
    """Raises ValueError for numbers that no stream has: shares that do not sum to 1, rates outside [0, 1]."""

    per_day: float  # arrivals, all strata
    parts: tuple[Part, ...]
    audit_share: float  # tau
    budget: float  # b, of the sampled arrivals

    def __post_init__(self) -> None:
        if not self.per_day > 0 or not 0 < self.budget <= 1 or not 0 < self.audit_share <= 1:
            raise ValueError("a stream has arrivals, a budget and an audit share above 0, the latter at most 1")
        if not self.parts or abs(sum(part.share for part in self.parts) - 1) > 1e-6:
            raise ValueError("the shares of a stream's parts sum to 1")
        if not all(part.share >= 0 and part.lift >= 0 and 0 <= part.error_rate <= 1 for part in self.parts):
            raise ValueError("a share and a lift are not below 0, and an error rate lies between 0 and 1")

    @property
    def share(self) -> Floats:
        return np.array([part.share for part in self.parts])

    @property
    def errors(self) -> Floats:
        """Errors of each part, as a share of all arrivals."""
        return np.array([part.share * part.error_rate for part in self.parts])

    @property
    def error_rate(self) -> float:
        return float(self.errors.sum())

    @property
    def is_certainty(self) -> Bools:
        return np.array([part.is_certainty for part in self.parts], dtype=bool)

    @property
    def floor_pi(self) -> float:
        return self.audit_share * self.budget

    def pi(self) -> Floats:
        """Each part's chance of being drawn: the rule of STATISTICS §1.1."""
        lift = np.array([part.lift for part in self.parts])
        raised = self.floor_pi + (1 - self.audit_share) * self.budget * lift
        pi: Floats = np.where(self.is_certainty, 1.0, np.clip(raised, self.floor_pi, 1.0))
        return pi

    @property
    def reviews_per_day(self) -> float:
        """Expected, both strata."""
        return float(self.per_day * (self.share * self.pi()).sum())

    @property
    def audits_per_day(self) -> float:
        """Reviews of what chance alone picked, whatever the model said: what blind spots are found with."""
        return float(self.per_day * self.share[~self.is_certainty].sum() * self.floor_pi)

    def at(self, budget: float) -> Stream:
        return replace(self, budget=budget)

    def with_error_rate(self, rate: float) -> Stream:
        """The same stream with another error rate. More errors come evenly, as blind spots do: a rule that expected
        them among the doubtful would promise to find what it cannot. Fewer errors are fewer everywhere.
        """
        now = self.error_rate
        if rate <= now:
            parts = [replace(part, error_rate=part.error_rate * rate / now if now else 0.0) for part in self.parts]
        else:
            room = sum(part.share * (1 - part.error_rate) for part in self.parts)
            more = (rate - now) / room if room > 0 else 0.0
            parts = [
                replace(part, error_rate=min(1, part.error_rate + more * (1 - part.error_rate))) for part in self.parts
            ]
        return replace(self, parts=tuple(parts))


def stream_of_cells(cells: Cells, *, n_days: float, audit_share: float, budget: float) -> Stream | None:
    """What the cells of ``n_days`` say of a stream; None when nothing arrived.

    The lift of a bin follows from its mean pi: pi/floor = 1 + (1-tau)/tau * lift; n/sum(w) over the drawn estimates the
    mean, and a bin of which nothing was drawn stands at its lower edge. With `ENOUGH_FOUND` errors, errors lie where
    they were found (weighted); with fewer half of them lie where the model doubts (its g) and half evenly.
    Their number is left to `Stream.with_error_rate`: here it is what was found, or what the model believes.
    """
    arrived = cells.where((cells.true == UNSETTLED) & (cells.predicted >= 0))
    n_all = float(arrived.n_arrived.sum())
    if n_all <= 0:
        return None
    judged = cells.where((cells.true >= 0) & (cells.predicted >= 0))
    found = judged.where(judged.true != judged.predicted)
    n_found = int(found.n.sum())
    keys = [(True, 1.0), *((False, float(edge)) for edge in BIN_EDGES)]
    parts = []
    for is_certainty, edge in keys:
        here = arrived.where(_in(arrived, is_certainty, edge))
        n = float(here.n_arrived.sum())
        if n <= 0:
            continue
        weighed = float(found.where(_in(found, is_certainty, edge)).w.sum())
        doubted = float(here.g.sum())
        even = float(arrived.g.sum()) * n / n_all
        errors = weighed if n_found >= ENOUGH_FOUND else (doubted + even) / 2
        lift = 0.0 if is_certainty else _lift(here, edge, audit_share)
        parts.append(Part(n / n_all, lift, min(errors / n, 1.0), is_certainty))
    return Stream(n_all / n_days, tuple(parts), audit_share, budget)


def _in(cells: Cells, is_certainty: bool, edge: float) -> Bools:
    mask: Bools = cells.is_certainty == is_certainty
    return mask if is_certainty else mask & (cells.edge == edge)


def _lift(here: Cells, edge: float, audit_share: float) -> float:
    if audit_share >= 1:
        return 0.0
    ratio = edge
    drawn = here.where(here.n_drawn > 0)
    if len(drawn):
        mean_pi = float(drawn.n_drawn.sum()) / float(drawn.w_drawn.sum())
        floor = float((drawn.floor_pi * drawn.n_drawn).sum() / drawn.n_drawn.sum())
        above = BIN_EDGES[edge < BIN_EDGES]
        ratio = float(np.clip(mean_pi / floor, edge, above[0] if len(above) else 1 / floor))
    return max(0.0, (ratio - 1) * audit_share / (1 - audit_share))


def least_budget(is_enough: Callable[[float], bool]) -> float | None:
    """The smallest budget that is enough, to a hundredth of itself; None when not even all reviews are.

    Bisection of the logarithm: what is enough must stay enough with more.
    """
    if not is_enough(1.0):
        return None
    low, high = np.log(LEAST_BUDGET), 0.0
    while high - low > 0.01:
        middle = (low + high) / 2
        low, high = (low, middle) if is_enough(float(np.exp(middle))) else (middle, high)
    return float(np.exp(high))
