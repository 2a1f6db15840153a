"""Cases of `test_constraints`: images, cameras, and what is reckoned hourly."""

from __future__ import annotations

from collections.abc import Callable

from tests import factories as make
from tests.breaking import Attempt, change

MEASURED: dict[str, list[Callable[[], Attempt]]] = {
    "hourlyfacts_ece_and_its_low_end": [
        lambda: change(make.make_hourly(), ece=0.1),
        lambda: change(make.make_hourly(), ece=0.1, ece_low=0.2),
    ],
    "hourlyfacts_drift_of_something": [
        lambda: change(make.make_hourly(), drift_windows=0, drift_of="what it predicts"),
        lambda: change(make.make_hourly(), drift_windows=None, drift_of="what it predicts"),
    ],
    "hourlyfacts_agreement_at_most_1": [lambda: change(make.make_hourly(), agreement=1.01)],
    "itemquality_flags_known": [lambda: change(make.make_quality(), flags=["blurred", "ugly"])],
    "qualityreference_limits_iff_frozen": [
        lambda: change(make.make_reference(), frozen_at=None),
        lambda: change(make.make_reference(), limits={}),
        lambda: change(make.make_reference(), n=199),
    ],
    "qualityreference_frozen_after_learning": [
        lambda: change(make.make_reference(), learning_since=make.NOW.replace(year=2100))
    ],
}
