"""Streams and designs of the Monte-Carlo protocols (STATISTICS §7.2 to §7.4), and the cells of what they draw.

A two-class model sees z ~ N(d'y, 1) of a part that is a defect (y = 1) with the prevalence, and says the exact
probability; an over-confident one says 2.5 times its logit. A blind spot: one defect in five looks like a good part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal, special

from models_registry.estimation.cells import UNSETTLED, Cells, bin_edge
from models_registry.estimation.intervals import BIN_EDGES

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

N = 20_000
HALF_LIFE = 5000
PRIOR = 200  # inspections of the validation set that the mean uncertainty begins with
TOO_SURE = 2.5
BLIND = 0.2


@dataclass(frozen=True)
class Scenario:
    name: str
    prevalence: float
    d: float

    def scores(self, z: Floats, *, sharpened: float = 1.0) -> Floats:
        """The model's probability of a defect, (n,)."""
        logit = self.d * z - self.d**2 / 2 + special.logit(self.prevalence)
        return np.asarray(special.expit(sharpened * logit))

    @property
    def error(self) -> float:
        """The error rate of the process when the threshold is at 1/2."""
        border = self.d / 2 - special.logit(self.prevalence) / self.d
        missed, false = special.ndtr(border - self.d), special.ndtr(-border)
        return float(self.prevalence * missed + (1 - self.prevalence) * false)


P01, P10, HARD = Scenario("p01", 0.01, 3.0), Scenario("p10", 0.10, 3.0), Scenario("hard", 0.30, 1.5)


@dataclass(frozen=True)
class Stream:
    """What arrives, arrays (n,): the truth, what the model says, and its own chance of being wrong."""

    true: Ints
    predicted: Ints
    g: Floats

    @property
    def is_error(self) -> Bools:
        return np.asarray(self.true != self.predicted)

    @property
    def u(self) -> Floats:
        return np.asarray(np.sqrt(self.g * (1 - self.g)))


def make_stream(
    rng: np.random.Generator, scenario: Scenario, *, sharpened: float = 1.0, blind: float = 0.0, n: int = N
) -> Stream:
    """``sharpened``: 1 is calibrated. ``blind``: share of the defects that look good."""
    is_defect = rng.random(n) < scenario.prevalence
    seen = is_defect & (rng.random(n) >= blind) if blind else is_defect
    p = scenario.scores(rng.standard_normal(n) + scenario.d * seen, sharpened=sharpened)
    return Stream(is_defect.astype(np.int64), (p >= 0.5).astype(np.int64), np.minimum(p, 1 - p))


def validation_mean(scenario: Scenario, *, sharpened: float = 1.0) -> float:
    """The mean uncertainty in a large validation set."""
    return float(make_stream(np.random.default_rng(99), scenario, sharpened=sharpened, n=200_000).u.mean())


def past_mean(u: Floats, *, first: float) -> Floats:
    """The mean of u over past inspections, (n,): exponentially weighted, begun with ``first``."""
    keep = 0.5 ** (1 / HALF_LIFE)
    total = signal.lfilter([1.0], [1.0, -keep], u, zi=[keep * PRIOR * first])[0]
    weight = signal.lfilter([1.0], [1.0, -keep], np.ones_like(u), zi=[keep * PRIOR])[0]
    means: Floats = np.concatenate([[first], (total / weight)[:-1]])
    return means


def chances(u: Floats, *, budget: float, tau: float, first: float) -> Floats:
    """pi of the stream rule, STATISTICS §1.1, (n,); tau = 1 is uniform."""
    if tau == 1:
        return np.full(len(u), budget)
    pi: Floats = np.clip(tau * budget + (1 - tau) * budget * u / past_mean(u, first=first), tau * budget, 1.0)
    return pi


def default_tau(n_labels: float, error: float) -> float:
    """The rule of STATISTICS §1.1: thin audits only where enough errors are expected."""
    return 0.8 if n_labels * error < 20 else 0.5


class Frame:
    """A population under one design: its cells for any draw, arrivals already summed."""

    def __init__(self, stream: Stream, pi: Floats, *, floor: float, sure: Bools | None = None) -> None:
        self.stream, self.floor = stream, floor
        self.sure = np.zeros(len(pi), dtype=bool) if sure is None else sure
        self.pi = np.where(self.sure, 1.0, pi)
        self.edge = bin_edge(self.pi, np.full(len(pi), floor))
        number = np.searchsorted(BIN_EDGES, self.edge)
        dense = (stream.predicted * 2 + self.sure) * len(BIN_EDGES) + number
        n_dense = np.bincount(dense)
        some = np.flatnonzero(n_dense)
        self.code = np.cumsum(n_dense > 0)[dense] - 1
        self.keys = np.stack(
            [some // (2 * len(BIN_EDGES)), some // len(BIN_EDGES) % 2, BIN_EDGES[some % len(BIN_EDGES)]]
        )
        self.n_arrived = np.bincount(self.code)
        self.g = np.bincount(self.code, weights=stream.g)

    def draw(self, rng: np.random.Generator) -> Bools:
        return np.asarray(rng.random(len(self.pi)) < self.pi)

    def cells(self, drawn: Bools) -> Cells:
        """All arrivals, and the drawn one by one: every one of them is settled."""
        at, k = np.flatnonzero(drawn), self.keys.shape[1]
        own, w, g = self.code[at], 1 / self.pi[at], self.stream.g[at]
        zeros, none = np.zeros(len(at)), np.zeros(k)
        return Cells(
            true=_counts(np.full(k, UNSETTLED), self.stream.true[at]),
            predicted=_counts(self.keys[0], self.stream.predicted[at]),
            is_certainty=np.concatenate([self.keys[1] > 0, self.sure[at]]),
            edge=_floats(self.keys[2], self.edge[at]),
            floor_pi=np.full(k + len(at), self.floor),
            n_arrived=_counts(self.n_arrived, zeros),
            n_drawn=_counts(np.bincount(own, minlength=k), zeros),
            w_drawn=_floats(np.bincount(own, weights=w, minlength=k), zeros),
            g=_floats(self.g, zeros),
            n=_counts(none, np.ones(len(at))),
            pi=_floats(none, self.pi[at]),
            w=_floats(none, w),
            w2=_floats(none, w**2),
            wg=_floats(none, w * g),
            w2g=_floats(none, w**2 * g),
            wg2=_floats(none, w * g**2),
            w2g2=_floats(none, (w * g) ** 2),
        )


def _floats(arrivals: Any, truths: Any) -> Floats:
    return np.concatenate([arrivals, truths]).astype(np.float64)


def _counts(arrivals: Any, truths: Any) -> Ints:
    return np.concatenate([arrivals, truths]).astype(np.int64)
