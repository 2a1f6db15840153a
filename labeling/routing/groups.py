"""One draw for several items that are not independent: images of one part, parts of one lot (STATISTICS §1.1).

In the database an inspection with its views is the group; this is for callers whose groups are larger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from labeling.routing.uniforms import CODE_VERSION, keyed_uniforms


@dataclass(frozen=True, slots=True)
class GroupDraws:
    """The draws of k groups, in the order in which each was first named. `of_item` (n,): the number of each item's."""

    groups: tuple[str, ...]
    of_item: NDArray[np.int64]
    pi: NDArray[np.float64]  # (k,)
    u: NDArray[np.float64]  # (k,)
    drawn: NDArray[np.bool_]  # (k,)


def draw_groups(
    groups: Sequence[str],
    pi: NDArray[np.float64],
    *,
    secret: bytes,
    design_key: str,
    rule: Literal["union", "max"] = "max",
    code_version: str = CODE_VERSION,
) -> GroupDraws:
    """Draw each group once, whole or not at all, from the probabilities `pi` (n,) that its items have alone.

    pi_g is the items' largest ("max", as many groups as items would have been drawn at least) or 1 - prod(1 - pi_i)
    ("union", as many groups as would have been touched). The group is the unit of every estimate and variance: sum the
    weighted errors inside it first (`models_registry.estimation.groups`).
    Raises ValueError for differing lengths or a pi outside (0, 1].
    """
    if len(groups) != len(pi) or not bool(((pi > 0) & (pi <= 1)).all()):
        raise ValueError("each item has a group and an inclusion probability above 0 and at most at 1")
    names = {name: number for number, name in enumerate(dict.fromkeys(groups))}
    of_item = np.fromiter((names[name] for name in groups), dtype=np.int64, count=len(groups))
    if rule == "max":
        chance = np.zeros(len(names))
        np.maximum.at(chance, of_item, pi)
    else:
        with np.errstate(divide="ignore"):
            chance = -np.expm1(np.bincount(of_item, weights=np.log1p(-pi), minlength=len(names)))
    uniforms = keyed_uniforms(secret, list(names), design_key=design_key, code_version=code_version)
    return GroupDraws(tuple(names), of_item, chance, uniforms, uniforms < chance)
