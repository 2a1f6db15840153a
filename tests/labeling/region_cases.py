"""How the constraints of regions are broken: cases of `test_constraints`."""

from __future__ import annotations

from collections.abc import Callable

import tests.factories as make
from tests.breaking import Attempt, change, copy

REGIONS: dict[str, list[Callable[[], Attempt]]] = {
    "regionmatch_prediction_label_unique": [lambda: copy(make.make_region_match())],
    "regionmatch_pi_range": [
        lambda: change(make.make_region_match(), pi=0),
        lambda: change(make.make_region_match(), floor_pi=1.5),
    ],
}
