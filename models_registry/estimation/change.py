"""Detect that an error rate rises after having been fine for long: e-CUSUM (STATISTICS §2.5, §3.1 A3).

An e-process that has watched a good year has little capital left, and a sudden change must first win it back. Here
each capital begins again at 1 whenever it falls below, so that only the recent past counts. The price is that the
false alarms are bounded by their distance: on average at least A inspections lie between two of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models_registry.estimation.eprocess import from_log, log_mean, watch_harm


@dataclass(frozen=True, slots=True)
class ChangeDetector:
    """The capitals of a grid of bets against "the rate is p0", as natural logarithms, since each last began again."""

    p0: float
    bets: tuple[float, ...]
    log_capitals: tuple[float, ...]
    log_peak: float = 0.0

    @property
    def evidence(self) -> float:
        return from_log(log_mean(self.log_capitals))

    @property
    def peak(self) -> float:
        """The highest since the start or the last `handled`."""
        return from_log(self.log_peak)

    def rings(self, *, run_length: float) -> bool:
        """Whether it has reached A = ``run_length`` since it was last handled; A is in inspections."""
        return self.log_peak >= math.log(run_length)

    def as_json(self) -> dict[str, Any]:
        return {
            "p": self.p0, "bets": list(self.bets), "log_capitals": list(self.log_capitals), "log_peak": self.log_peak,
        }  # fmt: skip

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> ChangeDetector:
        """What `as_json` gave, equal to the bit."""
        bets, capitals = (tuple(float(one) for one in kept[name]) for name in ("bets", "log_capitals"))
        return cls(float(kept["p"]), bets, capitals, float(kept["log_peak"]))


def watch_change(*, p0: float, floor_pi: float) -> ChangeDetector:
    """A detector of a rise above ``p0``, with the bets of `eprocess.watch_harm`. Raises ValueError as that does."""
    start = watch_harm(p0=p0, floor_pi=floor_pi)
    return ChangeDetector(p0, start.bets, start.log_capitals)


def feed_change(detector: ChangeDetector, *, n_zeros_before: int, phi: float) -> ChangeDetector:
    """The detector after ``n_zeros_before`` inspections worth 0 and one worth ``phi``, in O(1).

    Per bet: log K <- max(0, log K) + log(1 + b(phi - p0)); m zeros at once are max(max(0, log K) + m z, z) with
    z = log(1 - b p0). Raises ValueError for a negative count or a phi that is negative or not finite.
    Source: Shin, Ramdas and Rinaldo 2024, New England J. Statistics in Data Science 2:229 (e-detectors).
    """
    if n_zeros_before < 0 or not (math.isfinite(phi) and phi >= 0):
        raise ValueError(f"{n_zeros_before} inspections and then one worth {phi} cannot be")
    bets, capitals = np.array(detector.bets), np.array(detector.log_capitals)
    if n_zeros_before:
        zero = np.log1p(-bets * detector.p0)
        capitals = np.maximum(np.maximum(capitals, 0.0) + n_zeros_before * zero, zero)
    capitals = np.maximum(capitals, 0.0) + np.log1p(bets * (phi - detector.p0))
    return replace(
        detector,
        log_capitals=tuple(capitals.tolist()),
        log_peak=max(detector.log_peak, log_mean(capitals.tolist())),
    )


def handled(detector: ChangeDetector) -> ChangeDetector:
    """The detector begun again, once a person has dealt with what it found."""
    return replace(detector, log_capitals=(0.0,) * len(detector.bets), log_peak=0.0)
