"""Weighted counts with their limits, and shares of two counts: what every figure beside accuracy is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models_registry.estimation.accuracy import METHOD_CENSUS, METHOD_NONE, MIN_FOUND, MIN_SETTLED, ONE_SIDED
from models_registry.estimation.bins import Found, ends
from models_registry.estimation.cells import Bools
from models_registry.estimation.intervals import normal_quantile
from models_registry.estimation.totals import Floats

METHOD_COUNT, METHOD_RATIO, METHOD_LINEAR = "mover_gamma_mid_p", "mover_ratio_mid_p", "linearised_wilson_n_eff"


@dataclass(frozen=True, slots=True)
class Measured:
    """A number with its 95 % interval and its one-sided 95 % bounds. All five are None iff there is no data.

    `n`: settled inspections that it rests on; `n_found`: of these the events counted against the model.
    `bound_only`: fewer than 30 settled or 3 found: show the bound alone (STATISTICS §2.3 f).
    """

    value: float | None
    low: float | None
    high: float | None
    lower_bound: float | None
    upper_bound: float | None
    n: int
    n_found: int
    method: str
    bound_only: bool


@dataclass(frozen=True, slots=True)
class Counts:
    """Estimated counts (or shares) and their limits, arrays (r,); `least` and `most` are one-sided 95 % bounds."""

    value: Floats
    low: Floats
    high: Floats
    least: Floats
    most: Floats

    def times(self, factor: Floats | float) -> Counts:
        """Both value and limits by a known factor above 0."""
        return Counts(*(part * factor for part in self.parts))

    def plus(self, known: Floats | float) -> Counts:
        return Counts(*(part + known for part in self.parts))

    @property
    def parts(self) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        return self.value, self.low, self.high, self.least, self.most

    def where(self, mask: Bools, other: Counts) -> Counts:
        """These where the mask (r,) says so, the others elsewhere."""
        return Counts(*(np.where(mask, one, two) for one, two in zip(self.parts, other.parts, strict=True)))


def counted(events: Found, *, largest: Floats, most: Floats) -> Counts:
    """HT counts of events (r, bins) with MOVER-gamma limits: mid-p for the interval, exact for the bounds."""
    low, high = ends(events, largest=largest, most=most)
    least, utmost = ends(events, largest=largest, most=most, mid_p=False, confidence=ONE_SIDED)
    return Counts(events.y.sum(axis=1), low, high, least, utmost)


def added(*parts: Counts) -> Counts:
    """The sum of counts of different inspections: distances to the limits join by squares (MOVER)."""
    value = np.sum([part.value for part in parts], axis=0)

    def end(at: int) -> Floats:
        distance: Floats = np.sqrt(np.sum([(part.parts[at] - part.value) ** 2 for part in parts], axis=0))
        return distance

    return Counts(value, value - end(1), value + end(2), value - end(3), value + end(4))


def shares(events: Counts, others: Counts) -> Counts:
    """events/(events + others) of two counts of different inspections, (r,); NaN where both are 0.

    Draws are independent, so are the two counts, and the limits of their ratio are the roots of MOVER's difference
    events - ratio*others. It needs no large counts and no symmetry: with known others it transforms the limits of the
    events, as an escape rate needs it; with many of both it tends to the linearised (delta) interval.
    Source: Donner and Zou 2012, Stat Methods Med Res 21:347, §2.3; STATISTICS §2.2.
    """
    total = events.value + others.value
    value = np.divide(events.value, total, out=np.full_like(total, np.nan), where=total > 0)
    low = _least_share(events.value, events.value - events.low, others.value, others.high - others.value)
    high = _most_share(events.value, events.high - events.value, others.value, others.value - others.low)
    least = _least_share(events.value, events.value - events.least, others.value, others.most - others.value)
    most = _most_share(events.value, events.most - events.value, others.value, others.value - others.least)
    return Counts(value, np.fmin(low, value), np.fmax(high, value), np.fmin(least, value), np.fmax(most, value))


def _least_share(a: Floats, below: Floats, b: Floats, above: Floats) -> Floats:
    """The lower end of a/(a + b), from how far a may fall and b may rise.

    The smaller root of (b^2 - above^2) x^2 - 2ab x + a^2 - below^2 for x = a/b, in the form that survives zeros.
    """
    own = np.maximum(a**2 - below**2, 0)
    rest = a * b + _root(a, below, b, above)
    share: Floats = np.divide(own, own + rest, out=np.zeros_like(a), where=own + rest > 0)
    return share


def _most_share(a: Floats, above: Floats, b: Floats, below: Floats) -> Floats:
    """The upper end, from how far a may rise and b may fall: the larger root of (b^2 - below^2) x^2 - 2ab x + ..."""
    root, against = a * b + _root(a, above, b, below), np.maximum(b**2 - below**2, 0)
    unknown = np.where(a + above > 0, 1.0, 0.0)
    share: Floats = np.divide(root, root + against, out=unknown, where=root + against > 0)
    return share


def _root(a: Floats, of_a: Floats, b: Floats, of_b: Floats) -> Floats:
    """Half the distance of the roots; 0 where both counts are known, which the plain discriminant only nearly is."""
    distance: Floats = np.sqrt(np.maximum((a * of_b) ** 2 + (b * of_a) ** 2 - (of_a * of_b) ** 2, 0))
    return distance


def linearised(events: Found, others: Found) -> tuple[Counts, Bools]:
    """Hájek shares with Wilson's limits at n_eff = R(1-R)/V, and where both counts are large enough for it, (r,).

    V = [sum_events a (1-R)^2 + sum_others a R^2]/(sum of w)^2. Large enough: 50 found on either side, 10 of them at the
    floor where it is sampled; there it is shorter than MOVER, whose upper end reckons with the largest weight.
    """
    a, b = events.y.sum(axis=1), others.y.sum(axis=1)
    is_fit = (np.minimum(events.n.sum(axis=1), others.n.sum(axis=1)) >= 50) & (
        np.minimum(events.n[:, 0], others.n[:, 0]) >= 10
    )
    total = np.where(is_fit, a + b, 1.0)
    share = np.where(is_fit, a, 0.5) / total
    spread = (events.v - events.y).sum(axis=1) * (1 - share) ** 2 + (others.v - others.y).sum(axis=1) * share**2
    inverse_size = np.where(is_fit, np.maximum(spread, 0) / total**2, 0.0) / np.where(is_fit, share * (1 - share), 1.0)
    low, high = wilson_ends(share, inverse_size, 0.95)
    least, most = wilson_ends(share, inverse_size, ONE_SIDED)
    return Counts(share, low, high, least, most), is_fit


def wilson_ends(share: Floats, inverse_size: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Wilson's limits of shares (r,) whose effective sizes are 1/``inverse_size``; 0: the share itself."""
    z2 = normal_quantile(confidence) ** 2
    shrink = 1 / (1 + z2 * inverse_size)
    centre = (share + z2 * inverse_size / 2) * shrink
    half = np.sqrt(z2 * (share * (1 - share) * inverse_size + z2 * inverse_size**2 / 4)) * shrink
    return centre - half, centre + half


def measured(counts: Counts, at: int, *, n: float, n_found: float, method: str, most: float | None = 1.0) -> Measured:
    """One of the counts as a figure, kept between 0 and ``most``; without data where n is 0 or the value is NaN."""
    value = float(counts.value[at])
    if n < 1 or not np.isfinite(value):
        return Measured(None, None, None, None, None, int(n), int(n_found), METHOD_NONE, True)
    value, low, high, least, utmost = (
        min(max(float(part[at]), 0.0), np.inf if most is None else most) for part in counts.parts
    )
    is_known = high - low <= 1e-12 * high
    return Measured(
        value=value,
        low=min(low, value),
        high=max(high, value),
        lower_bound=min(least, value),
        upper_bound=max(utmost, value),
        n=int(n),
        n_found=int(n_found),
        method=METHOD_CENSUS if is_known else method,
        bound_only=not is_known and (n < MIN_SETTLED or n_found < MIN_FOUND),
    )
