"""Groups that were drawn as one (images of a part, parts of a lot) are the unit of every variance (STATISTICS §1.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models_registry.estimation.totals import Floats


def group_totals(of_item: NDArray[np.int64], values: Floats, *, n_groups: int) -> Floats:
    """The sum of items' values (n,) inside each of k groups, (k,): what enters an estimate with the group's own pi.

    `of_item` (n,) numbers each item's group from 0. Members fail together, so a variance over single items is too small
    by up to the size of a group. Raises ValueError for differing lengths or a number outside 0..k-1.
    """
    if of_item.shape != values.shape or bool(((of_item < 0) | (of_item >= n_groups)).any()):
        raise ValueError(f"each item has a value and a group's number from 0 to {n_groups - 1}")
    totals: Floats = np.bincount(of_item, weights=values, minlength=n_groups).astype(np.float64)
    return totals
