"""Intervals for an error rate that hold at all times at once: one may look, and stop, whenever one likes (§2.5).

Of a uniform sample (the audit draws, whose hash lies below the floor of their design) the exact beta-binomial mixture;
of unequally drawn inspections a grid of rates, each tested by two bets.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from scipy import optimize, special

from models_registry.estimation.eprocess import BOLDEST
from models_registry.estimation.intervals import Interval
from models_registry.estimation.totals import Floats

N_RATES = 200
TINY = 1e-12


def uniform_sequence(*, count: int, n: int, alpha: float = 0.05, t_opt: float = 100.0) -> Interval:
    """Interval of a share after ``count`` of ``n``, valid at every n at once; tightest near n = ``t_opt``.

    {p: log M(p) < log(1/alpha)} with the beta-binomial mixture M, whose beta has mean p and a variance made for t_opt.
    No item gives (0, 1). Raises ValueError unless 0 <= count <= n, 0 < alpha < 1 and t_opt > 0.
    Source: Howard et al. 2021, Ann. Statist. 49:1055 (the two-sided beta-binomial bound; `confseq`).
    """
    if not 0 <= count <= n or not 0 < alpha < 1 or not t_opt > 0:
        raise ValueError(f"{count} of {n} at alpha {alpha} and t_opt {t_opt} has no interval")
    if n == 0:
        return Interval(0.0, 1.0)
    share = count / n

    def excess(p: float) -> float:
        return _log_mixture(p, count, n, alpha, t_opt) - math.log(1 / alpha)

    return Interval(
        low=_crossing(excess, TINY, share) if count > 0 else 0.0,
        high=_crossing(excess, 1 - TINY, share) if count < n else 1.0,
    )


def _log_mixture(p: float, count: int, n: int, alpha: float, t_opt: float) -> float:
    spread, enough = p * (1 - p), math.log(1 / alpha)
    rho = spread * t_opt / (2 * enough + math.log(1 + 2 * enough))
    r = max(rho - spread, 1e-3 * spread)
    a, b = r / (1 - p), r / p
    likelihood = count * math.log(p) + (n - count) * math.log1p(-p)
    return float(special.betaln(a + count, b + n - count) - special.betaln(a, b)) - likelihood


def _crossing(excess: Callable[[float], float], outside: float, inside: float) -> float:
    """Where the mixture crosses its limit between the end of the range and the observed share."""
    inside = min(max(inside, TINY), 1 - TINY)
    if excess(outside) < 0:
        return float(round(outside))
    return float(optimize.brentq(excess, outside, inside, xtol=1e-12))


@dataclass(frozen=True, slots=True)
class WeightedSequence:
    """One capital per rate of a grid and direction, as natural logarithms, arrays (200,).

    ``low``, ``high``: the narrowest interval so far, which never widens again. Low above high proves that the rate was
    not the same all the time (or is the 1 in 1/alpha).
    """

    rates: Floats
    up: Floats  # bets that the rate is higher
    down: Floats  # bets that it is lower, above 0
    log_up: Floats
    log_down: Floats
    log_limit: float
    low: float = 0.0
    high: float = 1.0

    def as_json(self) -> dict[str, Any]:
        return {one.name: _plain(getattr(self, one.name)) for one in fields(self)}

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> WeightedSequence:
        """What `as_json` gave, equal to the bit."""
        read: dict[str, Any] = {name: np.array(one) if isinstance(one, list) else one for name, one in kept.items()}
        return cls(**read)


def start_sequence(
    *, floor_pi: float, alpha: float = 0.05, t_opt: float = 20_000.0, lowest: float = 1e-5
) -> WeightedSequence:
    """A sequence for rates from ``lowest`` to just below 1, on a log scale; tightest after ``t_opt`` arrivals.

    Each rate p is tested by one bet a direction, sqrt(2 log(2/alpha)/(p w t_opt)) with w = 1/floor_pi, at most .5/p
    upwards and just below 1/(w - p) downwards. Raises ValueError unless 0 < floor_pi <= 1, 0 < alpha < 1, t_opt > 0.
    """
    if not 0 < floor_pi <= 1 or not 0 < alpha < 1 or not t_opt > 0 or not 0 < lowest < 0.5:
        raise ValueError(f"no sequence from floor {floor_pi}, alpha {alpha}, t_opt {t_opt}, lowest {lowest}")
    rates = np.geomspace(lowest, 0.999, N_RATES)
    bets = np.sqrt(2 * math.log(2 / alpha) * floor_pi / (rates * t_opt))
    none = np.zeros(N_RATES)
    return WeightedSequence(
        rates=rates, up=np.minimum(bets, 0.5 / rates), down=np.minimum(bets, BOLDEST / (1 / floor_pi - rates)),
        log_up=none, log_down=none, log_limit=math.log(2 / alpha),
    )  # fmt: skip


def feed_sequence(
    sequence: WeightedSequence, *, n_zeros_before: int, phi: float, floor_pi: float = 1.0
) -> WeightedSequence:
    """The sequence after ``n_zeros_before`` inspections worth 0 and one worth ``phi``. O(200).

    A rate is left out for ever once every rate below (above) it was. Raises ValueError for a negative count, or a phi
    that is negative, not finite or larger than 1/floor_pi.
    """
    if n_zeros_before < 0 or not 0 <= phi <= (1 + 1e-9) / floor_pi:
        raise ValueError(f"{n_zeros_before} inspections and then one worth {phi} cannot be")
    down = np.minimum(sequence.down, BOLDEST / (1 / floor_pi - sequence.rates))
    rested = sequence.log_down + n_zeros_before * np.log1p(down * sequence.rates)
    log_up = sequence.log_up + n_zeros_before * np.log1p(-sequence.up * sequence.rates)
    log_up = log_up + np.log1p(sequence.up * (phi - sequence.rates))
    log_down = rested + np.log1p(-down * (phi - sequence.rates))
    too_low = np.logical_and.accumulate(log_up >= sequence.log_limit)
    too_high = np.logical_and.accumulate((np.maximum(rested, log_down) >= sequence.log_limit)[::-1])[::-1]
    return replace(
        sequence,
        log_up=log_up,
        log_down=log_down,
        low=max(sequence.low, float(sequence.rates[too_low].max(initial=0.0))),
        high=min(sequence.high, float(sequence.rates[too_high].min(initial=1.0))),
    )


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value
