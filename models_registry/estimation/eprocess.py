"""Evidence that an error rate is above, or below, a limit. One may look after every inspection (STATISTICS §2.5).

Each inspection that arrives is worth phi = e/pi when it was drawn and 0 when not, so that E[phi | past] is its chance
of being an error. A bet b multiplies its capital by 1 + b(phi - p). While the rate keeps to p no bet grows on average:
the chance that the mean of the capitals ever reaches 1/alpha is at most alpha, however often one looks (Ville 1939).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models_registry.estimation.totals import Floats

N_BETS = 16
BOLDEST = 0.95
"""How much of its capital a bet on good news may lose in one inspection; 1 would be ruin."""
LARGEST = 1e300
"""What is said of evidence beyond it: JSON and the database know no infinity."""


@dataclass(frozen=True, slots=True)
class EProcess:
    """The capitals of a grid of bets against "the rate is p", as natural logarithms.

    Bets above 0 grow when the rate is higher (harm), below 0 when it is lower (good news). ``log_peak`` is the highest
    that the mean has ever been.
    """

    p: float
    bets: tuple[float, ...]
    log_capitals: tuple[float, ...]
    log_peak: float = 0.0

    @property
    def log_evidence(self) -> float:
        return log_mean(self.log_capitals)

    @property
    def evidence(self) -> float:
        """To one: 20 means that an alarm now would be false in at most 1 of 20 such monitors."""
        return from_log(self.log_evidence)

    @property
    def peak(self) -> float:
        return from_log(self.log_peak)

    @property
    def p_value(self) -> float:
        """Valid at any time: one over the highest evidence so far (Shafer et al. 2011)."""
        return math.exp(-self.log_peak)

    def as_json(self) -> dict[str, Any]:
        return {
            "p": self.p, "bets": list(self.bets), "log_capitals": list(self.log_capitals), "log_peak": self.log_peak,
        }  # fmt: skip

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> EProcess:
        """What `as_json` gave, equal to the bit."""
        return cls(float(kept["p"]), _floats(kept["bets"]), _floats(kept["log_capitals"]), float(kept["log_peak"]))


def watch_harm(*, p0: float, floor_pi: float) -> EProcess:
    """Evidence that the rate is above ``p0``. ``floor_pi``: the smallest pi that an inspection can have now.

    Bets are geometric from .05/w to min(20/w, .5/p0), w = 1/floor_pi; no bound on phi is needed in this direction.
    Raises ValueError unless 0 < p0 < 1 and 0 < floor_pi <= 1. Source: Waudby-Smith and Ramdas 2024, JRSS B 86:1.
    """
    _require(p0, floor_pi)
    bets = np.geomspace(0.05 * floor_pi, min(20 * floor_pi, 0.5 / p0), N_BETS)
    return _started(p0, bets)


def watch_good_news(*, p1: float, floor_pi: float) -> EProcess:
    """Evidence that the rate is below ``p1``: bets down to just above -1/(w - p1). Raises as `watch_harm` does."""
    _require(p1, floor_pi)
    boldest = _boldest(p1, floor_pi)
    return _started(p1, -np.geomspace(0.02 * boldest, boldest, N_BETS))


def feed(process: EProcess, *, n_zeros_before: int, phi: float, floor_pi: float = 1.0) -> EProcess:
    """The process after ``n_zeros_before`` inspections worth 0 and one worth ``phi``, in O(1).

    ``floor_pi``: of the design that drew it; only good news reads it, to keep every capital above 0 when a later design
    draws more thinly than the first. Raises ValueError for a negative count, or a phi that is negative, not finite or
    larger than 1/floor_pi when good news is watched.
    """
    if n_zeros_before < 0 or not (math.isfinite(phi) and phi >= 0):
        raise ValueError(f"{n_zeros_before} inspections and then one worth {phi} cannot be")
    bets = _kept_solvent(process, phi, floor_pi)
    rested = np.array(process.log_capitals) + n_zeros_before * np.log1p(-bets * process.p)
    capitals = rested + np.log1p(bets * (phi - process.p))
    return replace(
        process,
        log_capitals=tuple(capitals.tolist()),
        log_peak=max(process.log_peak, log_mean(rested.tolist()), log_mean(capitals.tolist())),
    )


def feed_zeros(process: EProcess, *, n: int, floor_pi: float = 1.0) -> EProcess:
    """The process after ``n`` inspections worth 0. Raises ValueError for n < 0."""
    return feed(process, n_zeros_before=n - 1, phi=0.0, floor_pi=floor_pi) if n else process


def restarted(process: EProcess) -> EProcess:
    """The same bets with their first capital. What is concluded from then on stands for itself."""
    return replace(process, log_capitals=(0.0,) * len(process.bets), log_peak=0.0)


def alarms_bonferroni(evidence: Sequence[float], *, alpha: float) -> tuple[bool, ...]:
    """Which of k monitors ring. The chance that any of them ever rings falsely is at most alpha: E >= k/alpha."""
    return tuple(one >= len(evidence) / alpha for one in evidence)


def alarms_e_bh(evidence: Sequence[float], *, alpha: float) -> tuple[bool, ...]:
    """Which of k monitors ring, with a false discovery rate of at most alpha, dependent or not.

    The largest j for which the j-th largest E reaches k/(j alpha). Source: Wang and Ramdas 2022, JRSS B 84:822.
    """
    ordered, k = sorted(evidence, reverse=True), len(evidence)
    reached = [one for j, one in enumerate(ordered, start=1) if one >= k / (j * alpha)]
    return tuple(bool(reached) and one >= reached[-1] for one in evidence)


def log_mean(log_capitals: Sequence[float]) -> float:
    """The logarithm of the mean of the capitals, without overflow."""
    highest = max(log_capitals)  # sixteen floats: quicker than an array, and asked after every error
    return highest + math.log(sum(math.exp(one - highest) for one in log_capitals) / len(log_capitals))


def from_log(log_evidence: float) -> float:
    return math.exp(log_evidence) if log_evidence < math.log(LARGEST) else LARGEST


def _started(p: float, bets: Floats) -> EProcess:
    return EProcess(p, tuple(bets.tolist()), (0.0,) * len(bets))


def _kept_solvent(process: EProcess, phi: float, floor_pi: float) -> Floats:
    bets = np.array(process.bets)
    if process.bets[0] > 0:
        return bets
    if phi * floor_pi > 1 + 1e-9:
        raise ValueError(f"an inspection worth {phi} was drawn with less than the floor {floor_pi}")
    capped: Floats = np.maximum(bets, -_boldest(process.p, floor_pi))
    return capped


def _boldest(p: float, floor_pi: float) -> float:
    return BOLDEST / (1 / floor_pi - p)


def _require(p: float, floor_pi: float) -> None:
    if not 0 < p < 1 or not 0 < floor_pi <= 1:
        raise ValueError(f"a rate lies between 0 and 1 and a floor in (0, 1], not at {p} and {floor_pi}")


def _floats(numbers: Sequence[float]) -> tuple[float, ...]:
    return tuple(float(number) for number in numbers)
