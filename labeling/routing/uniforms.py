"""Numbers in [0, 1) from keyed hashes: nobody without the secret can foresee them, whoever has it can repeat them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from math import nextafter
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Partition = Literal["train", "holdout"]

CODE_VERSION = "routing-2"
"""How designs draw that are made from now on. A stored design keeps its own, so that its draws can be repeated."""
CODE_VERSIONS = ("routing-1", CODE_VERSION)

BELOW_ONE = nextafter(1.0, 0.0)


def keyed_uniform(secret: bytes, message: str) -> float:
    """A number in [0, 1): the first 8 bytes of HMAC-SHA256, big endian, over 2^64. Same key and message, same number.

    Raises ValueError for an empty secret: anyone could foresee the draw.
    """
    _require(secret)
    digest = hmac.digest(secret, message.encode(), hashlib.sha256)
    return min(int.from_bytes(digest[:8], "big") / 2**64, BELOW_ONE)  # the last 2^10 integers would round up to 1


def keyed_uniforms(
    secret: bytes, keys: Sequence[str], *, design_key: str, code_version: str = CODE_VERSION
) -> NDArray[np.float64]:
    """A number in [0, 1) for each key (n), (n,), of one design: another design draws anew.

    "routing-1": `keyed_uniform` of ``key|design_key``. "routing-2": the design's own key is BLAKE2b-256 of
    ``design_key`` keyed by the secret, and the number is BLAKE2b-64 of the key keyed by that, big endian, over 2^64; a
    third of the time. Raises ValueError for an empty secret, one of over 64 bytes, or a code version that is unknown.
    """
    _require(secret)
    if code_version == "routing-1":
        return np.array([keyed_uniform(secret, f"{key}|{design_key}") for key in keys], dtype=np.float64)
    if code_version != CODE_VERSION:
        raise ValueError(f"no draw is known by the name of {code_version}")
    mac = hashlib.blake2b
    own = mac(design_key.encode(), key=secret, digest_size=32).digest()
    heads = b"".join([mac(key.encode(), key=own, digest_size=8).digest() for key in keys])
    uniforms: NDArray[np.float64] = np.minimum(np.frombuffer(heads, dtype=">u8").astype(np.float64) / 2**64, BELOW_ONE)
    return uniforms


def partition(salt: bytes, group_id: str, *, holdout_share: float = 0.15) -> Partition:
    """Where a group (part, lot, near-duplicates) belongs for ever: decided before any label, by hash alone (§3.4).

    Raises ValueError for an empty salt or a share outside [0, 1].
    """
    if not 0 <= holdout_share <= 1:
        raise ValueError(f"holdout_share lies between 0 and 1, not at {holdout_share}")
    return "holdout" if keyed_uniform(salt, group_id) < holdout_share else "train"


def _require(secret: bytes) -> None:
    if not secret:
        raise ValueError("the secret of a draw is not empty")
