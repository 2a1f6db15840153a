"""Exactly n of N parts by a keyed hash: a simple random sample that can be drawn again. Pure.

Every part has the same chance, n/N, and so has every set of n parts. It is recorded like every other draw: the part of
rank r has u = (r + 1/2)/N, so that it is drawn if and only if u < pi.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from labeling.routing import Routing, keyed_uniform

CODE_VERSION = "finite-1"
NO_SPREAD = 0.5  # of a model that says nothing of itself


def draw_exactly(keys: Sequence[str], *, n: int, secret: bytes) -> list[Routing]:
    """The draws of N parts, in the order of ``keys`` (N, all different). Raises ValueError unless 1 <= n <= N."""
    size = len(keys)
    if not 1 <= n <= size or len(set(keys)) != size:
        raise ValueError(f"{n} of {size} parts cannot be drawn, or two of them have one key")
    ranks = {key: rank for rank, key in enumerate(sorted(keys, key=lambda key: _place(key, secret)))}
    return [_routing(ranks[key], n, size) for key in keys]


def secret_of_seed(seed: int, fingerprint: str) -> str:
    """A secret that everybody who knows the seed can make again: 64 hex digits."""
    return hashlib.sha256(f"audit {seed} {fingerprint}".encode()).hexdigest()


def _place(key: str, secret: bytes) -> tuple[float, str]:
    return keyed_uniform(secret, f"{key}|{CODE_VERSION}"), key


def _routing(rank: int, n: int, size: int) -> Routing:
    pi, drawn = n / size, rank < n
    reason = f"{'D' if drawn else 'Not d'}rawn: {n} of {size} parts, each with the same chance."
    return Routing(
        stratum="sampled", pi=pi, floor_pi=pi, u=(rank + 0.5) / size, uncertainty=NO_SPREAD, error_guess=NO_SPREAD,
        drawn=drawn, reason=reason, reason_code="drawn" if drawn else "not_drawn",
        review="measuring" if drawn else "none",
    )  # fmt: skip
